"""Puts the catalog and the beat entries into the database; running it again changes nothing."""

from collections.abc import Mapping
from datetime import datetime
from functools import cache

from django.conf import settings
from django.db import transaction

from neuratrade.lib.plugins import discover
from quests import models
from quests.protocols import Quest, Trigger
from quests.schedule import beat_every_s
from quests.types import Cadence, Priority
from quests.watchdog import Watchdog

SWEEP_EVERY_S = 5
ROUTINE = (Cadence.MICRO, Cadence.HOURLY, Cadence.DAILY, Cadence.WEEKLY)


@cache
def catalog() -> Mapping[str, Quest]:
    """Every quest plug-in by name."""
    return discover("quests.catalog", "QUEST")


@cache
def triggers() -> Mapping[str, Trigger]:
    """Every trigger plug-in by name."""
    return discover("quests.triggers", "TRIGGER")


def new_watchdog() -> Watchdog:
    """A watchdog with every trigger; one per `watch_market` process."""
    return Watchdog(triggers=triggers())


def install_schedule(*, at: datetime) -> None:
    """One row per quest and one beat entry per cadence tier, plus the sweeper. What the operator switched off stays off."""
    with transaction.atomic():
        for name, quest in catalog().items():
            models.Quest.objects.update_or_create(
                name=name, defaults={"cadence": quest.cadence, "job": quest.job, "purpose": quest.purpose}
            )
        for cadence in ROUTINE:
            _install_entry(
                name=f"{cadence} quests",
                task="quests.tasks.run_due",
                arguments=f'{{"cadence": "{cadence}"}}',
                every_s=beat_every_s(cadence, micro_every_s=settings.MICRO_EVERY_S),
                at=at,
            )
        _install_entry(
            name="sweep stuck steps",
            task="quests.tasks.sweep",
            arguments="{}",
            every_s=SWEEP_EVERY_S,
            at=at,
        )


def _install_entry(*, name: str, task: str, arguments: str, every_s: int, at: datetime) -> None:
    """A start time in the past makes beat fire the entry at its first tick instead of one interval later.

    A tick that nobody took within two intervals is dropped: the next one asks the same question.
    """
    from django_celery_beat.models import IntervalSchedule, PeriodicTask

    interval = IntervalSchedule.objects.filter(every=every_s, period=IntervalSchedule.SECONDS).first()
    if interval is None:
        interval = IntervalSchedule.objects.create(every=every_s, period=IntervalSchedule.SECONDS)
    wanted = {
        "task": task,
        "kwargs": arguments,
        "interval": interval,
        "queue": Priority.CRITICAL.value,
        "expire_seconds": max(2 * every_s, 10),
    }
    entry, is_new = PeriodicTask.objects.get_or_create(name=name, defaults={**wanted, "start_time": at})
    if is_new or all(getattr(entry, column) == value for column, value in wanted.items()):
        return
    for column, value in wanted.items():
        setattr(entry, column, value)
    entry.save()
