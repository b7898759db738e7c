"""Precision: size and prices are exact multiples of the venue's steps, and the size lies inside its bounds."""

from trading.risk.limits import RiskLimits
from trading.risk.rule import CodeRule, Finding, compare, is_reduce_only
from trading.types import OrderType, ProposedOrder, Snapshot


def judge(order: ProposedOrder, snapshot: Snapshot, limits: RiskLimits) -> Finding:
    instrument = snapshot.instrument
    problems = []
    if order.size_base <= 0 or order.size_base % instrument.size_step:
        problems.append("the size is not a positive multiple of the step")
    if order.size_base < instrument.min_size and not is_reduce_only(order):
        problems.append("the size is below the venue's minimum")
    if instrument.max_size is not None and order.size_base > instrument.max_size:
        problems.append("the size is above the venue's maximum")
    prices = {"bound": order.price_bound, "stop": order.stop_price, "target": order.target_price}
    for name, price in prices.items():
        if price is not None and (price <= 0 or price % instrument.price_tick):
            problems.append(f"the {name} price is not a positive multiple of the tick")
    if is_reduce_only(order) and order.type is OrderType.STOP and order.stop_price is None:
        problems.append("a stop order needs a stop price")
    return compare(
        not problems,
        "; ".join(problems) or "size and prices fit the venue's steps",
        size_base=order.size_base,
        size_step=instrument.size_step,
        min_size=instrument.min_size,
        price_bound=order.price_bound,
        price_tick=instrument.price_tick,
    )


RULE = CodeRule(name="precision", judge=judge, applies_to_reduce_only=True)
