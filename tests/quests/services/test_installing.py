from datetime import datetime, timedelta

import pytest
from django_celery_beat.models import IntervalSchedule, PeriodicTask

from neuratrade.celery import app
from quests import services
from quests.models import Quest

pytestmark = pytest.mark.django_db


def test_installing_twice_changes_nothing(at: datetime) -> None:
    services.install_schedule(at=at)
    before = list(PeriodicTask.objects.order_by("id").values())
    services.install_schedule(at=at + timedelta(days=1))
    assert list(PeriodicTask.objects.order_by("id").values()) == before
    assert IntervalSchedule.objects.count() == 4


def test_there_is_one_entry_per_cadence_and_a_sweeper_and_every_task_exists(at: datetime) -> None:
    services.install_schedule(at=at)
    entries = {e.name: (e.task, e.kwargs, e.interval.every) for e in PeriodicTask.objects.all()}
    assert entries == {
        "micro quests": ("quests.tasks.run_due", '{"cadence": "micro"}', 60),
        "hourly quests": ("quests.tasks.run_due", '{"cadence": "hourly"}', 60),
        "daily quests": ("quests.tasks.run_due", '{"cadence": "daily"}', 300),
        "weekly quests": ("quests.tasks.run_due", '{"cadence": "weekly"}', 900),
        "sweep stuck steps": ("quests.tasks.sweep", "{}", 5),
    }
    app.loader.import_default_modules()
    assert {task for task, _, _ in entries.values()} <= set(app.tasks)


def test_what_the_operator_switched_off_stays_off(at: datetime) -> None:
    services.install_schedule(at=at)
    PeriodicTask.objects.filter(name="weekly quests").update(enabled=False)
    Quest.objects.filter(name="fee_audit").update(is_enabled=False)
    services.install_schedule(at=at)
    assert not PeriodicTask.objects.get(name="weekly quests").enabled
    assert not Quest.objects.get(name="fee_audit").is_enabled


def test_a_changed_setting_moves_the_entry(at: datetime, settings: object) -> None:
    services.install_schedule(at=at)
    settings.MICRO_EVERY_S = 15  # type: ignore[attr-defined]
    services.install_schedule(at=at)
    assert PeriodicTask.objects.get(name="micro quests").interval.every == 15


def test_beat_fires_a_new_entry_at_its_first_tick(at: datetime) -> None:
    from django_celery_beat.schedulers import ModelEntry

    services.install_schedule(at=at - timedelta(days=3650))
    entry = ModelEntry(PeriodicTask.objects.get(name="daily quests"), app=app)
    assert entry.is_due().is_due
