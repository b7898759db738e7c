"""Starts, stops and asks supervisord over its private socket."""

import fcntl
import os
import subprocess
import sys
import time
import xmlrpc.client
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from http.client import HTTPException
from pathlib import Path
from typing import Any

from supervisor.xmlrpc import SupervisorTransport

from neuratrade.lib.redis_server import LONGEST_SOCKET_PATH
from neuratrade.supervise import config, orphans
from neuratrade.supervise.errors import NotRunningError, SuperviseError
from neuratrade.supervise.home import MARKER, SUPERVISOR_SOCKET
from neuratrade.supervise.processes import Process

START_WAIT_S = 15.0
# Left by whoever stops the desk, so that a foreground `up` can tell a wish from a death.
_WISH = Path("run") / "stop_wished"
NO_WAIT = False


@dataclass(frozen=True, slots=True, kw_only=True)
class ProcessInfo:
    """What supervisord knows of a process. `state` is its word in lower case; `pid` 0 and `age_s` 0 when not running."""

    name: str
    state: str
    pid: int
    age_s: int
    note: str


def processes(home: Path) -> list[ProcessInfo]:
    """Every supervised process; raises NotRunningError when no supervisor answers."""
    infos = _call(home, "getAllProcessInfo")
    return [
        ProcessInfo(
            name=info["name"],
            state=info["statename"].lower(),
            pid=info["pid"],
            age_s=max(0, info["now"] - info["start"]) if info["pid"] else 0,
            note=info["spawnerr"] or "",
        )
        for info in infos
        if info["name"] != config.HERALD
    ]


def supervisor_pid(home: Path) -> int:
    """The supervisor's pid; raises NotRunningError when none answers."""
    return int(_call(home, "getPID"))


def start(table: Sequence[Process], *, home: Path, is_redis_up: Callable[[], bool]) -> None:
    """Starts the supervisor, then the processes stage by stage; Redis answers before the others begin.

    Raises SuperviseError when a desk runs already or the supervisor does not come up.
    """
    if len(str(home / SUPERVISOR_SOCKET)) > LONGEST_SOCKET_PATH:
        raise SuperviseError(
            f"the path {home} is too long for a socket; set NEURATRADE_HOME to a shorter path"
        )
    with _only_one_starts(home):
        refuse_second(home)
        (home / _WISH).unlink(missing_ok=True)
        path = home / "run" / "supervisord.conf"
        path.write_text(config.supervisord_config(table, home=home), encoding="utf-8")
        supervisor = subprocess.Popen(
            (sys.executable, "-m", "supervisor.supervisord", "--configuration", str(path)),
            env={**os.environ, "NEURATRADE_HOME": str(home), MARKER: str(home)},
            stdin=subprocess.DEVNULL,
            stdout=subprocess.DEVNULL,
            stderr=subprocess.DEVNULL,
            start_new_session=True,
        )
        _wait(lambda: _answers(home), supervisor=supervisor, home=home)
        for process in sorted(table, key=lambda process: process.stage):
            _call(home, "startProcess", f"{config.GROUP}:{process.name}", NO_WAIT)
            if process.name == "redis":
                _wait(is_redis_up, supervisor=supervisor, home=home)


def stop(home: Path, *, table: Sequence[Process]) -> int:
    """Stops everything of this home, leftovers of a killed supervisor too; returns how many processes there were.

    Workers go first and at once, then what they lean on (Redis, practice venues), then the supervisor.
    """
    count = len(orphans.find(home))
    try:
        pid = supervisor_pid(home)
        (home / _WISH).touch()
        for stage in sorted({process.stage for process in table}, reverse=True):
            _stop_stage(home, [process for process in table if process.stage == stage])
        _call(home, "shutdown")
        _wait_gone(pid)
    except NotRunningError:
        pass  # died meanwhile, or never ran: what is left is found by its mark
    orphans.stop(home)
    return count


def is_stop_wished(home: Path) -> bool:
    """True when the desk that ran last on this home was stopped, rather than lost its supervisor."""
    return (home / _WISH).exists()


def _stop_stage(home: Path, stage: Sequence[Process]) -> None:
    names = {process.name for process in stage}
    for name in names:
        try:
            _call(home, "stopProcess", f"{config.GROUP}:{name}", NO_WAIT)
        except xmlrpc.client.Fault:
            continue  # not running, or not known to the supervisor that runs: nothing to stop
    deadline = time.monotonic() + max(process.stop_s for process in stage) + 3
    while time.monotonic() < deadline:
        if not any(info.pid for info in processes(home) if info.name in names):
            return
        time.sleep(0.1)


def _wait_gone(pid: int) -> None:
    deadline = time.monotonic() + START_WAIT_S
    while time.monotonic() < deadline:
        with suppress(ChildProcessError):
            os.waitpid(pid, os.WNOHANG)  # our own child stays a zombie until asked for
        try:
            os.kill(pid, 0)
        except ProcessLookupError:
            return
        time.sleep(0.05)


def refuse_second(home: Path) -> None:
    """Raises SuperviseError when a desk runs on this home already."""
    try:
        pid = supervisor_pid(home)
    except NotRunningError:
        return
    raise SuperviseError(
        f"a desk runs already on {home} (supervisor {pid}); `neuratrade status` shows it, `neuratrade down` stops it"
    )


@contextmanager
def _only_one_starts(home: Path) -> Iterator[None]:
    """Two `up` at the same moment: the second is refused. The kernel frees the lock however we end."""
    with (home / "run" / "up.lock").open("w") as file:
        try:
            fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError as error:
            raise SuperviseError(f"another `neuratrade up` is starting a desk on {home}") from error
        yield


def _wait(is_ready: Callable[[], bool], *, supervisor: "subprocess.Popen[bytes]", home: Path) -> None:
    deadline = time.monotonic() + START_WAIT_S
    while not is_ready():
        if supervisor.poll() is not None or time.monotonic() > deadline:
            supervisor.kill()
            orphans.stop(home)
            raise SuperviseError(f"the desk did not start; read {home / 'logs'}")
        time.sleep(0.05)


def _answers(home: Path) -> bool:
    try:
        supervisor_pid(home)
    except NotRunningError:
        return False
    return True


def _call(home: Path, method: str, *arguments: object) -> Any:
    """One call; raises NotRunningError when nobody answers on the socket, xmlrpc.client.Fault on a refusal."""
    transport = SupervisorTransport(None, None, f"unix://{home / SUPERVISOR_SOCKET}")
    try:
        proxy = xmlrpc.client.ServerProxy("http://127.0.0.1", transport=transport)
        return getattr(proxy.supervisor, method)(*arguments)
    except (OSError, HTTPException, xmlrpc.client.ProtocolError) as error:
        raise NotRunningError(f"no desk runs on {home}; start it with `neuratrade up`") from error
    except xmlrpc.client.Fault as fault:
        if "SHUTDOWN_STATE" in fault.faultString:
            raise NotRunningError(f"the desk on {home} is stopping") from fault
        raise
    finally:
        transport.close()
