"""Watchdog: the risk guard must have said, not long ago, that it evaluated every breaker. Silence is a no."""

from trading.risk.breakers import is_confirmed
from trading.risk.limits import RiskLimits
from trading.risk.rule import CodeRule, Finding, compare
from trading.types import ProposedOrder, Snapshot


def judge(order: ProposedOrder, snapshot: Snapshot, limits: RiskLimits) -> Finding:
    until = snapshot.watchdog_ok_until
    passed = is_confirmed(until, at=snapshot.at)
    message = "the risk guard is awake" if passed else "the risk guard has not confirmed the breakers in time"
    return compare(passed, message, ok_until=until, at=snapshot.at)


RULE = CodeRule(name="watchdog", judge=judge)
