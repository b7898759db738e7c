"""A run from its row to its result: start, claim, checkpoint, resume, finish, fail."""

import logging
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any
from uuid import UUID

from django.conf import settings
from django.db import transaction
from django.db.models import F, Q
from django.db.models.functions import Coalesce

from quests import schedule
from quests.errors import RunLostError, TryAgainError
from quests.models import Quest, Run
from quests.protocols import Quest as QuestPlugin
from quests.protocols import RunContext
from quests.services import opening, progress
from quests.services.installing import catalog
from quests.types import Cadence, Fired, JobKind, Outcome
from trading.services import events
from trading.types import Mode

log = logging.getLogger(__name__)

Clock = Callable[[], datetime]

# A worker's hold on a run outlives its task's hard time limit by this much, so that two never work at once.
LEASE_MARGIN = timedelta(seconds=15)
MAX_RETRIES = 3


@dataclass(frozen=True, slots=True)
class Ticket:
    """What a message needs: the run, and the job it is, which decides queue and time limit."""

    run_id: int
    job: JobKind


def ticket(run: Run) -> Ticket:
    return Ticket(run.id, JobKind(run.quest.job))


def start_due(*, cadence: Cadence, at: datetime) -> tuple[Ticket, ...]:
    """Rows for every enabled quest of the cadence that has none in the present slot; empty when all have theirs."""
    scheduled_for = schedule.slot(cadence, at=at, micro_every_s=settings.MICRO_EVERY_S)
    quests = Quest.objects.filter(cadence=cadence, is_enabled=True, name__in=catalog())
    started = (_create(quest=quest, scheduled_for=scheduled_for, at=at) for quest in quests)
    return tuple(ticket(run) for run in started if run is not None)


def start_triggered(*, fired: Fired, at: datetime) -> Ticket | None:
    """A row for the quest that the trigger wakes; None when it has one in this cool-down or is switched off."""
    quest = Quest.objects.filter(name=fired.quest, is_enabled=True).first()
    if quest is None:
        log.warning("trigger=%s fired but quest=%s is not installed or is off", fired.trigger, fired.quest)
        return None
    slot = schedule.floor(fired.at, length=timedelta(seconds=fired.cooldown_s))
    run = _create(quest=quest, scheduled_for=slot, at=at, subject=fired.subject, facts=fired.as_facts())
    return None if run is None else ticket(run)


def perform(*, run_id: int, clock: Clock, plugins: Mapping[str, QuestPlugin] | None = None) -> UUID | None:
    """Does one run, resuming from its checkpoint, and returns the id of the decision that its pipeline must start.

    None when there is nothing to decide, or when the run is not ours to do: done, running elsewhere, not due yet.
    A quest that raises is recorded and retried later; it never takes the worker down.
    """
    run = _claim(run_id=run_id, at=clock())
    if run is None:
        return None
    try:
        context = _context(run, clock=clock)
        outcome = (plugins or catalog())[run.quest.name].run(context)
        return _finish(run=run, outcome=outcome, account_mode=context.account_mode, at=clock())
    except RunLostError as error:
        log.warning("run=%s quest=%s stopped: %s", run.id, run.quest.name, error)
    except TryAgainError as error:
        log.info("run=%s quest=%s later: %s", run.id, run.quest.name, error)
        fail(run=run, reason=str(error), at=clock())
    except Exception as error:  # whatever a plug-in raises is its own failure, recorded and retried
        log.exception("run=%s quest=%s attempt=%s failed", run.id, run.quest.name, run.attempts)
        fail(run=run, reason=f"{type(error).__name__}: {error}", at=clock())
    return None


def fail(*, run: Run, reason: str, at: datetime) -> None:
    """Plans the next attempt with exponential back-off, or ends the run after the last one."""
    is_last = run.attempts > MAX_RETRIES
    columns: dict[str, Any] = {"note": reason[:300], "lease_until": None}
    if is_last:
        columns |= {"status": Run.Status.FAILED, "finished_at": at}
    else:
        columns |= {
            "status": Run.Status.RETRYING,
            "retry_at": schedule.retry_at(at=at, attempts=run.attempts),
        }
    with transaction.atomic():
        if not _write(run, **columns):
            return
        if is_last:
            _record("quest.finished", run=run, payload={"outcome": "failed", "reason": reason[:300]}, at=at)
    progress.publish_status(run, at=at)


def _create(
    *,
    quest: Quest,
    scheduled_for: datetime,
    at: datetime,
    subject: str = "",
    facts: Mapping[str, Any] | None = None,
) -> Run | None:
    """None when the slot is taken: a second beat, or a second feed, does no harm."""
    with transaction.atomic():
        run, is_new = Run.objects.get_or_create(
            quest=quest,
            scheduled_for=scheduled_for,
            subject=subject,
            defaults={"facts": dict(facts or {}), "created_at": at},
        )
        if not is_new:
            return None
        if facts:
            _record("trigger.fired", run=run, payload=facts, at=at)
    progress.publish_status(run, at=at)
    return run


def _claim(*, run_id: int, at: datetime) -> Run | None:
    """The run, ours alone until the lease ends; None when it is not to be had. An overtaken routine run is skipped."""
    free = (
        Q(status=Run.Status.QUEUED)
        | Q(status=Run.Status.RETRYING, retry_at__lte=at)
        | Q(status=Run.Status.RUNNING, lease_until__lte=at)
    )
    run = Run.objects.select_related("quest").filter(free, pk=run_id).first()
    if run is None:
        return None
    lease = _lease(run)
    with transaction.atomic():
        claimed = Run.objects.filter(free, pk=run_id, attempts__lte=MAX_RETRIES).update(
            status=Run.Status.RUNNING,
            attempts=F("attempts") + 1,
            lease_until=at + lease,
            started_at=Coalesce(F("started_at"), at),
            note="",
        )
        if claimed != 1:
            return None
        run.refresh_from_db()
        if _is_overtaken(run, at=at):
            _write(
                run, status=Run.Status.SKIPPED, note="another run of this quest is at work", finished_at=at
            )
            return None
        if run.attempts == 1 and run.quest.cadence != Cadence.MICRO:
            _record("quest.started", run=run, payload={}, at=at)
    progress.publish_status(run, at=at)
    return run


def _lease(run: Run) -> timedelta:
    return timedelta(seconds=JobKind(run.quest.job).time_limit_s) + LEASE_MARGIN


def _is_overtaken(run: Run, *, at: datetime) -> bool:
    """True while another run of the same quest and subject works: two scans at once would see the same market."""
    others = Run.objects.filter(
        quest=run.quest, subject=run.subject, status=Run.Status.RUNNING, lease_until__gt=at
    )
    return others.exclude(pk=run.pk).exists()


def _context(run: Run, *, clock: Clock) -> RunContext:
    def save(checkpoint: Mapping[str, Any], progress_ratio: float, note: str) -> None:
        at = clock()
        is_ours = _write(
            run,
            checkpoint=dict(checkpoint),
            progress_ratio=progress_ratio,
            note=note[:300],
            lease_until=at + _lease(run),
        )
        if not is_ours:
            raise RunLostError("another worker took it over")
        progress.publish_progress(run, progress_ratio=progress_ratio, note=note, at=at)

    return RunContext(
        run_id=run.id,
        at=clock(),
        scheduled_for=run.scheduled_for,
        mode=Mode(settings.MODE),
        facts=run.facts,
        checkpoint=run.checkpoint,
        save=save,
    )


def _finish(*, run: Run, outcome: Outcome, account_mode: Mode, at: datetime) -> UUID | None:
    """Opens the decision, if any, and closes the run. An attempt after a crash finds the decision already opened."""
    passed_over: tuple[str, ...] = ()
    if run.decision_id is None and outcome.opportunities:
        opened = opening.open_best(
            run=run, opportunities=outcome.opportunities, account_mode=account_mode, at=at
        )
        passed_over = opened.passed_over
        run.decision = opened.decision
    result = {**outcome.result, **({"passed_over": list(passed_over)} if passed_over else {})}
    with transaction.atomic():
        is_ours = _write(
            run,
            status=Run.Status.DONE,
            result=result,
            progress_ratio=1.0,
            note=outcome.summary[:300],
            lease_until=None,
            finished_at=at,
        )
        if not is_ours:
            raise RunLostError("another worker took it over before it finished")
        if run.quest.cadence != Cadence.MICRO or run.decision_id is not None:
            _record("quest.finished", run=run, payload={"outcome": "done", "summary": outcome.summary}, at=at)
    progress.publish_status(run, at=at)
    progress.publish_progress(run, progress_ratio=1.0, note=outcome.summary, at=at)
    return run.decision_id


def _write(run: Run, **columns: Any) -> bool:
    """Writes only while this attempt still owns the run; keeps the given object in step."""
    written = Run.objects.filter(pk=run.pk, status=Run.Status.RUNNING, attempts=run.attempts).update(
        **columns
    )
    if written == 1:
        for name, value in columns.items():
            setattr(run, name, value)
    return written == 1


def _record(kind: str, *, run: Run, payload: Mapping[str, Any], at: datetime) -> None:
    """In the audit trail. Routine micro runs that lead nowhere stay out of it: their rows tell the same."""
    events.append(
        kind=kind,
        mode=settings.MODE,
        decision=run.decision,
        payload={"run": run.id, "quest": run.quest.name, "subject": run.subject, **payload},
        at=at,
    )
