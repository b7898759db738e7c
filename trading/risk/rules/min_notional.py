"""Minimum notional: the entry is large enough for the venue, and so is what it leaves to sell at the stop after fees."""

from trading.risk.limits import RiskLimits
from trading.risk.rule import CodeRule, Finding, compare, refuse
from trading.types import ONE, ProposedOrder, Snapshot


def judge(order: ProposedOrder, snapshot: Snapshot, limits: RiskLimits) -> Finding:
    instrument = snapshot.instrument
    if order.stop_price is None:
        return refuse("an entry without a stop has no exit value")
    # A venue may take the entry fee out of the base asset: what is left must still be sellable at the stop.
    exit_notional = order.size_base * (ONE - instrument.taker_fee_ratio) * order.stop_price
    smallest = min(order.notional_quote, exit_notional)
    return compare(
        order.size_base > 0 and smallest >= instrument.min_notional,
        "entry and exit against the venue's minimum",
        entry_notional_quote=order.notional_quote,
        exit_notional_quote=exit_notional,
        min_notional_quote=instrument.min_notional,
    )


RULE = CodeRule(name="min_notional", judge=judge)
