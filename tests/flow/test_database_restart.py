"""A PostgreSQL server that restarts under a running desk: the same processes go on with their work."""

from datetime import datetime
from functools import partial

import pytest
from django.db import connection

from neuratrade.lib import clock
from tests.factories import Desk
from tests.processes import Processes
from trading.models import DeskState, Heartbeat, Venue
from trading.services import keys

PROCESSES = ("guard_risk", "execute_orders", "watch_market")


@pytest.mark.postgres
@pytest.mark.skipif("connection.vendor != 'postgresql'", reason="SQLite has no server to restart")
def test_the_same_processes_go_on_after_a_restart(shared_desk: Desk, processes: Processes) -> None:
    keys.create_if_absent()
    Venue.objects.update(is_enabled=False)  # what the venues say is not the question here
    processes.start(*PROCESSES)
    processes.until(_all_beat, what="every process to beat", timeout_s=40)

    cut_at = clock.now()
    _cut_everybody_else()
    processes.until(partial(_all_beat, since=cut_at), what="every process to beat again", timeout_s=20)
    processes.until(
        lambda: DeskState.objects.filter(ok_until__gt=clock.now()).exists(), what="the guard's promise"
    )
    pids = {name: process.pid for name, process in processes.running.items()}
    assert dict(Heartbeat.objects.values_list("process", "pid")) == pids


def _all_beat(*, since: datetime | None = None) -> bool:
    rows = Heartbeat.objects.filter(beat_at__gt=since) if since else Heartbeat.objects.all()
    return set(rows.values_list("process", flat=True)) == {*PROCESSES}


def _cut_everybody_else() -> None:
    """Ends every other connection to the test's database, as a restart of the server does."""
    with connection.cursor() as cursor:
        cursor.execute(
            "SELECT pg_terminate_backend(pid) FROM pg_stat_activity WHERE datname = current_database() AND pid <> pg_backend_pid()"
        )
