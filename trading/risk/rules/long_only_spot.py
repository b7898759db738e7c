"""Long only: a spot desk sells what it holds and never opens by selling."""

from trading.risk.limits import RiskLimits
from trading.risk.rule import CodeRule, Finding, compare
from trading.types import ProposedOrder, Side, Snapshot


def judge(order: ProposedOrder, snapshot: Snapshot, limits: RiskLimits) -> Finding:
    passed = order.side is Side.BUY
    message = "the entry buys" if passed else "spot cannot be sold short; held positions are closed by exits"
    return compare(passed, message, side=order.side.value)


RULE = CodeRule(name="long_only_spot", judge=judge)
