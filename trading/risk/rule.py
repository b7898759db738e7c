"""What every rule file is made of: a name, what it applies to, and one function that compares numbers."""

from collections.abc import Callable
from dataclasses import dataclass, field
from datetime import datetime
from decimal import Context, Decimal

from trading.risk.digest import number
from trading.risk.limits import RiskLimits
from trading.types import ProposedOrder, Purpose, RuleResult, Snapshot

_SHOWN_DIGITS = Context(prec=12)


@dataclass(frozen=True, slots=True)
class Finding:
    """A judgement before it carries the rule's name."""

    passed: bool
    message: str
    numbers: dict[str, str] = field(default_factory=dict)


Judge = Callable[[ProposedOrder, Snapshot, RiskLimits], Finding]


@dataclass(frozen=True, slots=True, kw_only=True)
class CodeRule:
    """One rule. An order it does not apply to passes, and the answer says so."""

    name: str
    judge: Judge
    applies_to_entries: bool = True
    applies_to_reduce_only: bool = False

    def check(self, order: ProposedOrder, snapshot: Snapshot, limits: RiskLimits) -> RuleResult:
        if is_reduce_only(order) and not self.applies_to_reduce_only:
            return RuleResult(
                rule=self.name, passed=True, message="does not apply: the order only reduces a position"
            )
        if not is_reduce_only(order) and not self.applies_to_entries:
            return RuleResult(rule=self.name, passed=True, message="does not apply to entries")
        found = self.judge(order, snapshot, limits)
        return RuleResult(rule=self.name, passed=found.passed, message=found.message, numbers=found.numbers)


def is_reduce_only(order: ProposedOrder) -> bool:
    """Everything but an entry only reduces (trading.types.Purpose)."""
    return order.purpose is not Purpose.ENTRY


Shown = Decimal | int | float | str | datetime | None


def compare(passed: bool, message: str, **numbers: Shown) -> Finding:  # noqa: FBT001 - the answer is the point
    """A finding with what was compared, written for people."""
    return Finding(passed, message, {name: shown(value) for name, value in numbers.items()})


def allow(message: str, **numbers: Shown) -> Finding:
    return compare(passed=True, message=message, **numbers)


def refuse(message: str, **numbers: Shown) -> Finding:
    return compare(passed=False, message=message, **numbers)


def shown(value: Shown) -> str:
    """A value as the verdict prints it: at most twelve digits, `unknown` for None."""
    if value is None:
        return "unknown"
    if isinstance(value, datetime):
        return value.isoformat()
    if isinstance(value, float):
        return f"{value:.3f}"
    if isinstance(value, Decimal) and value.is_finite():
        return number(_SHOWN_DIGITS.plus(value))
    return str(value)


def percent(ratio: Decimal) -> str:
    return f"{ratio * 100:.2f} %"
