"""The watcher of all venues: streams to Redis, minutes to SQL, health to everyone. One dead venue never stops another.

The process `watch_market` runs it. Reading what it writes: trading/services/market.py.
"""

import asyncio
import logging
import random
import time
from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Any

from asgiref.sync import sync_to_async
from django.db import DatabaseError

from neuratrade.lib import clock
from neuratrade.lib.clock import to_epoch_ms
from neuratrade.lib.plugins import discover
from trading.errors import ConfigurationError, VenueError
from trading.models import Instrument
from trading.protocols import MarketData, StreamStats, VenueConfig, VenueDriver
from trading.services import market_store
from trading.services.market import FRESH_S
from trading.services.market_candles import CandleKeeper
from trading.services.market_publish import Publisher
from trading.types import Candle, Quote

log = logging.getLogger(__name__)

_HEALTH_EVERY_S = 1.0
_STATUS_EVERY_S = 30.0
_QUOTES_TO_TRIGGERS_EVERY_S = 0.5
_PLAN_EVERY_S = 30.0
_FIRST_PAUSE_S = 1.0
_MAX_PAUSE_S = 60.0
_CLOSE_S = 2.0


@dataclass(frozen=True, slots=True, kw_only=True)
class VenuePlan:
    """What to watch at one venue; `instrument_ids` by symbol. Equal plans need no restart."""

    driver: str
    config: VenueConfig
    instrument_ids: dict[str, int]


@dataclass(slots=True, kw_only=True)
class Listeners:
    """Who else hears the market, inside the watcher's process: called in the event loop, so they must be quick."""

    on_quote: Callable[[Quote], None] = lambda quote: None
    on_candle: Callable[[str, str, Candle], None] = lambda venue, symbol, candle: None


def load_plans() -> dict[str, VenuePlan]:
    """Every enabled venue with at least one watched instrument, by name."""
    market_store.renew_connection()
    plans: dict[str, VenuePlan] = {}
    watched = Instrument.objects.filter(venue__is_enabled=True, is_watched=True).select_related("venue")
    by_venue: dict[str, list[Instrument]] = {}
    for instrument in watched.order_by("venue__name", "symbol"):
        by_venue.setdefault(instrument.venue.name, []).append(instrument)
    for name, instruments in by_venue.items():
        venue = instruments[0].venue
        config = VenueConfig(
            name=name,
            client=venue.client,
            symbols=tuple(instrument.symbol for instrument in instruments),
            options=venue.options,
        )
        ids = {instrument.symbol: instrument.pk for instrument in instruments}
        plans[name] = VenuePlan(driver=venue.driver, config=config, instrument_ids=ids)
    return plans


@dataclass(slots=True)
class _Rate:
    """Messages a second since the last look."""

    messages: int = 0
    at_s: float = field(default_factory=time.monotonic)
    per_s: float = 0.0

    def update(self, messages: int) -> float:
        now_s = time.monotonic()
        self.per_s = max(messages - self.messages, 0) / max(now_s - self.at_s, 0.001)
        self.messages, self.at_s = messages, now_s
        return self.per_s


class VenueWatch:
    """One venue, from a fresh client to its close; `run` ends only by an error or by being cancelled."""

    def __init__(
        self, plan: VenuePlan, *, data: MarketData, publisher: Publisher, listeners: Listeners
    ) -> None:
        self.plan = plan
        self.name = plan.config.name
        self._data = data
        self._publisher = publisher
        self._listeners = listeners
        self._rates = {symbol: _Rate() for symbol in plan.config.symbols}
        self._seen_ms: dict[str, int] = {}
        self._status = "unknown"

    async def run(self) -> None:
        specs = await self._data.instruments()
        await sync_to_async(market_store.refresh_specs)(specs, venue=self.name)
        ids = {spec.symbol: self.plan.instrument_ids[spec.symbol] for spec in specs}
        if not ids:
            raise ConfigurationError(f"{self.name} lists none of {', '.join(self.plan.config.symbols)}")
        keeper = CandleKeeper(
            self._data, venue=self.name, instrument_ids=ids, on_candle=self._on_candle, at=clock.now()
        )
        async with asyncio.TaskGroup() as group:
            for symbol in ids:
                group.create_task(self._quotes(symbol))
                group.create_task(self._books(symbol))
                group.create_task(self._trades(symbol, keeper))
            group.create_task(keeper.run())
            group.create_task(self._report())
            group.create_task(self._ask_status())

    def line(self) -> tuple[int, int, float]:
        """(fresh instruments, all instruments, messages a second)."""
        now_ms = to_epoch_ms(clock.now())
        fresh = sum(now_ms - seen_ms <= FRESH_S * 1000 for seen_ms in self._seen_ms.values())
        return fresh, len(self._rates), sum(rate.per_s for rate in self._rates.values())

    async def _quotes(self, symbol: str) -> None:
        told_s = 0.0
        async for quote in self._data.quotes(symbol):
            self._publisher.quote(quote)
            self._seen_ms[symbol] = to_epoch_ms(min(quote.as_of, quote.received_at))
            now_s = time.monotonic()
            if now_s - told_s >= _QUOTES_TO_TRIGGERS_EVERY_S:
                told_s = now_s
                self._listeners.on_quote(quote)

    async def _books(self, symbol: str) -> None:
        async for book in self._data.books(symbol):
            self._publisher.book(book)

    async def _trades(self, symbol: str, keeper: CandleKeeper) -> None:
        async for trades in self._data.trades(symbol):
            keeper.add_trades(symbol, trades)
            self._publisher.trades(trades)

    def _on_candle(self, symbol: str, candle: Candle) -> None:
        self._publisher.candle(candle, venue=self.name, symbol=symbol, timeframe="1m")
        self._listeners.on_candle(self.name, symbol, candle)

    async def _report(self) -> None:
        while True:
            for symbol in self._rates:
                self._publisher.health(venue=self.name, symbol=symbol, report=self._health(symbol))
            await asyncio.sleep(_HEALTH_EVERY_S)

    def _health(self, symbol: str) -> dict[str, Any]:
        stats: StreamStats = self._data.stats(symbol)
        is_degraded = self._status == "maintenance" or stats.source == "rest"
        return {
            "seen_ms": self._seen_ms.get(symbol),
            "reported_ms": to_epoch_ms(clock.now()),
            "source": stats.source,
            "messages_per_s": round(self._rates[symbol].update(stats.messages), 1),
            "status": "degraded" if is_degraded else self._status,
        }

    async def _ask_status(self) -> None:
        """The venue's word on itself; a change is logged once."""
        while True:
            try:
                status = await self._data.status()
            except VenueError as error:
                log.debug("%s does not tell its status: %s", self.name, error)
                status = "unknown"
            if status != self._status and "maintenance" in {status, self._status}:
                log.warning("%s: the venue says: %s", self.name, status)
            self._status = status
            await asyncio.sleep(_STATUS_EVERY_S)


class MarketWatch:
    """All venues of the database; picks up changes of what is to be watched every half minute."""

    def __init__(self, *, publisher: Publisher, listeners: Listeners) -> None:
        self._publisher = publisher
        self._listeners = listeners
        self._drivers: dict[str, VenueDriver] = discover("trading.venues", "VENUE")
        self._tasks: dict[str, asyncio.Task[None]] = {}
        self._plans: dict[str, VenuePlan] = {}
        self._watches: dict[str, VenueWatch] = {}

    async def run(self) -> None:
        flushing = asyncio.create_task(self._publisher.run())
        try:
            while True:
                try:
                    await self._follow(await sync_to_async(load_plans)())
                except DatabaseError:
                    log.exception("what to watch could not be read; the streams go on as they are")
                await asyncio.wait({flushing}, timeout=_PLAN_EVERY_S)
                if flushing.done():
                    flushing.result()
        finally:
            flushing.cancel()
            for name in list(self._tasks):
                await self._end(name)
            await self._publisher.aclose()

    def line(self) -> str:
        """One line on what is going on, for the heartbeat."""
        if not self._plans:
            return "no venue to watch; add one with watched instruments"
        parts = []
        for name in self._plans:
            watch = self._watches.get(name)
            if watch is None:
                parts.append(f"{name} is down")
            else:
                fresh, count, per_s = watch.line()
                parts.append(f"{name} {fresh}/{count} fresh, {per_s:.0f} messages/s")
        return "; ".join(parts)

    async def _follow(self, plans: dict[str, VenuePlan]) -> None:
        for name in [name for name in self._plans if plans.get(name) != self._plans[name]]:
            log.info("%s: what is watched there has changed; starting it anew", name)
            await self._end(name)
        self._plans = plans
        for name, plan in plans.items():
            if name not in self._tasks:
                self._tasks[name] = asyncio.create_task(self._supervise(plan))

    async def _end(self, name: str) -> None:
        task = self._tasks.pop(name)
        task.cancel()
        await asyncio.gather(task, return_exceptions=True)

    async def _supervise(self, plan: VenuePlan) -> None:
        """Runs one venue again and again, with growing pauses; what goes wrong there stays there."""
        name, pause_s = plan.config.name, _FIRST_PAUSE_S
        while True:
            started_s = time.monotonic()
            try:
                await self._run_once(plan)
            except Exception as error:  # whatever one venue does, the others go on
                log.warning("%s: %s; starting it again in %.0f s", name, _reason(error), pause_s)
                log.debug("%s", name, exc_info=error)
            finally:
                self._watches.pop(name, None)
            if time.monotonic() - started_s > _MAX_PAUSE_S:
                pause_s = _FIRST_PAUSE_S
            await asyncio.sleep(pause_s * random.uniform(0.8, 1.2))
            pause_s = min(pause_s * 2, _MAX_PAUSE_S)

    async def _run_once(self, plan: VenuePlan) -> None:
        driver = self._drivers.get(plan.driver)
        if driver is None:
            known = ", ".join(sorted(self._drivers))
            raise ConfigurationError(
                f"there is no driver {plan.driver!r}; correct the venue's driver to one of: {known}"
            )
        data = driver.market_data(plan.config)
        try:
            self._watches[plan.config.name] = watch = VenueWatch(
                plan, data=data, publisher=self._publisher, listeners=self._listeners
            )
            await watch.run()
        finally:
            try:
                await asyncio.wait_for(data.close(), _CLOSE_S)
            except TimeoutError:
                log.debug("%s: the connection did not close in time; left to the system", plan.config.name)


def _reason(error: BaseException) -> str:
    """The first real error, in one line, also out of a group of tasks."""
    while isinstance(error, BaseExceptionGroup):
        error = error.exceptions[0]
    text = " ".join(str(error).split())[:200]
    return text if isinstance(error, VenueError | ConfigurationError) else f"{type(error).__name__}: {text}"
