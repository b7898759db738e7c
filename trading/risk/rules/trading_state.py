"""Trading state: ACTIVE lets all through, REDUCING only what reduces a position, HALTED nothing."""

from trading.risk.limits import RiskLimits
from trading.risk.rule import CodeRule, Finding, compare, is_reduce_only
from trading.types import ProposedOrder, Snapshot, TradingState


def judge(order: ProposedOrder, snapshot: Snapshot, limits: RiskLimits) -> Finding:
    state = snapshot.trading_state
    passed = state is TradingState.ACTIVE or (state is TradingState.REDUCING and is_reduce_only(order))
    return compare(passed, f"the desk is {state.value}", state=state.value, purpose=order.purpose.value)


RULE = CodeRule(name="trading_state", judge=judge, applies_to_reduce_only=True)
