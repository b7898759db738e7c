"""What the whole portfolio is exposed to."""

from collections import defaultdict
from decimal import Decimal

from agents.protocols import Tool, ToolContext, ToolOutput
from agents.tooling import ACCOUNT_VALID_S, NoArguments
from agents.types import Role
from trading.types import ZERO, Portfolio, Side


def run(arguments: NoArguments, context: ToolContext) -> ToolOutput:
    snapshot = context.snapshot()
    portfolio, spec = snapshot.portfolio, context.instrument
    by_asset = exposure_by_asset(portfolio)
    return ToolOutput(
        data={
            "venue": spec.venue,
            "symbol": spec.symbol,
            "equity": portfolio.equity,
            "gross_exposure": portfolio.gross_exposure,
            "gross_exposure_ratio": _share(portfolio.gross_exposure, portfolio.equity),
            "asset_exposure_ratio": _share(by_asset.get(spec.base, ZERO), portfolio.equity),
            "by_asset": dict(sorted(by_asset.items())),
            "open_positions": len(portfolio.positions),
            "pending_entries": len(portfolio.pending),
            "drawdown_24h_ratio": round(portfolio.drawdown_ratio, 6),
            "daily_realised_pnl": portfolio.daily_realised_pnl,
            "consecutive_losses": portfolio.consecutive_losses,
        },
        as_of=snapshot.at,
        valid_for_s=ACCOUNT_VALID_S,
    )


def exposure_by_asset(portfolio: Portfolio) -> dict[str, Decimal]:
    """Quote value per base asset; entries that may still fill count as filled."""
    found: defaultdict[str, Decimal] = defaultdict(Decimal)
    for position in portfolio.positions:
        found[position.base] += position.notional_quote
    for order in portfolio.pending:
        if order.side is Side.BUY:
            found[order.base] += order.notional_quote
    return dict(found)


def _share(value: Decimal, equity: Decimal) -> Decimal:
    return round(value / equity, 6) if equity > 0 else ZERO


TOOL = Tool(
    name="portfolio_exposure_snapshot",
    description="Equity, exposure in total and per asset (pending entries included), 24 h drawdown, today's realised PnL.",
    arguments=NoArguments,
    roles=frozenset({Role.TRADER, Role.RISK_MANAGER}),
    run=run,
)
