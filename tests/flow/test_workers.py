"""Quests on real workers and a real beat: started, killed, started twice."""

from datetime import timedelta

import pytest

from neuratrade.lib import clock
from quests import pipeline
from quests.models import Run
from quests.types import Cadence
from tests.factories import Desk
from tests.processes import Processes, until
from trading.models import Event

pytestmark = pytest.mark.django_db(transaction=True)


def done() -> dict[str, str]:
    return dict(Run.objects.filter(status=Run.Status.DONE).values_list("quest__name", "note"))


def test_beat_starts_every_cadence_at_once_and_the_workers_do_them(
    shared_desk: Desk, processes: Processes
) -> None:
    processes.start("beat", "worker-critical", "worker-normal", "worker-low")
    until(lambda: len(done()) == 6, what="all routine quests")
    assert set(done()) == {
        "scan_momentum",
        "scan_spreads",
        "follow_open_orders",
        "portfolio_health",
        "pnl_report",
        "fee_audit",
    }
    assert not Run.objects.exclude(status=Run.Status.DONE).exists()
    assert Event.objects.filter(kind="quest.finished").count() == 3


def test_a_second_beat_does_no_harm(shared_desk: Desk, processes: Processes) -> None:
    processes.start("beat", "worker-critical", "worker-normal", "worker-low")
    processes.run("second-beat", *processes.running["beat"].args)  # type: ignore[misc]
    until(lambda: len(done()) == 6, what="all routine quests")
    slots = list(Run.objects.values_list("quest__name", "scheduled_for"))
    assert len(slots) == len(set(slots))
    assert not Run.objects.filter(attempts__gt=1).exists()


def test_a_run_whose_message_was_lost_is_found_by_the_sweeper(
    shared_desk: Desk, processes: Processes
) -> None:
    """The message is lost with Redis; the row is not."""
    pipeline.start_due(Cadence.DAILY, at=clock.now())
    from neuratrade.lib import redis as bus

    bus.client().flushall()
    processes.start("worker-low")
    pipeline.sweep(at=clock.now() + timedelta(seconds=20))
    until(lambda: "pnl_report" in done(), what="the report that was sent again")
    assert Run.objects.get(quest__name="pnl_report").attempts == 1
