"""May the desk trade, and does the risk guard keep saying so?"""

from datetime import datetime

from django.conf import settings

from neuratrade.lib.health import CheckResult, CheckStatus
from trading.models import DeskState
from trading.types import TradingState


def check(at: datetime) -> CheckResult:
    states = DeskState.objects.filter(mode=settings.MODE)
    stopped = [state for state in states if state.state != TradingState.ACTIVE]
    if stopped:
        return CheckResult(
            name="trading state",
            status=CheckStatus.WARNING,
            evidence="; ".join(
                f"{state.mode} is {state.state}: {state.cause or 'no cause given'}" for state in stopped
            ),
            remedy="when the cause is dealt with: `neuratrade resume`",
        )
    late = [state for state in states if state.ok_until is None or state.ok_until < at]
    if late or not states:
        return CheckResult(
            name="trading state",
            status=CheckStatus.WARNING,
            evidence=f"{settings.MODE}: no valid promise of the risk guard, so nothing is sent",
            remedy="see that guard_risk runs: `neuratrade status`",
        )
    return CheckResult(name="trading state", status=CheckStatus.OK, evidence=f"{settings.MODE} is active")


CHECK = check
