"""May the strategies that are switched on run at all? One that may not would otherwise only say so in the scan's notes."""

from datetime import datetime

from neuratrade.lib.health import CheckResult, CheckStatus
from trading.errors import InvalidValueError
from trading.services import live_strategies


def check(at: datetime) -> CheckResult:
    entries = live_strategies.switched_on()
    problems = [f"{entry}: {problem}" for entry in entries if (problem := _problem(entry))]
    if problems:
        return CheckResult(
            name="strategies",
            status=CheckStatus.WARNING,
            evidence="; ".join(problems),
            remedy="take it out of NEURATRADE_STRATEGIES, or mend its page in skills/",
        )
    evidence = (
        f"{', '.join(entries)} switched on" if entries else "none is switched on (NEURATRADE_STRATEGIES)"
    )
    return CheckResult(name="strategies", status=CheckStatus.OK, evidence=evidence)


def _problem(entry: str) -> str:
    try:
        live_strategies.open_one(entry)
    except InvalidValueError as error:
        return str(error)
    return ""


CHECK = check
