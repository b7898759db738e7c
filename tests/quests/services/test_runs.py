import json
from datetime import datetime, timedelta

import pytest
import redis

from neuratrade.lib import redis as bus
from quests import services
from quests.models import Quest, Run
from quests.services import runs
from quests.types import Cadence, Fired
from tests.factories import Desk
from tests.quests.plugins import Steps, Ticking, install, opportunity
from trading.models import Event

pytestmark = [pytest.mark.django_db, pytest.mark.postgres]


@pytest.fixture
def clock(at: datetime) -> Ticking:
    return Ticking(at)


def queued(plugin: Steps, *, at: datetime, subject: str = "") -> Run:
    quest = install("steps", plugin)
    return Run.objects.create(quest=quest, scheduled_for=at, subject=subject, created_at=at)


def perform(run: Run, plugin: Steps, clock: Ticking) -> object:
    decision_id = services.perform(run_id=run.id, clock=clock, plugins={"steps": plugin})
    run.refresh_from_db()
    return decision_id


def test_a_run_is_done_once_and_says_what_came_of_it(desk: Desk, clock: Ticking) -> None:
    plugin = Steps()
    run = queued(plugin, at=clock())
    assert perform(run, plugin, clock) is None
    assert (run.status, run.note, run.progress_ratio) == ("done", "3 steps", 1.0)
    assert run.result == {"done": ["one", "two", "three"]}
    assert perform(run, plugin, clock) is None  # the message came twice
    assert plugin.worked == ["one", "two", "three"]
    assert run.attempts == 1
    kinds = list(Event.objects.order_by("id").values_list("kind", flat=True))
    assert kinds == ["quest.started", "quest.finished"]


def test_a_failed_run_goes_on_from_its_checkpoint_after_a_growing_wait(desk: Desk, clock: Ticking) -> None:
    plugin = Steps(dies_before="three")
    run = queued(plugin, at=clock())
    perform(run, plugin, clock)
    assert run.status == "retrying"
    assert run.note == "ConnectionError: the power went out"
    assert run.retry_at == clock() + timedelta(seconds=5)
    perform(run, plugin, clock)  # too early: nothing happens
    assert run.attempts == 1
    clock.forward(5)
    perform(run, plugin, clock)
    assert run.status == "done"
    assert plugin.worked == ["one", "two", "three"]


def test_a_run_fails_for_good_after_three_retries(desk: Desk, clock: Ticking) -> None:
    class Hopeless(Steps):
        def run(self, context: object) -> object:  # type: ignore[override]
            raise ValueError("no such thing")

    plugin = Hopeless()
    run = queued(plugin, at=clock())
    waits = []
    for _ in range(6):
        before = clock()
        perform(run, plugin, clock)
        if run.status == "retrying" and run.retry_at is not None:
            waits.append((run.retry_at - before).total_seconds())
        clock.forward(100)
    assert waits == [5, 10, 20]
    assert (run.status, run.attempts) == ("failed", 4)
    assert Event.objects.filter(kind="quest.finished", payload__outcome="failed").count() == 1


def test_a_run_whose_worker_died_is_taken_over_and_the_late_worker_is_stopped(
    desk: Desk, clock: Ticking
) -> None:
    plugin, usurper = Steps(), Steps()
    run = queued(plugin, at=clock())

    def taken_over() -> None:
        plugin.meanwhile = lambda: None
        clock.forward(runs._lease(run).total_seconds())
        perform(run, usurper, clock)

    plugin.meanwhile = taken_over
    perform(run, plugin, clock)
    assert usurper.worked == ["one", "two", "three"]
    assert plugin.worked == ["one"]  # its first save told it to stop
    assert (run.status, run.attempts) == ("done", 2)


def test_a_run_under_a_live_lease_is_nobody_elses(desk: Desk, clock: Ticking) -> None:
    plugin, other = Steps(), Steps()
    run = queued(plugin, at=clock())
    plugin.meanwhile = lambda: (perform(run, other, clock), None)[1]
    perform(run, plugin, clock)
    assert other.worked == []
    assert run.status == "done"


def test_a_run_is_skipped_while_another_of_its_quest_works(desk: Desk, clock: Ticking) -> None:
    plugin, other = Steps(), Steps()
    run = queued(plugin, at=clock())
    late = Run.objects.create(quest=run.quest, scheduled_for=clock() + timedelta(hours=1), created_at=clock())
    plugin.meanwhile = lambda: (perform(late, other, clock), None)[1]
    perform(run, plugin, clock)
    assert (run.status, late.status) == ("done", "skipped")
    assert other.worked == []


def test_a_run_opens_one_decision_however_often_it_is_resumed(desk: Desk, clock: Ticking) -> None:
    plugin = Steps(opportunities=(opportunity(),))
    run = queued(plugin, at=clock())
    decision_id = perform(run, plugin, clock)
    assert decision_id == run.decision_id
    assert run.decision is not None
    assert run.decision.market["why"] == "it rose"
    # The worker dies before it sends the decision on its way: the next attempt finds it opened.
    Run.objects.filter(pk=run.pk).update(status=Run.Status.RUNNING, lease_until=clock(), finished_at=None)
    assert perform(run, plugin, clock) == decision_id
    assert run.decision_id == decision_id


def test_progress_is_published(desk: Desk, clock: Ticking, redis_client: "redis.Redis") -> None:
    listener = redis_client.pubsub(ignore_subscribe_messages=True)
    listener.subscribe(bus.JOBS_STATUS, bus.QUESTS_PROGRESS)
    listener.get_message(timeout=1)
    listener.get_message(timeout=1)
    plugin = Steps(steps=("one",))
    run = queued(plugin, at=clock())
    perform(run, plugin, clock)
    seen = [json.loads(m["data"]) for _ in range(5) if (m := listener.get_message(timeout=0.5))]
    assert [s.get("status", s.get("note")) for s in seen] == [
        "running",
        "did one",
        "done",
        "1 steps",
    ]
    assert {s["quest"] for s in seen} == {"steps"}
    assert seen[0]["queue"] == "low"


def test_work_goes_on_while_redis_is_away(desk: Desk, clock: Ticking) -> None:
    plugin = Steps()
    run = queued(plugin, at=clock())
    perform(run, plugin, clock)
    assert run.status == "done"


def test_a_second_beat_inserts_nothing(desk: Desk, at: datetime) -> None:
    services.install_schedule(at=at)
    first = services.start_due(cadence=Cadence.MICRO, at=at)
    again = services.start_due(cadence=Cadence.MICRO, at=at + timedelta(seconds=30))
    next_slot = services.start_due(cadence=Cadence.MICRO, at=at + timedelta(seconds=60))
    names = {Run.objects.get(pk=t.run_id).quest.name for t in first}
    assert names == {"scan_momentum", "scan_spreads", "scan_strategies", "follow_open_orders"}
    assert again == ()
    assert len(next_slot) == len(first)


def test_a_quest_switched_off_does_not_start(desk: Desk, at: datetime) -> None:
    services.install_schedule(at=at)
    quest = Quest.objects.get(name="fee_audit")
    quest.is_enabled = False
    quest.save()
    services.install_schedule(at=at)
    assert services.start_due(cadence=Cadence.WEEKLY, at=at) == ()


def fired(at: datetime, *, symbol: str = "BTC/USDT") -> Fired:
    return Fired(
        trigger="rsi",
        quest="weigh_setup",
        skill_name="mean-reversion",
        venue="binance",
        symbol=symbol,
        value=24.5,
        threshold=30.0,
        unit="RSI",
        cooldown_s=900,
        at=at,
    )


def test_a_trigger_starts_its_quest_once_per_cooldown_and_instrument(desk: Desk, at: datetime) -> None:
    services.install_schedule(at=at)
    assert services.start_triggered(fired=fired(at), at=at) is not None
    assert services.start_triggered(fired=fired(at + timedelta(seconds=1)), at=at) is None
    assert services.start_triggered(fired=fired(at, symbol="ETH/USDT"), at=at) is not None
    assert services.start_triggered(fired=fired(at + timedelta(seconds=900)), at=at) is not None
    assert Event.objects.filter(kind="trigger.fired").count() == 3
    assert Run.objects.filter(facts__value=24.5).count() == 3
