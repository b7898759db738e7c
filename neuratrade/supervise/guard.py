"""Runs a command that must not outlive its master: `python -m neuratrade.supervise.guard [--remove FOLDER] COMMAND …`.

The guard reads its standard input, which the master holds open. When that ends, because the master closed it or died in whatever
way, the command and all its children are told to stop, and after a short wait are killed; then FOLDER goes. Standard library only.
"""

import os
import select
import shutil
import signal
import subprocess
import sys
import time
from collections.abc import Sequence
from contextlib import suppress

_LOOK_EVERY_S = 0.2
_STOP_S = 1.0


def watch(command: Sequence[str]) -> int:
    """Runs `command` in a process group of its own until it or standard input ends; returns its exit code."""
    for number in (signal.SIGINT, signal.SIGTERM, signal.SIGHUP):
        signal.signal(number, signal.SIG_IGN)  # only the master's end ends it
    child = subprocess.Popen(command, stdin=subprocess.DEVNULL, start_new_session=True)
    while child.poll() is None and not _is_input_over():
        pass
    _stop(child)
    return child.returncode


def _is_input_over() -> bool:
    ready, _, _ = select.select([0], [], [], _LOOK_EVERY_S)
    return bool(ready) and not os.read(0, 1024)


def _stop(child: "subprocess.Popen[bytes]") -> None:
    with suppress(ProcessLookupError):
        child.terminate()
    deadline = time.monotonic() + _STOP_S
    while child.poll() is None and time.monotonic() < deadline:
        time.sleep(0.02)
    with suppress(ProcessLookupError):
        os.killpg(child.pid, signal.SIGKILL)  # what it left, too
    child.wait()


def main(arguments: Sequence[str]) -> int:
    """Watches the command, then removes the folder it was given, if any."""
    if arguments[0] != "--remove":
        return watch(arguments)
    try:
        return watch(arguments[2:])
    finally:
        shutil.rmtree(arguments[1], ignore_errors=True)


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
