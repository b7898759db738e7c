"""Quests on real workers and a real beat: started, killed, started twice."""

import subprocess
import sys
from datetime import timedelta

import pytest

from neuratrade.lib import clock
from neuratrade.lib import redis as bus
from quests import pipeline
from quests.models import Run
from quests.types import Cadence
from tests.factories import Desk
from tests.processes import Processes, environment
from tests.quests.market import show_quote
from trading.models import Event

pytestmark = pytest.mark.django_db(transaction=True)


def done() -> dict[str, str]:
    return dict(Run.objects.filter(status=Run.Status.DONE).values_list("quest__name", "note"))


def show_market() -> bool:
    """Keeps the quotes fresh, as `watch_market` would."""
    for venue in ("binance", "kraken"):
        show_quote(venue=venue, bid="100.00", ask="100.01", at=clock.now())
    return True


def test_two_beats_start_every_quest_once_and_at_once(shared_desk: Desk, processes: Processes) -> None:
    processes.start("beat", "worker-critical", "worker-normal", "worker-low")
    processes.run("second-beat", *processes.running["beat"].args)  # type: ignore[misc]
    processes.until(lambda: show_market() and len(done()) == 7, what="all routine quests")
    assert set(done()) == {
        "scan_momentum",
        "scan_spreads",
        "scan_strategies",
        "follow_open_orders",
        "portfolio_health",
        "pnl_report",
        "fee_audit",
    }
    slots = list(Run.objects.values_list("quest__name", "scheduled_for"))
    assert len(slots) == len(set(slots))
    assert not Run.objects.filter(attempts__gt=1).exists()
    assert Event.objects.filter(kind="quest.finished").count() == 3


def test_a_run_whose_message_was_lost_is_found_by_the_sweeper(
    shared_desk: Desk, processes: Processes
) -> None:
    """The message is lost with Redis; the row is not."""
    pipeline.start_due(Cadence.DAILY, at=clock.now())
    bus.client().flushall()
    processes.start("worker-low")
    pipeline.sweep(at=clock.now() + timedelta(seconds=20))
    processes.until(lambda: "pnl_report" in done(), what="the report that was sent again")
    assert Run.objects.get(quest__name="pnl_report").attempts == 1


def test_a_quest_waits_in_its_row_while_redis_is_away(shared_desk: Desk, processes: Processes) -> None:
    script = (
        "import django; django.setup();"
        "from neuratrade.lib import clock; from quests import pipeline; from quests.types import Cadence;"
        "pipeline.start_due(Cadence.DAILY, at=clock.now())"
    )
    away = environment(REDIS_URL="redis://127.0.0.1:1/0", DJANGO_SETTINGS_MODULE="neuratrade.settings")
    subprocess.run([sys.executable, "-c", script], env=away, check=True, timeout=60)
    assert Run.objects.get().status == Run.Status.QUEUED
    processes.start("worker-low")
    pipeline.sweep(at=clock.now() + timedelta(seconds=20))
    processes.until(lambda: "pnl_report" in done(), what="the report, once Redis is back")
