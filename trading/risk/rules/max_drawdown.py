"""Drawdown: equity below its 24 h peak, open positions at liquidation value. The breaker acts on it; this refuses new risk."""

from trading.risk.limits import RiskLimits
from trading.risk.rule import CodeRule, Finding, compare, percent
from trading.types import ProposedOrder, Snapshot


def judge(order: ProposedOrder, snapshot: Snapshot, limits: RiskLimits) -> Finding:
    portfolio = snapshot.portfolio
    drawdown = portfolio.drawdown_ratio
    return compare(
        drawdown < limits.max_drawdown_ratio,
        f"equity stands {percent(drawdown)} below its 24 h peak",
        equity=portfolio.equity,
        equity_peak_24h=portfolio.equity_peak_24h,
        drawdown_ratio=drawdown,
        max_drawdown_ratio=limits.max_drawdown_ratio,
    )


RULE = CodeRule(name="max_drawdown", judge=judge)
