"""Runs a rehearsal in a process, home, database and Redis of its own, so that it never meets the operator's desk.

The parent loads bars and signals and writes them into a folder; the child makes that folder its home, plays, compares with the
backtest, and leaves its answer there.
"""

import os
import pickle
import shutil
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

from neuratrade.lib import redis_server
from trading.errors import ConfigurationError, TradingError

if TYPE_CHECKING:
    from trading.services.agreement import Agreement
    from trading.services.rehearsal import Rehearsal
    from trading.services.rehearsal_job import Job

_JOB, _ANSWER, _ERROR, _LOG = "job.pickle", "answer.pickle", "error.txt", "rehearsal.log"
# Not `-m`: there the classes would have another module's name, and the pickles would not fit.
_CHILD = "import sys; from neuratrade import rehearsing; sys.exit(rehearsing.play_in(sys.argv[1]))"
# Where Linux keeps files in memory: a home that is thrown away need not wait for a disk.
_IN_MEMORY = "/dev/shm"
_REDIS_START_S = 10.0
_POLL_S = 0.02
# What a home of its own must not inherit.
_NOT_INHERITED = ("DATABASE_URL", "REDIS_URL", "CELERY_BROKER_URL", "NEURATRADE_MODE", "NEURATRADE_BLACKLIST")


@dataclass(frozen=True, slots=True, kw_only=True)
class Answer:
    played: "Rehearsal"
    found: "Agreement"


def rehearse(job: "Job", *, keep: Path | None, on_progress: Callable[[int], None]) -> Answer:
    """Plays `job`. `keep`: the folder that becomes the rehearsal's home and stays, for `why` and `drift`; it must be new or empty.

    Raises ConfigurationError when the folder is in use, and TradingError with the child's own line when it fails.
    """
    with _home(keep) as home, _redis(home) as environment:
        (home / _JOB).write_bytes(pickle.dumps(job))
        if _run_child(home, environment=environment, on_progress=on_progress) != 0:
            raise TradingError(f"the rehearsal failed: {_last_words(home)}")
        (home / _JOB).unlink()
        answer = pickle.loads((home / _ANSWER).read_bytes())
        assert isinstance(answer, Answer)
        return answer


def _run_child(home: Path, *, environment: Mapping[str, str], on_progress: Callable[[int], None]) -> int:
    """Its exit code; what it logs goes to a file of its home."""
    with (home / _LOG).open("w", encoding="utf-8") as log:
        child = subprocess.Popen(
            [sys.executable, "-c", _CHILD, str(home)],
            env=environment,
            stdout=subprocess.PIPE,
            stderr=log,
            text=True,
        )
        try:
            assert child.stdout is not None, "it was asked for"
            for line in child.stdout:
                on_progress(int(line))
            return child.wait()
        finally:
            child.kill()
            child.wait()


def _last_words(home: Path) -> str:
    """The line the child left, or the last of its log: a traceback ends with what happened."""
    for name in (_ERROR, _LOG):
        lines = (home / name).read_text(encoding="utf-8").split("\n") if (home / name).exists() else []
        for line in reversed(lines):
            if line.strip():
                return line.strip()
    return "it ended without a word"


@contextmanager
def _home(keep: Path | None) -> Iterator[Path]:
    if keep is None:
        folder = tempfile.mkdtemp(prefix="nt-", dir=_IN_MEMORY if os.access(_IN_MEMORY, os.W_OK) else None)
        try:
            yield Path(folder)
        finally:
            shutil.rmtree(folder, ignore_errors=True)
        return
    keep = keep.expanduser().absolute()
    try:
        keep.mkdir(parents=True, exist_ok=True, mode=0o700)
        if any(keep.iterdir()):
            raise ConfigurationError(f"{keep} is not empty; a rehearsal's home is a new folder")
    except OSError as error:
        raise ConfigurationError(f"{keep} cannot be used as a home: {error.strerror}") from error
    yield keep


@contextmanager
def _redis(home: Path) -> Iterator[Mapping[str, str]]:
    """A server for this home alone; yields the child's environment."""
    run = home / "run"
    run.mkdir(mode=0o700)
    socket = run / "redis.sock"
    try:
        command = redis_server.command(socket=socket, data_dir=run)
    except redis_server.RedisServerError as error:
        raise ConfigurationError(str(error)) from error
    server = subprocess.Popen(command, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
    try:
        deadline_s = time.monotonic() + _REDIS_START_S
        while not socket.exists():
            if server.poll() is not None or time.monotonic() > deadline_s:
                raise ConfigurationError(
                    "the rehearsal's Redis server did not start; see `neuratrade doctor`"
                )
            time.sleep(_POLL_S)
        inherited = {name: value for name, value in os.environ.items() if name not in _NOT_INHERITED}
        yield {**inherited, "NEURATRADE_HOME": str(home), "NEURATRADE_LOG_LEVEL": "warning"}
    finally:
        server.terminate()
        server.wait()


def _play(home: Path) -> Answer:
    """In the child: prepares its home and plays."""
    from neuratrade.lib import clock
    from neuratrade.preparing import prepare
    from trading.history import store
    from trading.services import agreement, history, rehearsal
    from trading.services.rehearsal_job import Job

    job = pickle.loads((home / _JOB).read_bytes())
    assert isinstance(job, Job)
    prepare(at=clock.now(), say=lambda _line: None)
    store.save(history.root(), job.history)
    played = rehearsal.play(
        job.bars,
        job.signals,
        setting=job.setting,
        strategy=job.strategy,
        skill_hash=job.skill_hash,
        on_progress=_tell_parent,
    )
    found = agreement.check(job.bars, job.signals, played=played, setting=job.setting, strategy=job.strategy)
    return Answer(played=played, found=found)


def _tell_parent(bar: int) -> None:
    sys.stdout.write(f"{bar}\n")
    sys.stdout.flush()


def play_in(folder: str) -> int:
    """The child: 0, or 1 with one line in the folder."""
    os.environ.setdefault("DJANGO_SETTINGS_MODULE", "neuratrade.settings")
    import django

    django.setup()
    home = Path(folder)
    try:
        (home / _ANSWER).write_bytes(pickle.dumps(_play(home)))
    except TradingError as error:
        (home / _ERROR).write_text(str(error), encoding="utf-8")
        return 1
    return 0
