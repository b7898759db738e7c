from datetime import datetime, timedelta

import pytest

from quests import services
from quests.models import Quest, Run
from quests.services.sweeping import CHECK_LIMIT, DEBATING, GIVE_UP_AFTER, SEND_AGAIN_AFTER, WAITING
from tests.factories import Desk
from tests.quests.plugins import Steps, install
from trading.models import Decision
from trading.services import decisions, leases

pytestmark = pytest.mark.django_db


def decision(desk: Desk, status: str, *, at: datetime) -> Decision:
    made = decisions.open_decision(
        account=desk.account(), instrument=desk.instrument(), source="test", market={}, at=at
    )
    Decision.objects.filter(pk=made.pk).update(status=status)
    return made


@pytest.mark.parametrize("status", [*WAITING, *DEBATING])
def test_a_decision_that_nobody_works_on_is_sent_again_then_given_up(
    desk: Desk, at: datetime, status: str
) -> None:
    made = decision(desk, status, at=at)
    assert services.sweep(at=at + timedelta(seconds=1)).decisions == ()
    assert services.sweep(at=at + SEND_AGAIN_AFTER).decisions == ((str(made.pk), status),)
    given_up = services.sweep(at=at + GIVE_UP_AFTER)
    assert (given_up.ended, given_up.decisions) == (1, ())
    made.refresh_from_db()
    assert made.status == Decision.Status.FAILED
    assert "too old" in made.reason
    assert services.sweep(at=at + 2 * GIVE_UP_AFTER).ended == 0


@pytest.mark.parametrize("status", DEBATING)
def test_a_debate_under_way_is_left_to_its_worker(desk: Desk, at: datetime, status: str) -> None:
    made, name = decision(desk, status, at=at), "debate:{}"
    late = at + SEND_AGAIN_AFTER
    epoch = leases.acquire(name=name.format(made.pk), owner="worker", ttl_s=30, at=late)
    assert epoch is not None
    assert services.sweep(at=late).decisions == ()
    leases.release(name=name.format(made.pk), owner="worker", epoch=epoch)
    assert services.sweep(at=late).decisions == ((str(made.pk), status),)


def test_the_gate_is_never_asked_twice(desk: Desk, at: datetime) -> None:
    made = decision(desk, "checking", at=at)
    early = services.sweep(at=at + CHECK_LIMIT - timedelta(seconds=1))
    assert (early.decisions, early.ended) == ((), 0)
    late = services.sweep(at=at + CHECK_LIMIT)
    assert (late.decisions, late.ended) == ((), 1)
    made.refresh_from_db()
    assert (made.status, made.reason) == ("failed", "the gate did not answer within 60 s")


@pytest.mark.parametrize("status", ["approved", "executed", "no_trade", "vetoed", "failed"])
def test_what_is_approved_or_over_is_left_alone(desk: Desk, at: datetime, status: str) -> None:
    made = decision(desk, status, at=at)
    swept = services.sweep(at=at + timedelta(days=1))
    assert (swept.decisions, swept.ended) == ((), 0)
    made.refresh_from_db()
    assert made.status == status


def run(at: datetime, **columns: object) -> Run:
    quest = Quest.objects.filter(name="steps").first() or install("steps", Steps())
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
