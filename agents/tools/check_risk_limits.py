"""The operator's limits beside what is used of them."""

from dataclasses import asdict

from agents.protocols import Tool, ToolContext, ToolOutput
from agents.tooling import ACCOUNT_VALID_S, NoArguments
from agents.types import Role
from trading.types import ZERO


def run(arguments: NoArguments, context: ToolContext) -> ToolOutput:
    snapshot, limits, spec = context.snapshot(), context.risk_limits, context.instrument
    portfolio = snapshot.portfolio
    day_loss = max(ZERO, -portfolio.daily_realised_pnl)
    return ToolOutput(
        data={
            "venue": spec.venue,
            "symbol": spec.symbol,
            "trading_state": snapshot.trading_state.value,
            "limits": asdict(limits),
            "used": {
                "drawdown_ratio": round(portfolio.drawdown_ratio, 6),
                "daily_loss_ratio": round(day_loss / portfolio.equity, 6) if portfolio.equity > 0 else ZERO,
                "consecutive_losses": portfolio.consecutive_losses,
                "gross_exposure": portfolio.gross_exposure,
            },
            "is_blacklisted": bool({spec.symbol, spec.base} & snapshot.blacklist),
        },
        as_of=snapshot.at,
        valid_for_s=ACCOUNT_VALID_S,
    )


TOOL = Tool(
    name="check_risk_limits",
    description="The operator's risk limits, how much of each is used, and whether the desk may open new risk at all.",
    arguments=NoArguments,
    roles=frozenset({Role.TRADER, Role.RISK_MANAGER}),
    run=run,
)
