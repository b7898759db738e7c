"""Does every process of the desk run, and does each say so itself?"""

from collections.abc import Sequence
from datetime import datetime

from django.conf import settings

from neuratrade.lib.health import CheckResult, CheckStatus
from neuratrade.supervise import processes, status
from neuratrade.supervise.errors import SuperviseError
from neuratrade.supervise.status import SILENT_AFTER, ProcessStatus
from trading.models import Heartbeat

OFTEN = 5


def check(at: datetime) -> CheckResult:
    try:
        rows = status.read(processes.table(), home=settings.HOME, at=at)
    except SuperviseError as error:
        return _unsupervised(str(error), at=at)
    return supervised(rows, at=at)


def supervised(rows: Sequence[ProcessStatus], *, at: datetime) -> CheckResult:
    """What the supervisor's rows and the signs of life say together."""
    pids = {row.name: row.pid for row in rows}
    silent = [
        f"{beat.process} silent for {(at - beat.beat_at).total_seconds():.0f} s"
        for beat in Heartbeat.objects.filter(beat_at__lt=at - SILENT_AFTER)
        if beat.pid == pids.get(beat.process)
    ]
    down = [f"{row.name} {row.state}" for row in rows if not row.is_running]
    if down or silent:
        return CheckResult(
            name="processes",
            status=CheckStatus.FAILED,
            evidence=", ".join(down + silent),
            remedy=f"read the process's file in {settings.LOG_DIR}; it is started again by itself",
        )
    often = [f"{row.name} {row.restarts} times" for row in rows if row.restarts >= OFTEN]
    if often:
        return CheckResult(
            name="processes",
            status=CheckStatus.WARNING,
            evidence=f"restarted: {', '.join(often)}",
            remedy=f"read why in {settings.LOG_DIR}",
        )
    errors = [f"{row.name}: {row.last_error}" for row in rows if row.last_error]
    if errors:
        return CheckResult(
            name="processes",
            status=CheckStatus.WARNING,
            evidence=f"all {len(rows)} run; newest errors: {'; '.join(errors)}",
            remedy=f"mend what they name; the rest is in {settings.LOG_DIR}",
        )
    return CheckResult(name="processes", status=CheckStatus.OK, evidence=f"all {len(rows)} run")


def _unsupervised(reason: str, *, at: datetime) -> CheckResult:
    """No supervisor here: in containers each process stands alone, and its sign of life is all there is to see."""
    alive = Heartbeat.objects.filter(beat_at__gte=at - SILENT_AFTER).order_by("process")
    if alive:
        names = ", ".join(alive.values_list("process", flat=True))
        evidence = f"no supervisor here; signs of life from {names}"
        return CheckResult(name="processes", status=CheckStatus.OK, evidence=evidence)
    return CheckResult(
        name="processes", status=CheckStatus.FAILED, evidence=reason, remedy="start it: `neuratrade up`"
    )


CHECK = check
