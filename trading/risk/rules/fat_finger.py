"""Fat finger: no order at a price far from the market. Measured at the worst price the order accepts.

Entries: 5 % on either side (reliability.md 6.2). Exits have a wider band of their own, on the losing side only,
and without a price to compare with they pass: protection is never blocked by this.
"""

from trading.risk.limits import RiskLimits
from trading.risk.rule import CodeRule, Finding, allow, compare, is_reduce_only, percent, refuse
from trading.types import ZERO, ProposedOrder, Side, Snapshot


def judge(order: ProposedOrder, snapshot: Snapshot, limits: RiskLimits) -> Finding:
    if is_reduce_only(order):
        return _judge_exit(order, snapshot, limits)
    if snapshot.quote is None:
        return refuse("there is no market price to compare with")
    mid = snapshot.quote.mid
    deviation = abs(order.price_bound - mid) / mid
    return compare(
        deviation <= limits.max_price_deviation_ratio,
        f"the worst price lies {percent(deviation)} from the market",
        price_bound=order.price_bound,
        mid=mid,
        deviation_ratio=deviation,
        max_deviation_ratio=limits.max_price_deviation_ratio,
    )


def _judge_exit(order: ProposedOrder, snapshot: Snapshot, limits: RiskLimits) -> Finding:
    quote = snapshot.quote
    if quote is None or quote.age_s(at=snapshot.at) > limits.max_blind_s:
        return allow("no recent market price to compare with; an exit is not blocked by that", mid=None)
    worse = quote.mid - order.price_bound if order.side is Side.SELL else order.price_bound - quote.mid
    deviation = max(worse, ZERO) / quote.mid
    return compare(
        deviation <= limits.max_exit_deviation_ratio,
        f"the worst price lies {percent(deviation)} beyond the market",
        price_bound=order.price_bound,
        mid=quote.mid,
        deviation_ratio=deviation,
        max_deviation_ratio=limits.max_exit_deviation_ratio,
    )


RULE = CodeRule(name="fat_finger", judge=judge, applies_to_reduce_only=True)
