"""Balance: the account's free quote balance pays for the entry at its worst price, fee included."""

from trading.risk.limits import RiskLimits
from trading.risk.rule import CodeRule, Finding, compare
from trading.types import ONE, ProposedOrder, Side, Snapshot


def judge(order: ProposedOrder, snapshot: Snapshot, limits: RiskLimits) -> Finding:
    instrument = snapshot.instrument
    if order.side is Side.SELL:
        return compare(
            order.size_base <= snapshot.free_base,
            f"free {instrument.base} against the size",
            size_base=order.size_base,
            free_base=snapshot.free_base,
        )
    needed = order.notional_quote * (ONE + instrument.taker_fee_ratio)
    return compare(
        needed <= snapshot.free_quote,
        f"free {instrument.quote} against the cost with fee",
        needed_quote=needed,
        free_quote=snapshot.free_quote,
    )


RULE = CodeRule(name="balance", judge=judge)
