"""Does every account take new entries?"""

from datetime import datetime

from neuratrade.lib.health import CheckResult, CheckStatus
from trading.services import freezing


def check(at: datetime) -> CheckResult:
    frozen = freezing.frozen()
    if not frozen:
        return CheckResult(name="accounts", status=CheckStatus.OK, evidence="none is frozen")
    return CheckResult(
        name="accounts",
        status=CheckStatus.WARNING,
        evidence="; ".join(f"{account} is frozen: {account.frozen_reason}" for account in frozen),
        remedy=f"look at the venue, then `neuratrade release {frozen[0]}`",
    )


CHECK = check
