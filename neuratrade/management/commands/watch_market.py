"""The process that watches the markets: streams, candles, triggers."""

import asyncio
import logging
import signal
from datetime import datetime
from typing import Any

from asgiref.sync import sync_to_async
from django.core.management.base import BaseCommand
from django.db import DatabaseError

from neuratrade.lib import clock
from quests import pipeline
from quests.services import new_watchdog
from quests.types import Fired
from trading.models import Instrument
from trading.services import heartbeat, market
from trading.services.market_publish import Publisher
from trading.services.market_watch import Listeners, MarketWatch
from trading.types import Candle, Quote

log = logging.getLogger(__name__)

PROCESS = "watch_market"
_BEAT_EVERY_S = 2.0
_PRIME_CANDLES = 200


class Command(BaseCommand):
    help = "Streams every watched instrument until told to stop; `neuratrade up` runs it."

    def handle(self, *args: Any, **options: Any) -> None:
        asyncio.run(_run())


async def _run() -> None:
    stop = asyncio.Event()
    for number in (signal.SIGTERM, signal.SIGINT):
        asyncio.get_running_loop().add_signal_handler(number, stop.set)
    alarm = Alarm()
    await sync_to_async(alarm.prime)(at=clock.now())
    watch = MarketWatch(
        publisher=Publisher(), listeners=Listeners(on_quote=alarm.on_quote, on_candle=alarm.on_candle)
    )
    work = {
        asyncio.create_task(stop.wait()),
        asyncio.create_task(watch.run()),
        asyncio.create_task(alarm.run()),
        asyncio.create_task(_beat(watch, alarm)),
    }
    done, pending = await asyncio.wait(work, return_when=asyncio.FIRST_COMPLETED)
    for task in pending:
        task.cancel()
    await asyncio.gather(*pending, return_exceptions=True)
    for task in done:
        task.result()


async def _beat(watch: MarketWatch, alarm: "Alarm") -> None:
    while True:
        doing = f"{watch.line()}; {alarm.line()}"
        try:
            await sync_to_async(heartbeat.beat)(process=PROCESS, doing=doing, at=clock.now())
        except DatabaseError:
            log.exception("the heartbeat could not be written; trying again")
        await asyncio.sleep(_BEAT_EVERY_S)


class Alarm:
    """Hands the market to the watchdog's triggers, and what they fire to the quests, without holding up the streams."""

    def __init__(self) -> None:
        self._watchdog = new_watchdog()
        self._fired: asyncio.Queue[Fired] = asyncio.Queue()

    def prime(self, *, at: datetime) -> None:
        """Warms the triggers up with stored candles, so that a restart forgets nothing and fires nothing."""
        for instrument in Instrument.objects.filter(is_watched=True).select_related("venue"):
            bars = market.candles(instrument=instrument, timeframe="1m", before=at, limit=_PRIME_CANDLES)
            self._watchdog.prime(bars, venue=instrument.venue.name, symbol=instrument.symbol)

    def on_quote(self, quote: Quote) -> None:
        self._put(self._watchdog.on_quote(quote, at=quote.received_at))

    def on_candle(self, venue: str, symbol: str, candle: Candle) -> None:
        self._put(self._watchdog.on_candle(candle, venue=venue, symbol=symbol, at=clock.now()))

    def line(self) -> str:
        return self._watchdog.stats.line()

    def _put(self, fired: tuple[Fired, ...]) -> None:
        for one in fired:
            self._fired.put_nowait(one)

    async def run(self) -> None:
        while True:
            fired = await self._fired.get()
            log.info(
                "trigger=%s venue=%s symbol=%s value=%.4f",
                fired.trigger,
                fired.venue,
                fired.symbol,
                fired.value,
            )
            try:
                await sync_to_async(pipeline.wake)(fired, at=clock.now())
            except DatabaseError:
                log.exception("trigger=%s woke nothing; the streams go on", fired.trigger)
