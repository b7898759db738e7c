"""The whole desk under the real `neuratrade up`: every process, one killed, Ctrl-C, nothing left."""

import json
import os
import pty
import re
import signal
import subprocess
import sys
import time
import urllib.request
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest

from neuratrade.supervise import control, orphans
from tests.neuratrade.commandline import ROOT, environment, free_port, neuratrade, short_home, wait_until

EVERYBODY = {
    *("redis", "practice", "worker-critical", "worker-high", "worker-normal", "worker-low"),
    *("watch_market", "guard_risk", "execute_orders", "beat", "web"),
}

# A whole desk on two busy cores needs its time to start.
pytestmark = pytest.mark.timeout(240)


@contextmanager
def desk_up(home: Path, *, port: int, output: int) -> Iterator["subprocess.Popen[bytes]"]:
    """`neuratrade --demo up` in the foreground, writing to `output`."""
    up = subprocess.Popen(
        (sys.executable, "-m", "neuratrade", "--demo", "up"),
        cwd=ROOT,
        env=environment(home, NEURATRADE_PORT=str(port), TERM="xterm", COLUMNS="140", LINES="40"),
        stdin=subprocess.DEVNULL,
        stdout=output,
        stderr=output,
        start_new_session=True,
    )
    try:
        yield up
    finally:
        up.kill()
        up.wait()


def practice_ports() -> int:
    """The first of three free ports in a row."""
    while True:
        first = free_port()
        if first < 60_000:
            return first


def statuses(home: Path, port: int) -> dict[str, dict[str, object]]:
    result = neuratrade("--demo", "status", "--json", home=home, NEURATRADE_PORT=str(port))
    return (
        {row["name"]: row for row in json.loads(result.stdout)["processes"]} if result.returncode == 0 else {}
    )


def answers(port: int) -> bool:
    try:
        with urllib.request.urlopen(f"http://127.0.0.1:{port}/live", timeout=5) as answer:
            return bool(answer.status == 200)
    except OSError:
        return False


def test_the_desk_runs_heals_and_leaves_nothing(tmp_path: Path) -> None:
    port, log = free_port(), tmp_path / "up.log"
    with short_home() as home, log.open("wb") as output:
        prepared = neuratrade("--demo", "prepare_demo", "--port", str(practice_ports()), home=home)
        assert prepared.returncode == 0, prepared.stderr
        with desk_up(home, port=port, output=output.fileno()) as up:
            demo = home / "demo"
            wait_until(
                lambda: {info.name for info in _running(demo)} == EVERYBODY,
                timeout_s=60,
                what="all processes",
            )
            wait_until(lambda: answers(port), timeout_s=60, what="the web page")

            second = neuratrade("--demo", "up", home=home, NEURATRADE_PORT=str(port))
            assert second.returncode == 1
            assert re.fullmatch(r"neuratrade: up: a desk runs already [^\n]+\n", second.stderr)

            # Without --demo the only running desk is meant, and said.
            implied = neuratrade("status", "--json", home=home)
            assert implied.stderr.startswith(f"(the demo at {demo}")
            assert json.loads(implied.stdout)["address"] == f"http://127.0.0.1:{port}"

            victim = statuses(home, port)["worker-low"]["pid"]
            os.kill(int(str(victim)), signal.SIGKILL)
            wait_until(
                lambda: statuses(home, port).get("worker-low", {}).get("restarts") == 1,
                timeout_s=30,
                what="the restart to be told",
            )
            wait_until(lambda: "restarts 1" in log.read_text(), timeout_s=20, what="a line about it")

            os.kill(up.pid, signal.SIGINT)
            assert up.wait(timeout=45) == 0
        assert orphans.find(demo) == []
        assert re.search(r"stopped \d+ processes", log.read_text())
        assert "Traceback" not in log.read_text()
        assert neuratrade("--demo", "status", home=home).returncode == 3


def _running(home: Path) -> list[control.ProcessInfo]:
    try:
        return [
            info for info in control.processes(home) if info.pid and info.state in {"running", "starting"}
        ]
    except control.NotRunningError:
        return []


def test_on_a_terminal_there_is_one_live_screen_and_a_hangup_stops_the_desk() -> None:
    port = free_port()
    terminal, theirs = pty.openpty()
    with short_home() as home:
        assert (
            neuratrade("--demo", "prepare_demo", "--port", str(practice_ports()), home=home).returncode == 0
        )
        with desk_up(home, port=port, output=theirs) as up:
            seen = _read_until(terminal, b"execute_orders", timeout_s=60)
            assert b"NeuraTrade (demo, paper" in seen
            os.kill(up.pid, signal.SIGHUP)
            seen += _read_until(terminal, b"processes", timeout_s=45)
            assert up.wait(timeout=45) == 0
        assert orphans.find(home / "demo") == []
        assert b"Traceback" not in seen
    os.close(terminal)
    os.close(theirs)


def test_down_from_another_terminal_ends_up_as_well(tmp_path: Path) -> None:
    port, log = free_port(), tmp_path / "up.log"
    with short_home() as home, log.open("wb") as output:
        assert (
            neuratrade("--demo", "prepare_demo", "--port", str(practice_ports()), home=home).returncode == 0
        )
        with desk_up(home, port=port, output=output.fileno()) as up:
            wait_until(lambda: "redis: running" in log.read_text(), timeout_s=60, what="the first lines")
            down = neuratrade("--demo", "down", home=home)
            assert down.returncode == 0, down.stderr
            assert up.wait(timeout=45) == 0, log.read_text()
        assert "`neuratrade down`" in log.read_text()
        assert "no desk runs" not in log.read_text()
        assert orphans.find(home / "demo") == []


def _read_until(terminal: int, text: bytes, *, timeout_s: float) -> bytes:
    seen, deadline = b"", time.monotonic() + timeout_s
    os.set_blocking(terminal, False)
    while text not in seen:
        assert time.monotonic() < deadline, seen[-2000:]
        try:
            seen += os.read(terminal, 65_536)
        except BlockingIOError:
            time.sleep(0.05)
    return seen
