"""Leverage: gross exposure with this order, pending entries counted as filled, over equity."""

from trading.risk.limits import RiskLimits
from trading.risk.rule import CodeRule, Finding, compare, refuse
from trading.types import ProposedOrder, Snapshot


def judge(order: ProposedOrder, snapshot: Snapshot, limits: RiskLimits) -> Finding:
    equity = snapshot.portfolio.equity
    if equity <= 0:
        return refuse("there is no known equity", equity=equity)
    exposure = snapshot.portfolio.gross_exposure + order.notional_quote
    return compare(
        exposure <= limits.max_leverage_ratio * equity,
        f"the desk would stand at {exposure / equity:.2f} x equity",
        exposure_quote=exposure,
        equity=equity,
        leverage_ratio=exposure / equity,
        max_leverage_ratio=limits.max_leverage_ratio,
    )


RULE = CodeRule(name="leverage", judge=judge)
