"""The process that sends orders: the only one that may."""

import asyncio
import contextlib
import logging
import signal
from typing import Any

from asgiref.sync import sync_to_async
from django.conf import settings
from django.core.management.base import BaseCommand
from django.db import DatabaseError, close_old_connections

from neuratrade.lib import clock
from trading.services import heartbeat
from trading.services.executor import Executor
from trading.types import Mode

log = logging.getLogger(__name__)

PROCESS = "execute_orders"
_BEAT_EVERY_S = 2.0


class Command(BaseCommand):
    help = "Sends approved orders and guards positions until told to stop; `neuratrade up` runs it."

    def handle(self, *args: Any, **options: Any) -> None:
        asyncio.run(_run())


async def _run() -> None:
    stop = asyncio.Event()
    for number in (signal.SIGTERM, signal.SIGINT):
        asyncio.get_running_loop().add_signal_handler(number, stop.set)
    executor = Executor(mode=Mode(settings.MODE))
    beat = asyncio.create_task(_beat(executor))
    try:
        await executor.run(stop=stop)
    finally:
        beat.cancel()
        with contextlib.suppress(asyncio.CancelledError):
            await beat


async def _beat(executor: Executor) -> None:
    while True:
        try:
            await sync_to_async(close_old_connections)()
            await sync_to_async(heartbeat.beat)(process=PROCESS, doing=executor.line(), at=clock.now())
        except DatabaseError as error:
            log.error("the heartbeat cannot be written (%s); trying again", " ".join(str(error).split()))
        await asyncio.sleep(_BEAT_EVERY_S)
