"""The process that guards the risk: signs the ways out, marks equity, watches the breakers, and keeps saying that all is well."""

import logging
import signal
import threading
import time
from types import FrameType
from typing import Any

from django.core.management.base import BaseCommand, CommandError
from django.db import DatabaseError, close_old_connections

from neuratrade.lib import clock
from trading.errors import ConfigurationError
from trading.services import heartbeat, keys
from trading.services.guard import Guard

log = logging.getLogger(__name__)

PROCESS = "guard_risk"
POLL_S = 0.25
_BEAT_EVERY_S = 2.0
_RETRY_S = 1.0


class Command(BaseCommand):
    help = "Signs protective orders, marks equity and runs the breakers until told to stop; `neuratrade up` runs it."

    def handle(self, *args: Any, **options: Any) -> None:
        try:
            keys.create_if_absent()
            keys.signing_key()
        except ConfigurationError as error:
            raise CommandError(str(error)) from error
        run(stop=_stop_on_signals())


def run(*, stop: threading.Event) -> None:
    """Rounds until `stop` is set. A database that cannot be read ends nothing: `ok_until` runs out and no new risk is taken."""
    guard, next_beat_s = Guard(), 0.0
    while not stop.wait(POLL_S):
        try:
            guard.step(at=clock.now())
            if time.monotonic() >= next_beat_s:
                heartbeat.beat(process=PROCESS, doing=guard.doing, at=clock.now())
                next_beat_s = time.monotonic() + _BEAT_EVERY_S
        except DatabaseError as error:
            log.error("the database cannot be used (%s); trying again", " ".join(str(error).split()))
            close_old_connections()
            stop.wait(_RETRY_S)


def _stop_on_signals() -> threading.Event:
    stop = threading.Event()

    def handler(_number: int, _frame: FrameType | None) -> None:
        stop.set()

    for number in (signal.SIGTERM, signal.SIGINT):
        signal.signal(number, handler)
    return stop
