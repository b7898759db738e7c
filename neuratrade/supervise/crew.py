"""Workers for one sweep: started by the command that needs them, gone with it, however it ends.

They use the desk's Redis when it answers, so that research workers of other machines help; else a server of their own, in memory.
"""

import os
import shutil
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator, Mapping
from contextlib import ExitStack, contextmanager, suppress
from dataclasses import dataclass, field
from pathlib import Path

import psutil
import redis
from django.conf import settings

from neuratrade.lib import env, redis_server
from neuratrade.supervise import processes
from neuratrade.supervise.errors import SuperviseError

LOG_NAME = "worker-research.log"
_SERVER_WAIT_S = 10.0
_STOP_WAIT_S = 10.0
_PING_S = 1.0


@dataclass
class Crew:
    """Running workers. `broker_url` is Celery's spelling of where they listen."""

    broker_url: str
    redis_url: str
    workers: int
    _guard: "subprocess.Popen[bytes] | None" = field(default=None, repr=False)

    def is_alive(self) -> bool:
        return self._guard is not None and self._guard.poll() is None

    def revive(self) -> None:
        """Starts the workers where none run."""
        if self.is_alive():
            return
        _kill_named(self._mark)  # what a killed guard left
        process = processes.research_worker(self.workers, mark=self._mark)
        self._guard = _guarded(
            process.command,
            environment={**process.blanked_secrets, **process.environment, "REDIS_URL": self.redis_url},
        )

    def dismiss(self) -> None:
        """Ends them; returns when they are gone."""
        if self._guard is not None:
            _end(self._guard)
            _kill_named(self._mark)

    @property
    def _mark(self) -> str:
        """A part of the workers' name that no other crew on this machine has."""
        return f"-{os.getpid()}"


def _kill_named(mark: str) -> None:
    name = f"research{mark}@%h"
    for process in psutil.process_iter():
        with suppress(psutil.NoSuchProcess, psutil.AccessDenied):
            if name in process.cmdline():
                process.kill()


@contextmanager
def hired(workers: int) -> Iterator[Crew]:
    """`workers` worker processes for the block. Raises SuperviseError when no Redis can be had."""
    with ExitStack() as stack:
        redis_url = settings.REDIS_URL if _answers(settings.REDIS_URL) else stack.enter_context(_server())
        crew = Crew(broker_url=env.broker(redis_url), redis_url=redis_url, workers=workers)
        stack.callback(crew.dismiss)
        crew.revive()
        yield crew


@contextmanager
def _server() -> Iterator[str]:
    """A private Redis for the block; yields its address."""
    folder = Path(tempfile.mkdtemp(prefix="nt-sweep-", dir="/tmp" if Path("/tmp").is_dir() else None))
    socket = folder / "redis.sock"
    url = f"unix://{socket}?db=0"
    guard = None
    try:
        command = redis_server.command(socket=socket, data_dir=folder)
        guard = _guarded(("--remove", str(folder), *command), environment={})
        _await(url, guard=guard)
        yield url
    except redis_server.RedisServerError as error:
        raise SuperviseError(str(error)) from error
    finally:
        if guard is not None:
            _end(guard)
        shutil.rmtree(folder, ignore_errors=True)


def _await(url: str, *, guard: "subprocess.Popen[bytes]") -> None:
    deadline = time.monotonic() + _SERVER_WAIT_S
    while not _answers(url):
        if guard.poll() is not None or time.monotonic() > deadline:
            raise SuperviseError("a Redis server for the workers did not start; run without --workers")
        time.sleep(0.02)


def _answers(url: str) -> bool:
    client = redis.Redis.from_url(url, socket_connect_timeout=_PING_S, socket_timeout=_PING_S)
    try:
        return bool(client.ping())
    except redis.RedisError:
        return False
    finally:
        client.close()


def _guarded(
    command: tuple[str, ...] | list[str], *, environment: Mapping[str, str]
) -> "subprocess.Popen[bytes]":
    settings.LOG_DIR.mkdir(parents=True, exist_ok=True, mode=0o700)
    with (settings.LOG_DIR / LOG_NAME).open("ab") as log:
        return subprocess.Popen(
            (sys.executable, "-m", "neuratrade.supervise.guard", *command),
            cwd=settings.BASE_DIR,
            env={**os.environ, **environment},
            stdin=subprocess.PIPE,
            stdout=log,
            stderr=log,
            start_new_session=True,  # Ctrl-C is for the command, which then ends its workers
        )


def _end(guard: "subprocess.Popen[bytes]") -> None:
    if guard.stdin is not None:
        guard.stdin.close()
    try:
        guard.wait(_STOP_WAIT_S)
    except subprocess.TimeoutExpired:
        guard.kill()
        guard.wait()
