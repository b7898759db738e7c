"""Finds what a killed supervisor left behind. Every process of a desk carries the desk's home in its environment."""

import os
import time
from collections.abc import Callable
from contextlib import suppress
from pathlib import Path

import psutil

from neuratrade.supervise.home import MARKER

STOP_WAIT_S = 12.0


def find(home: Path) -> list[psutil.Process]:
    """Every living process of this home's desk, grandchildren included, whoever their parent is now."""
    mine, found = os.getpid(), []
    for process in psutil.process_iter():
        try:
            if process.pid != mine and _belongs(process, home=home) and _is_alive(process):
                found.append(process)
        except psutil.Error:  # gone meanwhile, or another user's
            continue
    return found


def stop(home: Path, *, wait_s: float = STOP_WAIT_S) -> int:
    """Asks all of them to stop, kills who is left after `wait_s`; returns how many there were."""
    processes = find(home)
    for process in processes:
        _quietly(process.terminate)
    deadline = time.monotonic() + wait_s
    _, stubborn = psutil.wait_procs(processes, timeout=wait_s)
    while (left := stubborn or find(home)) and time.monotonic() < deadline + 5:
        for process in left:
            _quietly(process.kill)
        psutil.wait_procs(left, timeout=5)
        stubborn = []
    return len(processes)


def _belongs(process: psutil.Process, *, home: Path) -> bool:
    if process.environ().get(MARKER) == str(home):
        return True
    # Redis writes its title over its environment; the title ends with its socket, which is this home's own.
    return " ".join(process.cmdline()).strip().endswith(f"unixsocket:{home / 'run' / 'redis.sock'}")


def _is_alive(process: psutil.Process) -> bool:
    return bool(process.status() != psutil.STATUS_ZOMBIE)


def _quietly(act: Callable[[], None]) -> None:
    """Runs a signal call; a process that is gone already is what was wanted."""
    with suppress(psutil.NoSuchProcess):
        act()
