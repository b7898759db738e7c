"""Runs the desk's real processes against the test's own database and Redis, and waits for conditions, never for time.

The command lines are the product's (`neuratrade.supervise.processes`), and so is the home: tests/environment.py gave this test
process one, and children inherit it. Only the database differs, as pytest-django creates one with a name of its own: on SQLite
a link with the product's name leads to it, on PostgreSQL the children get its address.
"""

import os
import signal
import subprocess
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from dataclasses import dataclass, field
from pathlib import Path
from typing import TypeVar
from urllib.parse import urlsplit, urlunsplit

from django.conf import settings
from django.db import connection

from neuratrade.supervise import processes
from neuratrade.supervise.home import DEMO_DATABASE

T = TypeVar("T")


def environment(**extra: str) -> dict[str, str]:
    """This process's environment, pointing at the test's database."""
    name = str(connection.settings_dict["NAME"])
    values = {**os.environ, **extra}
    if connection.vendor == "sqlite":
        link = Path(settings.HOME) / "neuratrade.sqlite3"
        if not link.is_symlink():
            link.symlink_to(name)
    else:
        address = urlsplit(os.environ["DATABASE_URL"])
        values["DATABASE_URL"] = values[DEMO_DATABASE] = urlunsplit(address._replace(path=f"/{name}"))
    return values


@dataclass
class Processes:
    """The processes one test started; all are gone when its block ends."""

    extra: dict[str, str] = field(default_factory=dict)
    running: dict[str, "subprocess.Popen[bytes]"] = field(default_factory=dict)

    def start(self, *names: str, **extra: str) -> None:
        """Starts processes of the desk by the names that `neuratrade status` shows."""
        for name in names:
            process = processes.find(name)
            with self.log(name).open("ab") as log:
                self.running[name] = subprocess.Popen(
                    process.command,
                    env={**environment(**self.extra), **process.environment, **extra},
                    stdout=log,
                    stderr=log,
                    start_new_session=True,
                )

    def run(self, name: str, *command: str) -> None:
        """Starts a process that is not in the desk's table."""
        with self.log(name).open("ab") as log:
            self.running[name] = subprocess.Popen(
                command, env=environment(**self.extra), stdout=log, stderr=log, start_new_session=True
            )

    def until(self, condition: Callable[[], T], *, what: str, timeout_s: float = 15) -> T:
        """The first true answer of `condition`; fails when there is none in time, or at once when a process ended."""
        deadline = time.monotonic() + timeout_s
        while not (answer := condition()):
            ended = [name for name, process in self.running.items() if process.poll() is not None]
            assert not ended, f"{', '.join(ended)} ended while waiting for {what}"
            assert time.monotonic() < deadline, f"waited {timeout_s} s in vain for {what}"
            time.sleep(0.05)
        return answer

    def kill(self, name: str) -> None:
        """`kill -9` for the process and its children, as a power cut would."""
        process = self.running.pop(name)
        with suppress(ProcessLookupError):
            os.killpg(process.pid, signal.SIGKILL)
        process.wait()

    def kill_all(self) -> None:
        """Ends everything at once: nothing that a desk leaves behind may depend on a polite farewell."""
        for name in list(self.running):
            self.kill(name)

    def log(self, name: str) -> Path:
        return Path(settings.LOG_DIR) / f"{name}.log"

    def text(self) -> str:
        """The tails of all logs, for the message of a failed test."""
        logs = sorted(Path(settings.LOG_DIR).glob("*.log"))
        return "\n".join(f"--- {log.name}\n{log.read_text(errors='replace')[-3000:]}" for log in logs)


@contextmanager
def desk_processes(**extra: str) -> Iterator[Processes]:
    """Processes that end with the block, whatever happens in it. Their logs go to the test's output: seen when it fails."""
    settings.LOG_DIR.mkdir(parents=True, exist_ok=True)
    for log in Path(settings.LOG_DIR).glob("*.log"):
        log.unlink()
    forget_the_last_desk()
    started = Processes(extra=extra)
    try:
        yield started
    finally:
        started.kill_all()
        forget_the_last_desk()
        print(started.text())  # noqa: T201


def forget_the_last_desk() -> None:
    """Removes what a desk keeps in its home beside the database: the next test has another database, which it would not fit."""
    home = Path(settings.HOME)
    for path in (home / "audit_head", home / "demo.json", *home.glob("paper-*"), *home.glob("practice*")):
        path.unlink(missing_ok=True)
