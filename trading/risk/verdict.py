"""The verdict: every rule's answer about one order. Pure, and never more generous for a rule that fails to answer."""

from collections.abc import Mapping
from functools import cache

from neuratrade.lib.plugins import discover
from trading.protocols import Rule
from trading.risk.limits import RiskLimits
from trading.types import ProposedOrder, RuleResult, Snapshot, Verdict

LONGEST_MESSAGE = 300


@cache
def all_rules() -> Mapping[str, Rule]:
    """Every rule found in trading/risk/rules, by file name; an import error stops start-up."""
    return discover("trading.risk.rules", "RULE")


def judge(
    order: ProposedOrder, *, snapshot: Snapshot, limits: RiskLimits, rules: Mapping[str, Rule] | None = None
) -> Verdict:
    """All rules always run, so the operator sees every reason at once. Never raises: a rule that raises is a veto."""
    chosen = all_rules() if rules is None else rules
    return Verdict(
        results=tuple(_ask(name, rule, order, snapshot, limits) for name, rule in sorted(chosen.items()))
    )


def _ask(name: str, rule: Rule, order: ProposedOrder, snapshot: Snapshot, limits: RiskLimits) -> RuleResult:
    try:
        result: object = rule.check(order, snapshot, limits)
    except Exception as error:  # noqa: BLE001 - whatever went wrong, the answer is no
        problem = f"the rule failed: {type(error).__name__}: {error}"
        return RuleResult(rule=name, passed=False, message=problem[:LONGEST_MESSAGE])
    if isinstance(result, RuleResult) and type(result.passed) is bool:
        return result
    return RuleResult(rule=name, passed=False, message="the rule gave no usable answer")


def refusal(rule: str, message: str, **numbers: str) -> Verdict:
    """A verdict of one veto, for what never got as far as the rules."""
    return Verdict(results=(RuleResult(rule=rule, passed=False, message=message, numbers=numbers),))
