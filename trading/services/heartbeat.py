"""Signs of life: each long-running process says every few seconds that it lives and what it does."""

import os
from datetime import datetime

from trading.models import Heartbeat

LONGEST_LINE = 200


def beat(*, process: str, doing: str, at: datetime) -> None:
    """Writes the process's one line; the first beat of a new pid also sets when it started."""
    pid, doing = os.getpid(), doing[:LONGEST_LINE]
    if Heartbeat.objects.filter(process=process, pid=pid).update(beat_at=at, doing=doing) == 1:
        return
    Heartbeat.objects.update_or_create(
        process=process, defaults={"pid": pid, "started_at": at, "beat_at": at, "doing": doing}
    )
