"""A real supervisord over small real processes: start, kill, restart, stop, and what a killed supervisor leaves."""

import os
import signal
import sys
from collections.abc import Iterator
from pathlib import Path

import psutil
import pytest

from neuratrade.lib import redis_server
from neuratrade.supervise import control, herald, orphans
from neuratrade.supervise.errors import NotRunningError, SuperviseError
from neuratrade.supervise.processes import Process
from tests.neuratrade.commandline import short_home, wait_until

# A parent that waits with a child that waits: what a worker with its pool looks like.
FAMILY = "import subprocess, sys; subprocess.run([sys.executable, '-c', 'import time; time.sleep(600)'])"
TABLE = (
    Process(
        name="redis", command=(sys.executable, "-c", "import time; time.sleep(600)"), purpose="base", stage=0
    ),
    Process(name="family", command=(sys.executable, "-c", FAMILY), purpose="parent and child", stop_s=3),
)


@pytest.fixture
def running() -> Iterator[Path]:
    with short_home() as home:
        for folder in ("run", "logs", "redis"):
            (home / folder).mkdir()
        control.start(TABLE, home=home, is_redis_up=lambda: True)
        wait_until(lambda: len(members(home)) >= 3, timeout_s=10, what="the family")
        yield home


def members(home: Path) -> set[int]:
    """Pids of our small processes, without supervisor and herald."""
    return {process.pid for process in orphans.find(home) if "time.sleep(600)" in " ".join(process.cmdline())}


def pid_of(home: Path, name: str) -> int:
    return next(info.pid for info in control.processes(home) if info.name == name)


def test_stop_leaves_no_process(running: Path) -> None:
    count = control.stop(running, table=TABLE)

    assert count >= 4
    assert orphans.find(running) == []
    with pytest.raises(NotRunningError, match="start it with `neuratrade up`"):
        control.processes(running)
    assert control.stop(running, table=TABLE) == 0


def test_a_second_start_is_refused_and_harms_nothing(running: Path) -> None:
    before = members(running)

    with pytest.raises(SuperviseError, match="a desk runs already"):
        control.start(TABLE, home=running, is_redis_up=lambda: True)
    assert members(running) == before


def test_a_killed_process_comes_back_and_its_children_do_not_stay(running: Path) -> None:
    wait_until(
        lambda: all(info.state == "running" for info in control.processes(running)),
        timeout_s=15,
        what="healthy",
    )
    old = pid_of(running, "family")
    child = psutil.Process(old).children()[0].pid
    os.kill(old, signal.SIGKILL)

    wait_until(lambda: pid_of(running, "family") not in (0, old), timeout_s=15, what="a restart")
    wait_until(lambda: child not in members(running), timeout_s=15, what="the orphaned child's end")
    wait_until(lambda: herald.read_restarts(running).get("family") == 1, timeout_s=10, what="the count")


def test_what_a_killed_supervisor_left_is_found_and_stopped(running: Path) -> None:
    os.kill(control.supervisor_pid(running), signal.SIGKILL)
    wait_until(lambda: not control._answers(running), timeout_s=5, what="the supervisor's end")
    left = members(running)

    assert len(left) >= 3
    assert control.stop(running, table=TABLE) >= len(left)
    assert members(running) == set()


def test_a_process_that_ignores_its_stop_is_killed() -> None:
    stubborn = "import signal, time; signal.signal(signal.SIGTERM, signal.SIG_IGN); time.sleep(600)"
    table = (
        Process(name="stubborn", command=(sys.executable, "-c", stubborn), purpose="does not stop", stop_s=1),
    )
    with short_home() as home:
        for folder in ("run", "logs"):
            (home / folder).mkdir()
        control.start(table, home=home, is_redis_up=lambda: True)
        wait_until(lambda: members(home), timeout_s=10, what="the process")
        control.stop(home, table=table)

        assert orphans.find(home) == []


def test_a_redis_that_wrote_over_its_environment_is_found_too() -> None:
    """Redis puts its title where its environment was, so the desk's mark cannot be read there any more."""
    with short_home() as home:
        for folder in ("run", "logs", "redis"):
            (home / folder).mkdir()
        socket = home / "run" / "redis.sock"
        command = tuple(redis_server.command(socket=socket, data_dir=home / "redis"))
        table = (Process(name="redis", command=command, purpose="the real one", stage=0),)
        control.start(table, home=home, is_redis_up=socket.exists)
        pid = pid_of(home, "redis")
        wait_until(
            lambda: "unixsocket:" in " ".join(psutil.Process(pid).cmdline()), timeout_s=5, what="title"
        )
        os.kill(control.supervisor_pid(home), signal.SIGKILL)

        control.stop(home, table=table)

        assert not psutil.pid_exists(pid) or psutil.Process(pid).status() == psutil.STATUS_ZOMBIE
