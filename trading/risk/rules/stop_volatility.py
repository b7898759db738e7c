"""Stop consistent with volatility: not inside the noise, not out of reach, and on the losing side of the market."""

from trading.risk.limits import RiskLimits
from trading.risk.rule import CodeRule, Finding, compare, refuse
from trading.types import ProposedOrder, Side, Snapshot


def judge(order: ProposedOrder, snapshot: Snapshot, limits: RiskLimits) -> Finding:
    quote, atr, stop = snapshot.quote, snapshot.atr, order.stop_price
    if quote is None or atr is None or atr <= 0:
        return refuse("the volatility (ATR) is not known", atr=atr)
    if stop is None or order.target_price is None:
        return refuse("an entry needs a stop and a target")
    if order.side is Side.BUY:
        is_ordered = stop < quote.bid and order.target_price > order.price_bound
        distance = quote.mid - stop
    else:
        is_ordered = stop > quote.ask and order.target_price < order.price_bound
        distance = stop - quote.mid
    if not is_ordered:
        return refuse(
            "the stop would trigger at once, or the target is no gain",
            stop_price=stop,
            target_price=order.target_price,
            bid=quote.bid,
            ask=quote.ask,
        )
    return compare(
        limits.min_stop_distance_atr <= distance / atr <= limits.max_stop_distance_atr,
        f"the stop is {distance / atr:.2f} ATR away",
        stop_price=stop,
        distance_atr=distance / atr,
        atr=atr,
        min_distance_atr=limits.min_stop_distance_atr,
        max_distance_atr=limits.max_stop_distance_atr,
    )


RULE = CodeRule(name="stop_volatility", judge=judge)
