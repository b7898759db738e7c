"""The whole desk in live mode on practice venues, each of its processes killed with SIGKILL in turn while it trades.

Everything comes back by itself, and by the venues' own books no order is doubled or lost; then the same with every reply to a
new order dropped after the venue accepted it.
"""

import contextlib
import json
import os
import shutil
import signal
import socket
import subprocess
import sys
import tempfile
import time
import urllib.request
from collections import Counter
from collections.abc import Callable, Iterator
from decimal import Decimal
from pathlib import Path
from typing import TypeVar

import psutil
import pysqlite3
import pytest

T = TypeVar("T")

ORDER_PATH = {"binance": "/api/v3/order", "kraken": "/0/private/AddOrder"}
# `practice` is not the desk's: it stands for the venues.
PROCESSES = (
    "execute_orders",
    "guard_risk",
    "watch_market",
    "worker-critical",
    "worker-high",
    "redis",
    "beat",
    "worker-normal",
    "worker-low",
    "web",
)
AT_VENUE = {"acked", "partial", "filled", "canceled"}
NEVER_THERE = {"proposed", "approved", "rejected", "not_placed", "aborted"}
START_S, RETURN_S, TRADE_S, QUIET_S = 90, 40, 60, 60


def free_ports() -> tuple[int, int]:
    """A web port and the first of three consecutive ones for the venues."""
    while True:
        with socket.socket() as probe:
            probe.bind(("127.0.0.1", 0))
            first = probe.getsockname()[1]
        if first < 60_000 and all(_is_free(first + offset) for offset in range(1, 4)):
            return first + 3, first


def _is_free(port: int) -> bool:
    with socket.socket() as probe:
        return probe.connect_ex(("127.0.0.1", port)) != 0


class LiveDesk:
    """`neuratrade up` on a home of its own, and the venues' control port."""

    def __init__(self, home: Path) -> None:
        self.web, self.port = free_ports()
        clean = {
            name: value
            for name, value in os.environ.items()
            if not name.startswith(("NEURATRADE_", "DATABASE_"))
        }
        self.environment = {
            **clean,
            "NEURATRADE_HOME": str(home),
            "NEURATRADE_PORT": str(self.web),
            "NEURATRADE_MICRO_EVERY_S": "5",
        }
        self.home = home / "demo"
        self.supervisor: subprocess.Popen[bytes] | None = None

    def command(self, *arguments: str, timeout_s: float = 90) -> str:
        done = subprocess.run(
            [sys.executable, "-m", "neuratrade", "--demo", *arguments],
            env=self.environment,
            capture_output=True,
            text=True,
            timeout=timeout_s,
        )
        assert done.returncode == 0, f"{arguments}: {done.stdout}\n{done.stderr}"
        return done.stdout

    def start(self) -> None:
        self.command("prepare_demo", "--mode", "live", "--fresh", "--port", str(self.port))
        self.supervisor = subprocess.Popen(
            [sys.executable, "-m", "neuratrade", "--demo", "up"],
            env=self.environment,
            stdout=subprocess.DEVNULL,
            stderr=subprocess.DEVNULL,
            start_new_session=True,
        )

    def stop(self) -> None:
        if self.supervisor is None:
            return
        subprocess.run(
            [sys.executable, "-m", "neuratrade", "--demo", "down"],
            env=self.environment,
            capture_output=True,
            timeout=60,
        )
        try:
            self.supervisor.wait(timeout=20)
        except subprocess.TimeoutExpired:
            os.killpg(self.supervisor.pid, signal.SIGKILL)
            self.supervisor.wait()

    # --- looking ------------------------------------------------------------------------------------------------------

    def pids(self) -> dict[str, int]:
        """Process name -> pid, as the desk's own status says."""
        rows = json.loads(self.command("status", "--json"))["processes"]
        return {row["name"]: row["pid"] for row in rows if row["state"] == "running"}

    def control(self, method: str, path: str, body: dict | None = None):
        request = urllib.request.Request(
            f"http://127.0.0.1:{self.port + 2}{path}",
            method=method,
            data=json.dumps(body).encode() if body is not None else None,
        )
        with urllib.request.urlopen(request, timeout=10) as reply:
            return json.load(reply)

    def venue_orders(self) -> list[dict]:
        """The desk's account by the venues' own books."""
        return [
            {**order, "venue": venue}
            for venue in ORDER_PATH
            for order in self.control("GET", f"/{venue}/orders?account=demo")
        ]

    def journal(self) -> dict[str, tuple[str, Decimal]]:
        """Client order id -> state and filled size, read past the desk."""
        database = pysqlite3.connect(f"file:{self.home / 'neuratrade.sqlite3'}?mode=ro", uri=True, timeout=30)
        try:
            rows = database.execute(
                "SELECT client_order_id, state, filled_base FROM trading_order"
            ).fetchall()
        finally:
            database.close()
        return {client_id: (state, Decimal(filled)) for client_id, state, filled in rows}

    # --- doing --------------------------------------------------------------------------------------------------------

    def kill(self, name: str, pid: int) -> None:
        """SIGKILL, then waits until another process with the same command line lives, and goes on living."""
        line = psutil.Process(pid).cmdline()
        os.kill(pid, signal.SIGKILL)

        def is_back() -> bool:
            for process in self._descendants():
                with contextlib.suppress(psutil.Error):
                    if process.pid != pid and process.cmdline() == line and _age_s(process) > 1.0:
                        return True
            return False

        wait_for(is_back, f"{name} to come back", timeout_s=RETURN_S, every_s=0.2)

    def _descendants(self) -> list[psutil.Process]:
        assert self.supervisor is not None
        return psutil.Process(self.supervisor.pid).children(recursive=True)

    def move(self, percent: float) -> None:
        """Moves every market at both venues."""
        for symbol in ("BTC/USDT", "ETH/USDT", "SOL/USDT", "XRP/USDT", "ADA/USDT", "DOGE/USDT"):
            self.control("POST", "/price", {"symbol": symbol, "move_percent": percent})

    def struck(self) -> int:
        """How many replies were dropped."""
        return sum(
            fault["struck"] for venue in ORDER_PATH for fault in self.control("GET", f"/{venue}/faults")
        )

    def has_resting_stop(self) -> bool:
        return any(order["trigger_price"] and order["status"] == "new" for order in self.venue_orders())


def _age_s(process: psutil.Process) -> float:
    return time.time() - process.create_time()


def wait_for(condition: Callable[[], T], what: str, *, timeout_s: float, every_s: float = 0.5) -> T:
    deadline, found = time.monotonic() + timeout_s, None
    while time.monotonic() < deadline:
        try:
            found = condition()
        except (OSError, AssertionError):
            found = None  # the desk or a venue is on its way
        if found:
            return found
        time.sleep(every_s)
    raise AssertionError(f"waited {timeout_s:.0f} s in vain for {what}")


@pytest.fixture
def desk() -> Iterator[LiveDesk]:
    home = Path(tempfile.mkdtemp(prefix="nt-kill-", dir="/tmp"))
    running = LiveDesk(home)
    try:
        running.start()
        yield running
    finally:
        running.stop()
        shutil.rmtree(home, ignore_errors=True)


@pytest.mark.timeout(420)
def test_every_process_may_die_and_no_order_is_doubled_or_lost(desk: LiveDesk) -> None:
    wait_for(desk.has_resting_stop, "a position with its stop at a venue", timeout_s=START_S, every_s=1.0)
    pids = desk.pids()
    for name in PROCESSES:
        desk.kill(name, pids[name])

    # the same with replies dropped after acceptance: prices rise to the targets, and the exits' replies are lost
    wait_for(desk.has_resting_stop, "a position with its stop at a venue", timeout_s=TRADE_S, every_s=1.0)
    for venue, path in ORDER_PATH.items():
        desk.control(
            "POST", f"/{venue}/faults", {"action": "drop_after", "method": "POST", "path": path, "count": 0}
        )

    def is_dropping() -> bool:
        desk.move(2.0)
        return desk.struck() > 0

    wait_for(is_dropping, "a reply to be dropped", timeout_s=TRADE_S, every_s=2.0)
    pids = desk.pids()
    desk.kill("execute_orders", pids["execute_orders"])
    for venue in ORDER_PATH:
        desk.control("DELETE", f"/{venue}/faults")

    wait_for(
        lambda: not {state for state, _ in desk.journal().values()} & {"sending", "unknown"},
        "every doubt to be resolved",
        timeout_s=QUIET_S,
    )
    desk.command("kill", "--yes", timeout_s=120)
    assert _disagreements(desk) == []
    desk.command("check_invariants")


def _disagreements(desk: LiveDesk) -> list[str]:
    """What the venues' own books and the journal tell differently."""
    journal, at_venue = desk.journal(), desk.venue_orders()
    found = []
    for client_id, count in Counter(order["client_id"] for order in at_venue).items():
        if count > 1:
            found.append(f"{client_id} was placed {count} times")
        if client_id not in journal:
            found.append(f"{client_id} is at the venue and not in the journal")
    shown = {order["client_id"]: order for order in at_venue}
    for client_id, (state, filled) in journal.items():
        order = shown.get(client_id)
        if state in AT_VENUE and order is None:
            found.append(f"{client_id} is {state} in the journal and unknown at the venue")
        if state in NEVER_THERE and order is not None:
            found.append(f"{client_id} is {state} in the journal and {order['status']} at the venue")
        if order is not None and Decimal(order["filled_base"]) != filled:
            found.append(
                f"{client_id} is filled {order['filled_base']} at the venue, {filled} in the journal"
            )
    for order in at_venue:
        if order["status"] in {"new", "partially_filled"}:
            found.append(f"{order['client_id']} still rests at {order['venue']} after the kill switch")
    return found
