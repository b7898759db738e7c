"""Does the schema fit the code?"""

from datetime import datetime

from neuratrade.lib.health import CheckResult, CheckStatus
from neuratrade.supervise.tables import pending_migrations


def check(at: datetime) -> CheckResult:
    pending = pending_migrations()
    if not pending:
        return CheckResult(name="migrations", status=CheckStatus.OK, evidence="every migration is applied")
    return CheckResult(
        name="migrations",
        status=CheckStatus.FAILED,
        evidence=f"{len(pending)} missing, first {pending[0]}",
        remedy="run `neuratrade prepare`; the desk does not trade before",
    )


CHECK = check
