"""Sweeps on real Celery workers and a real Redis: killed in the middle, without the desk's Redis, and left without their master."""

import os
import signal
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import psutil
import pytest
import redis
from django.conf import settings

from neuratrade.supervise import crew
from tests.factories import AT
from tests.processes import environment
from tests.trading.services.bench_desk import request, store_bars
from trading.backtest import grid
from trading.models import SweepPoint
from trading.services import sweep_spread, sweeps
from trading.services.sweeps import OpenSweep

GUARD = "neuratrade.supervise.guard"
pytestmark = pytest.mark.django_db(transaction=True)


@pytest.fixture
def shared(transactional_db: Any, monkeypatch: pytest.MonkeyPatch) -> Iterator[None]:
    """Candles and a database that other processes see; the crew's processes inherit where they are."""
    for name, value in environment().items():
        monkeypatch.setenv(name, value)
    store_bars(Path(settings.HOME))
    yield
    assert not [process for process in crew_processes() if process.is_running()]


def crew_processes() -> list[psutil.Process]:
    """Every living process of a research crew of this home."""
    found = []
    for process in psutil.process_iter():
        try:
            words = process.cmdline()
            home = process.environ().get("NEURATRADE_HOME") if "research" in words else ""
            if home == str(settings.HOME) and process.status() != psutil.STATUS_ZOMBIE:
                found.append(process)
        except (psutil.NoSuchProcess, psutil.AccessDenied):
            continue
    return found


def ask(*params: str) -> OpenSweep:
    return sweeps.ask(request(), grid=grid.parse(params), objective="sharpe", at=AT)


def test_killed_workers_lose_nothing_and_nothing_of_them_is_left(
    shared: None, redis_server: str, redis_client: redis.Redis
) -> None:
    """On the desk's Redis. The whole worker dies by SIGKILL as soon as it has stored its first points."""
    sweep = ask("rsi_period=2:21:1", "rsi_below=20:39:1")
    killed: list[int] = []

    with crew.hired(2) as hands:
        assert hands.redis_url == redis_server

        def told(stored: int) -> None:
            if stored > 2 and not killed:
                (worker,) = filter(is_worker, crew_processes())
                killed.append(worker.pid)
                os.kill(worker.pid, signal.SIGKILL)

        sweep_spread.spread(sweep, crew=hands, on_progress=told, helps=False)

    assert killed
    assert redis_client.llen("research") == 0
    assert sweeps.missing(sweep.row) == []
    assert sweeps.done(sweep.row) == 400
    alone = {
        row.index: row.metrics for row in SweepPoint.objects.filter(sweep=sweep.row, index__in=(3, 199, 399))
    }
    assert alone == {index: sweeps.evaluate(sweep, index=index) for index in alone}


def is_worker(process: psutil.Process) -> bool:
    """The worker's main process: neither its guard nor one of its children."""
    parent = process.parent()
    return process.cmdline()[2:3] == ["celery"] and parent is not None and GUARD in parent.cmdline()


def test_workers_whose_guard_was_killed_are_found_and_ended(shared: None, redis_server: str) -> None:
    with crew.hired(1) as hands:
        until(lambda: any(map(is_worker, crew_processes())))
        (guard,) = [process for process in crew_processes() if GUARD in process.cmdline()]
        guard.kill()
        until(lambda: not hands.is_alive())


def test_without_the_desks_redis_the_crew_brings_its_own(shared: None, settings: Any) -> None:
    settings.REDIS_URL = "unix:///tmp/nt-no-such.sock?db=0"
    sweep = ask("rsi_period=10,20", "rsi_below=30,40")
    with crew.hired(1) as hands:
        assert hands.redis_url != settings.REDIS_URL
        folder = Path(hands.redis_url.removeprefix("unix://").partition("?")[0]).parent
        sweep_spread.spread(sweep, crew=hands, on_progress=lambda _stored: None, helps=False)
    assert sweeps.missing(sweep.row) == []
    assert not folder.exists()


def test_a_crew_whose_master_is_killed_goes_with_it(tmp_path: Path) -> None:
    """The guard alone decides: it needs nothing of the desk."""
    scratch = tmp_path / "scratch"
    scratch.mkdir()
    master = subprocess.Popen(
        (
            sys.executable,
            "-c",
            "import subprocess, sys, time\n"
            "guard = subprocess.Popen([sys.executable, '-m', 'neuratrade.supervise.guard', '--remove', sys.argv[1],\n"
            "    sys.executable, '-c', 'import time; print(\"up\", flush=True); time.sleep(600)'], stdin=subprocess.PIPE)\n"
            "print(guard.pid, flush=True); time.sleep(600)",
            str(scratch),
        ),
        stdout=subprocess.PIPE,
        text=True,
    )
    assert master.stdout is not None
    lines = [master.stdout.readline().strip() for _ in range(2)]
    guard = psutil.Process(int(next(line for line in lines if line != "up")))
    (child,) = guard.children()
    master.kill()
    master.wait()
    until(lambda: not child.is_running() and not guard.is_running())
    assert not scratch.exists()


def until(condition: Callable[[], bool], *, timeout_s: float = 15) -> None:
    deadline = time.monotonic() + timeout_s
    while not condition():
        assert time.monotonic() < deadline, "waited in vain"
        time.sleep(0.05)
