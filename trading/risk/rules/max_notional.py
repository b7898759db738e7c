"""Maximum notional: one order is never more than a part of equity, nor more than an absolute amount."""

from trading.risk.limits import RiskLimits
from trading.risk.rule import CodeRule, Finding, compare
from trading.types import ProposedOrder, Snapshot


def judge(order: ProposedOrder, snapshot: Snapshot, limits: RiskLimits) -> Finding:
    allowed = min(
        limits.max_order_notional_ratio * snapshot.portfolio.equity, limits.max_order_notional_quote
    )
    return compare(
        order.notional_quote <= allowed,
        "the order's notional against the cap per order",
        notional_quote=order.notional_quote,
        max_notional_quote=allowed,
        equity=snapshot.portfolio.equity,
    )


RULE = CodeRule(name="max_notional", judge=judge)
