from datetime import datetime, timedelta

import pytest

from quests import services
from quests.models import Run
from quests.services.sweeping import CHECK_LIMIT, CLAIMED, GIVE_UP_AFTER, SEND_AGAIN_AFTER, UNCLAIMED
from tests.factories import Desk
from tests.quests.plugins import Steps, install
from trading.models import Decision
from trading.services import decisions

pytestmark = pytest.mark.django_db


def decision(desk: Desk, status: str, *, at: datetime) -> Decision:
    made = decisions.open_decision(
        account=desk.account(), instrument=desk.instrument(), source="test", market={}, at=at
    )
    Decision.objects.filter(pk=made.pk).update(status=status)
    return made


@pytest.mark.parametrize("status", UNCLAIMED)
def test_a_decision_that_nobody_claimed_is_sent_again_then_given_up(
    desk: Desk, at: datetime, status: str
) -> None:
    made = decision(desk, status, at=at)
    assert services.sweep(at=at + timedelta(seconds=1)).decisions == ()
    assert services.sweep(at=at + SEND_AGAIN_AFTER).decisions == ((str(made.pk), status),)
    assert services.sweep(at=at + GIVE_UP_AFTER).ended == 1
    made.refresh_from_db()
    assert made.status == Decision.Status.FAILED
    assert "too old" in made.reason


@pytest.mark.parametrize("status", CLAIMED)
def test_a_claimed_step_is_never_repeated_and_fails_after_its_limit(
    desk: Desk, at: datetime, status: str
) -> None:
    made, limit = decision(desk, status, at=at), CLAIMED[Decision.Status(status)]
    early = services.sweep(at=at + limit - timedelta(seconds=1))
    assert (early.decisions, early.ended) == ((), 0)
    late = services.sweep(at=at + limit)
    assert (late.decisions, late.ended) == ((), 1)
    made.refresh_from_db()
    assert made.status == Decision.Status.FAILED
    assert services.sweep(at=at + 2 * limit).ended == 0


@pytest.mark.parametrize("status", ["approved", "executed", "no_trade", "vetoed", "failed"])
def test_what_is_approved_or_over_is_left_alone(desk: Desk, at: datetime, status: str) -> None:
    made = decision(desk, status, at=at)
    swept = services.sweep(at=at + timedelta(days=1))
    assert (swept.decisions, swept.ended) == ((), 0)
    made.refresh_from_db()
    assert made.status == status


def test_the_gate_gets_less_time_than_a_model() -> None:
    assert CLAIMED[Decision.Status.CHECKING] == CHECK_LIMIT < CLAIMED[Decision.Status.ANALYSING]


def run(at: datetime, **columns: object) -> Run:
    quest = Run.quest.field.related_model.objects.filter(name="steps").first() or install("steps", Steps())
    return Run.objects.create(
        quest=quest,
        scheduled_for=at + timedelta(seconds=Run.objects.count()),
        created_at=at,
        **columns,
    )


def test_lost_due_and_crashed_runs_are_sent_again(desk: Desk, at: datetime) -> None:
    lost = run(at - SEND_AGAIN_AFTER)
    due = run(at, status="retrying", attempts=1, retry_at=at)
    crashed = run(at, status="running", attempts=1, lease_until=at)
    run(at)  # just queued
    run(at, status="retrying", attempts=1, retry_at=at + timedelta(seconds=1))
    run(at, status="running", attempts=1, lease_until=at + timedelta(seconds=1))
    run(at - timedelta(days=1), status="done")
    assert {t.run_id for t in services.sweep(at=at).runs} == {lost.id, due.id, crashed.id}


def test_a_run_that_killed_four_workers_is_not_sent_to_a_fifth(desk: Desk, at: datetime) -> None:
    deadly = run(at, status="running", attempts=4, lease_until=at)
    assert services.sweep(at=at).runs == ()
    deadly.refresh_from_db()
    assert (deadly.status, deadly.note) == ("failed", "its worker died 4 times")
