"""Is there room for the database, Redis and the logs?"""

import shutil
from datetime import datetime

from django.conf import settings

from neuratrade.lib.health import CheckResult, CheckStatus

WARN_BELOW_BYTES = 2_000_000_000
FAIL_BELOW_BYTES = 300_000_000


def check(at: datetime) -> CheckResult:
    free = shutil.disk_usage(settings.HOME).free
    status = (
        CheckStatus.FAILED
        if free < FAIL_BELOW_BYTES
        else CheckStatus.WARNING
        if free < WARN_BELOW_BYTES
        else CheckStatus.OK
    )
    return CheckResult(
        name="disk",
        status=status,
        evidence=f"{free / 1e9:.1f} GB free for {settings.HOME}",
        remedy=""
        if status is CheckStatus.OK
        else "make room: a full disk stops the journal, and so the trading",
    )


CHECK = check
