"""The desk as a whole: may it start, start it, watch it until it is told to stop."""

import errno
import signal
import socket
import sys
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager

import redis
from django.conf import settings

from neuratrade.supervise import control, herald, home, orphans, processes, summary, tables, watching
from neuratrade.supervise.errors import NotRunningError, SuperviseError
from trading.errors import ConfigurationError
from trading.services import keys

Say = Callable[[str], object]
_STOP_SIGNALS = (signal.SIGINT, signal.SIGTERM, signal.SIGHUP)


def run(*, say: Say, detach: bool) -> None:
    """Starts the desk and shows it until Ctrl-C, SIGTERM or SIGHUP, then stops all of it; with `detach` returns at once.

    A stop from another terminal ends it too. Raises SuperviseError when the desk cannot start or its supervisor dies.
    """
    with _told_to_stop() as stopped:
        _start(say)
        if detach and not stopped.is_set():
            return
        show = watching.live_screen if sys.stdout.isatty() else watching.plain_lines
        try:
            show(stopped, say)
        except NotRunningError as error:
            if not control.is_stop_wished(settings.HOME):
                raise SuperviseError(
                    "the supervisor died; what it left is stopped, `neuratrade up` starts the desk again"
                ) from error
            say("`neuratrade down` was called")
        finally:
            say("stopping ...")
            say(f"stopped {control.stop(settings.HOME, table=processes.table())} processes")


def _start(say: Say) -> None:
    """Starts every process; raises SuperviseError with one line when something stands in the way."""
    tables.refuse_pending_migrations()
    _refuse_bad_keys()
    table = processes.table()
    control.refuse_second(settings.HOME)
    left = orphans.stop(settings.HOME)
    if left:
        say(f"stopped {left} processes that a killed supervisor had left")
    refuse_taken_port(settings.WEB_HOST, settings.WEB_PORT)
    demo = home.read_demo(settings.HOME)
    for port in demo.ports if demo else ():
        refuse_taken_port("127.0.0.1", port, remedy="end what uses it, or choose others: prepare_demo --port")
    if not any(process.name == "redis" for process in table) and not _is_redis_up():
        raise SuperviseError(
            "the Redis server that REDIS_URL names does not answer; start it, or mend REDIS_URL"
        )
    for folder in (settings.RUN_DIR, settings.LOG_DIR, settings.HOME / "redis"):
        folder.mkdir(parents=True, exist_ok=True, mode=0o700)
    herald.clear_restarts(settings.HOME)
    summary.remember_address()
    control.start(table, home=settings.HOME, is_redis_up=_is_redis_up)


def _refuse_bad_keys() -> None:
    try:
        keys.signing_key()
        keys.public_key()
    except ConfigurationError as error:
        raise SuperviseError(str(error)) from error


def refuse_taken_port(host: str, port: int, *, remedy: str = "") -> None:
    """Raises SuperviseError when the port is taken, or the host is none of this machine's addresses."""
    family = socket.AF_INET6 if ":" in host else socket.AF_INET
    with socket.socket(family, socket.SOCK_STREAM) as probe:
        probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        try:
            probe.bind((host, port))
        except OSError as error:
            if isinstance(error, socket.gaierror) or error.errno == errno.EADDRNOTAVAIL:
                remedy = "set NEURATRADE_WEB_HOST to an address of this machine"
            remedy = remedy or "set NEURATRADE_PORT to a free port"
            raise SuperviseError(f"cannot serve on {host}:{port} ({error.strerror}); {remedy}") from error


@contextmanager
def _told_to_stop() -> Iterator[threading.Event]:
    """An event that the stop signals set, so that none of them, nor a second Ctrl-C, leaves half a desk behind."""
    stopped = threading.Event()
    before = {number: signal.signal(number, lambda *_: stopped.set()) for number in _STOP_SIGNALS}
    try:
        yield stopped
    finally:
        for number, handler in before.items():
            signal.signal(number, handler)


def _is_redis_up() -> bool:
    client = redis.Redis.from_url(settings.REDIS_URL, socket_connect_timeout=1, socket_timeout=1)
    try:
        client.ping()
    except redis.RedisError:
        return False
    finally:
        client.close()
    return True
