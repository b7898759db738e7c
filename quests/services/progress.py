"""Tells dashboards and streams how jobs come along. Best effort: the rows are the truth, these are hints."""

import json
import logging
from datetime import datetime

import redis

from neuratrade.lib import redis as bus
from quests.models import Run
from quests.types import JobKind

log = logging.getLogger(__name__)


def publish_status(run: Run, *, at: datetime) -> None:
    """On `jobs:status`: a run changed its status."""
    job = JobKind(run.quest.job)
    _publish(
        bus.JOBS_STATUS,
        {
            "run": run.id,
            "quest": run.quest.name,
            "job": job.value,
            "queue": job.priority.value,
            "status": run.status,
            "note": run.note,
            "at": at.isoformat(),
        },
    )


def publish_progress(run: Run, *, progress_ratio: float, note: str, at: datetime) -> None:
    """On `quests:progress`: how far a running quest is."""
    _publish(
        bus.QUESTS_PROGRESS,
        {
            "run": run.id,
            "quest": run.quest.name,
            "progress_ratio": round(progress_ratio, 3),
            "note": note,
            "at": at.isoformat(),
        },
    )


def _publish(channel: str, message: dict[str, object]) -> None:
    try:
        bus.publish(channel, json.dumps(message))
    except redis.RedisError as error:
        log.warning("no progress hint on %s: %s", channel, error)
