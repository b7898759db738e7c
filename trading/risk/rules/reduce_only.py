"""Reduce only: an exit, a stop or a liquidation goes against the position, and is never larger than it."""

from trading.risk.exposure import held_base
from trading.risk.limits import RiskLimits
from trading.risk.rule import CodeRule, Finding, compare
from trading.types import ZERO, ProposedOrder, Side, Snapshot


def judge(order: ProposedOrder, snapshot: Snapshot, limits: RiskLimits) -> Finding:
    instrument = snapshot.instrument
    held = held_base(snapshot.portfolio, venue=instrument.venue, symbol=instrument.symbol)
    side = Side.SELL if held > 0 else Side.BUY
    passed = order.side is side and ZERO < order.size_base <= abs(held)
    return compare(
        passed,
        f"the size against the {held:f} {instrument.base} held",
        side=order.side.value,
        size_base=order.size_base,
        held_base=held,
    )


RULE = CodeRule(name="reduce_only", judge=judge, applies_to_entries=False, applies_to_reduce_only=True)
