"""Runs the real `neuratrade` command in a process of its own, on a home of its own."""

import os
import shutil
import socket
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path

from neuratrade.supervise import orphans

ROOT = Path(__file__).resolve().parents[2]


def free_port() -> int:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])


def environment(home: Path, **more: str) -> dict[str, str]:
    """The caller's environment without anything of NeuraTrade's, plus `home`."""
    kept = {name: value for name, value in os.environ.items() if not name.startswith("NEURATRADE_")}
    kept.pop("DATABASE_URL", None)
    kept.pop("DJANGO_SETTINGS_MODULE", None)
    return {**kept, "NEURATRADE_HOME": str(home), "HOME": str(home), **more}


def neuratrade(
    *arguments: str, home: Path, timeout_s: float = 60, **more: str
) -> "subprocess.CompletedProcess[str]":
    return subprocess.run(
        (sys.executable, "-m", "neuratrade", *arguments),
        cwd=ROOT,
        env=environment(home, **more),
        capture_output=True,
        text=True,
        timeout=timeout_s,
        check=False,
    )


@contextmanager
def short_home() -> Iterator[Path]:
    """A home whose socket paths are short enough; whatever ran in it is gone afterwards."""
    home = Path(tempfile.mkdtemp(prefix="nt-", dir="/tmp"))
    try:
        yield home
    finally:
        for desk in (home, home / "demo"):
            orphans.stop(desk, wait_s=3)
        shutil.rmtree(home, ignore_errors=True)


def wait_until(is_true: Callable[[], object], *, timeout_s: float, what: str) -> None:
    deadline = time.monotonic() + timeout_s
    while not is_true():
        assert time.monotonic() < deadline, f"waited {timeout_s} s for {what}"
        time.sleep(0.1)
