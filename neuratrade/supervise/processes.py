"""The one table of the desk's processes. `up`, `run`, `status`, Docker and systemd all read it."""

import os
import sys
from collections.abc import Mapping
from dataclasses import dataclass, field

from django.conf import settings

from neuratrade.lib import redis_server
from neuratrade.supervise import home
from neuratrade.supervise.errors import SuperviseError

# Which processes may see a secret that comes by the environment; every other process gets it blank.
SECRETS: Mapping[str, frozenset[str]] = {
    "NEURATRADE_AI_API_KEY": frozenset({"worker-high"}),
    "NEURATRADE_PASSPHRASE": frozenset({"execute_orders"}),
}


@dataclass(frozen=True, slots=True, kw_only=True)
class Process:
    """One process. Lower `stage` starts first and stops last; `stop_s` is how long it may take to stop by itself."""

    name: str
    command: tuple[str, ...]
    purpose: str
    stage: int = 2
    stop_s: int = 10
    environment: Mapping[str, str] = field(default_factory=dict)

    @property
    def blanked_secrets(self) -> dict[str, str]:
        """Environment that hides the secrets this process has no business with."""
        hidden = [name for name, allowed in SECRETS.items() if self.name not in allowed]
        return {variable: "" for name in hidden for variable in (name, f"{name}_FILE")}


def table() -> tuple[Process, ...]:
    """Every process of this home's desk, in start order; raises SuperviseError when one cannot be run here."""
    demo = home.read_demo(settings.HOME)
    return (
        *((_redis(),) if settings.REDIS_URL.startswith(f"unix://{settings.REDIS_SOCKET}") else ()),
        *((_practice(demo.practice_arguments),) if demo else ()),
        *_workers(),
        _command("watch_market", "streams quotes, trades and books, builds candles, runs the watchdog"),
        _command("guard_risk", "marks equity, runs the breakers, signs protective orders"),
        _command("execute_orders", "the only process that may send an order"),
        _celery("beat", "starts the routine quests", "beat", "--pidfile=", "--loglevel", "info"),
        _command("serve_web", "dashboard, admin, health and metrics", name="web"),
        *((_flower(),) if settings.WITH_FLOWER else ()),
    )


def find(name: str) -> Process:
    """One process of the table, or a research worker, by its name; raises SuperviseError with the names there are."""
    processes = {process.name: process for process in (*table(), research_worker())}
    if name not in processes:
        raise SuperviseError(f"there is no process {name!r}; the desk has: {', '.join(processes)}")
    return processes[name]


def _command(command: str, purpose: str, *, name: str = "") -> Process:
    return Process(
        name=name or command, command=(sys.executable, "-m", "neuratrade", command), purpose=purpose
    )


def _celery(name: str, purpose: str, *arguments: str, stop_s: int = 10) -> Process:
    return Process(
        name=name,
        command=(sys.executable, "-m", "celery", "-A", "neuratrade", *arguments),
        purpose=purpose,
        stop_s=stop_s,
        # SIGTERM then means: finish within the soft time-out, else hand the task back.
        environment={"REMAP_SIGTERM": "SIGQUIT"},
    )


def _worker(queue: str, purpose: str, *, concurrency: int, mark: str = "") -> Process:
    """A prefork worker: time limits work there only, and its children share the parent's memory."""
    events = ("--task-events",) if settings.WITH_FLOWER else ()
    return _celery(
        f"worker-{queue}",
        purpose,
        *("worker", "--queues", queue, "--hostname", f"{queue}{mark}@%h", "--concurrency", str(concurrency)),
        *("--without-gossip", "--without-mingle", "--without-heartbeat", "--loglevel", "info", *events),
        stop_s=20,
    )


def _workers() -> tuple[Process, ...]:
    """One process per queue: on a shared one a critical task would wait behind model calls."""
    return (
        _worker("critical", "risk gate: checks, sizes, signs", concurrency=1),
        _worker("high", "debates: analyst, trader, reviewer", concurrency=2),
        _worker("normal", "scans and watch quests", concurrency=1),
        _worker("low", "reports and upkeep", concurrency=1),
    )


def research_worker(concurrency: int = 0, *, mark: str = "") -> Process:
    """A worker for parameter sweeps, one child per core unless told. No part of a running desk: a sweep starts its own, and
    `neuratrade run worker-research` lends a further machine. `mark` tells several on one machine apart."""
    return _worker(
        "research",
        "parameter sweeps of backtests",
        concurrency=concurrency or os.cpu_count() or 1,
        mark=mark,
    )


def _redis() -> Process:
    try:
        command = redis_server.command(socket=settings.REDIS_SOCKET, data_dir=settings.HOME / "redis")
    except redis_server.RedisServerError as error:
        raise SuperviseError(str(error)) from error
    return Process(name="redis", command=tuple(command), purpose="broker, pub/sub, caches", stage=0)


def _practice(arguments: tuple[str, ...]) -> Process:
    return Process(
        name="practice",
        command=(sys.executable, "-m", "trading.practice", *arguments),
        purpose="practice venues: Binance and Kraken rebuilt on this machine",
        stage=1,
    )


def _flower() -> Process:
    return _celery(
        "flower",
        "Celery's own monitor",
        *("flower", f"--address={settings.WEB_HOST}", f"--port={settings.FLOWER_PORT}"),
    )
