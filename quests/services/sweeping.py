"""Finds what got stuck: messages that were lost, workers that died. Says what to send again, and ends what is past help.

Celery loses a message now and then (measured: 11 of 6,000 under 40 hard kills). Sending again is safe: a debate step goes on from
its journal, under a lease (agents/services/sessions.py), and everything else claims before it acts. The gate is never asked
twice: what it did before it died is not known, so its decision ends as FAILED.
"""

from dataclasses import dataclass
from datetime import datetime, timedelta
from uuid import UUID

from quests.models import Run
from quests.services.runs import MAX_RETRIES, Ticket, fail, ticket
from trading.models import Decision, Lease
from trading.services import decisions

Status = Decision.Status

# A message normally arrives within milliseconds; a step's queue may hold a few model calls before it.
SEND_AGAIN_AFTER = timedelta(seconds=20)
# Above a step's hard time limit (Celery's task_time_limit, 300 s). Evidence is old by then: better no trade than a late one.
GIVE_UP_AFTER = timedelta(minutes=10)
# The gate answers within a second.
CHECK_LIMIT = timedelta(seconds=60)

WAITING = (Status.OPENED, Status.ANALYSED, Status.PLANNED, Status.REVIEWED)
DEBATING = (Status.ANALYSING, Status.PLANNING, Status.REVIEWING)


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
    unchecked = _older((Status.CHECKING,), at=at - CHECK_LIMIT)
    hopeless = _older((*WAITING, *DEBATING), at=at - GIVE_UP_AFTER)
    reasons = {
        **{pk: f"the gate did not answer within {CHECK_LIMIT.total_seconds():.0f} s" for pk, _ in unchecked},
        **{pk: f"stood at {status} for too long; its evidence is too old now" for pk, status in hopeless},
    }
    return sum(
        decisions.end(decision_id=pk, status=Status.FAILED, reason=reason, at=at)
        for pk, reason in reasons.items()
    )


def _decisions_to_send(*, at: datetime) -> tuple[tuple[str, str], ...]:
    """Decisions that nobody took on, and debates whose worker no longer holds them."""
    late = _older((*WAITING, *DEBATING), at=at - SEND_AGAIN_AFTER)
    leases = {f"debate:{pk}" for pk, status in late if status in DEBATING}
    held = set(
        Lease.objects.filter(name__in=leases, expires_at__gt=at)
        .exclude(owner="")
        .values_list("name", flat=True)
    )
    return tuple((str(pk), status) for pk, status in late if f"debate:{pk}" not in held)


def _older(statuses: tuple[Status, ...], *, at: datetime) -> list[tuple[UUID, str]]:
    return list(Decision.objects.filter(status__in=statuses, changed_at__lte=at).values_list("pk", "status"))
