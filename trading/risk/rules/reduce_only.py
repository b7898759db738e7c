"""Reduce only: an exit, a stop or a liquidation sells, and never more than the desk holds of the instrument."""

from trading.risk.exposure import held_base
from trading.risk.limits import RiskLimits
from trading.risk.rule import CodeRule, Finding, compare
from trading.types import ZERO, ProposedOrder, Side, Snapshot


def judge(order: ProposedOrder, snapshot: Snapshot, limits: RiskLimits) -> Finding:
    instrument = snapshot.instrument
    held = held_base(snapshot.portfolio, venue=instrument.venue, symbol=instrument.symbol)
    passed = order.side is Side.SELL and ZERO < order.size_base <= held
    return compare(
        passed,
        f"the size against the {held:f} {instrument.base} held",
        side=order.side.value,
        size_base=order.size_base,
        held_base=held,
    )


RULE = CodeRule(name="reduce_only", judge=judge, applies_to_entries=False, applies_to_reduce_only=True)
