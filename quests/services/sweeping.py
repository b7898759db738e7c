"""Finds what got stuck: messages that were lost, workers that died. Ends it, or says what to send again.

Celery loses a message now and then (measured: 11 of 6,000 under 40 hard kills). Nothing here repeats a step that somebody had
claimed: a claimed step whose worker died ends its decision as FAILED, because what it did before it died is not known.
"""

from dataclasses import dataclass
from datetime import datetime, timedelta
from uuid import UUID

from quests.models import Run
from quests.services.runs import MAX_RETRIES, Ticket, fail, ticket
from trading.models import Decision
from trading.services import decisions

Status = Decision.Status

# A message normally arrives within milliseconds; a step's queue may hold a few model calls before it.
SEND_AGAIN_AFTER = timedelta(seconds=20)
# Evidence is old by then: better no trade than a late one.
GIVE_UP_AFTER = timedelta(minutes=10)
# Above the hard time limit of a step (Celery's task_time_limit, 300 s), so that only dead workers are meant.
MODEL_STEP_LIMIT = timedelta(seconds=330)
CHECK_LIMIT = timedelta(seconds=60)

UNCLAIMED = (Status.OPENED, Status.ANALYSED, Status.PLANNED, Status.REVIEWED)
CLAIMED = {
    Status.ANALYSING: MODEL_STEP_LIMIT,
    Status.PLANNING: MODEL_STEP_LIMIT,
    Status.REVIEWING: MODEL_STEP_LIMIT,
    Status.CHECKING: CHECK_LIMIT,
}


@dataclass(frozen=True, slots=True, kw_only=True)
class Sweep:
    """What the caller must send again (`runs`, `decisions` with their status), and how many decisions were ended."""

    runs: tuple[Ticket, ...] = ()
    decisions: tuple[tuple[str, str], ...] = ()
    ended: int = 0


def sweep(*, at: datetime) -> Sweep:
    """Idempotent; two sweeps at once do what one does."""
    return Sweep(
        runs=_runs_to_send(at=at), ended=_end_stuck_decisions(at=at), decisions=_decisions_to_send(at=at)
    )


def _runs_to_send(*, at: datetime) -> tuple[Ticket, ...]:
    """Runs whose message was lost, whose retry is due, or whose worker died with attempts left."""
    lost = Run.objects.filter(status=Run.Status.QUEUED, created_at__lte=at - SEND_AGAIN_AFTER)
    due = Run.objects.filter(status=Run.Status.RETRYING, retry_at__lte=at)
    crashed = Run.objects.filter(status=Run.Status.RUNNING, lease_until__lte=at)
    for run in crashed.filter(attempts__gt=MAX_RETRIES).select_related("quest"):
        fail(run=run, reason=f"its worker died {run.attempts} times", at=at)
    again = lost | due | crashed.filter(attempts__lte=MAX_RETRIES)
    return tuple(ticket(run) for run in again.select_related("quest"))


def _end_stuck_decisions(*, at: datetime) -> int:
    ended = 0
    for status, limit in CLAIMED.items():
        for decision_id in _older(status, at=at - limit):
            reason = f"the step {status.label.lower()} did not finish within {limit.total_seconds():.0f} s"
            ended += decisions.end(decision_id=decision_id, status=Status.FAILED, reason=reason, at=at)
    for status in UNCLAIMED:
        for decision_id in _older(status, at=at - GIVE_UP_AFTER):
            reason = f"nobody took the step after {status.label.lower()} in time; its evidence is too old now"
            ended += decisions.end(decision_id=decision_id, status=Status.FAILED, reason=reason, at=at)
    return ended


def _decisions_to_send(*, at: datetime) -> tuple[tuple[str, str], ...]:
    waiting = Decision.objects.filter(status__in=UNCLAIMED, changed_at__lte=at - SEND_AGAIN_AFTER)
    return tuple((str(pk), status) for pk, status in waiting.values_list("pk", "status"))


def _older(status: str, *, at: datetime) -> list[UUID]:
    return list(Decision.objects.filter(status=status, changed_at__lte=at).values_list("pk", flat=True))
