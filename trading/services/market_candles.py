"""Keeps one venue's minutes complete: built from trades when they end, corrected and back-filled over REST.

A minute that was not seen whole (start, lost connection, data over REST) is never built: REST answers for it seconds later.
"""

import asyncio
import logging
import random
import time
from collections.abc import Callable, Mapping, Sequence
from datetime import datetime, timedelta

from asgiref.sync import sync_to_async
from django.db import DatabaseError

from neuratrade.lib import clock, ratelimit
from trading.errors import ConfigurationError, InvalidValueError, RateLimitedError, VenueError
from trading.protocols import MarketData
from trading.services import market_lookback, market_store
from trading.services.market_bars import MINUTE, MinuteBuilder, fill_flat, floor
from trading.services.market_lookback import Lookback
from trading.types import Candle, PublicTrade

log = logging.getLogger(__name__)

HISTORY_MINUTES = 500
CLOSE_AFTER = timedelta(seconds=1.5)
_CHECK_EVERY_S = 300.0
_CHECK_BACK = 10 * MINUTE
_RETRY_S = 10.0
_DATABASE_RETRY_S = 2.0
_LOOK_EVERY_S = 0.5

OnCandle = Callable[[str, Candle], None]


class CandleKeeper:
    """One venue's candles. Feed it `trades`, keep `run` going; `on_candle(symbol, candle)` sees each new minute once, in order."""

    def __init__(
        self,
        data: MarketData,
        *,
        venue: str,
        instrument_ids: dict[str, int],
        on_candle: OnCandle,
        at: datetime,
    ) -> None:
        self._data = data
        self._venue = venue
        self._ids = instrument_ids
        self._on_candle = on_candle
        self._builders = {symbol: MinuteBuilder.starting(at) for symbol in instrument_ids}
        self._sync_due_s = dict.fromkeys(instrument_ids, 0.0)
        self._losses = dict.fromkeys(instrument_ids, 0)
        self._lookback = Lookback(data, instrument_ids=instrument_ids)
        self._told: dict[str, datetime] = {}
        self._trouble: set[str] = set()
        self.synced: dict[str, int] = {}

    @property
    def is_troubled(self) -> bool:
        """Whether any instrument's candles could not be read or stored at the last try."""
        return bool(self._trouble)

    def add_trades(self, symbol: str, trades: Sequence[PublicTrade]) -> None:
        builder = self._builders[symbol]
        for trade in trades:
            builder.add(trade)

    async def run(self) -> None:
        async with asyncio.TaskGroup() as group:
            group.create_task(self._close_minutes())
            group.create_task(self._sync_forever())

    async def _close_minutes(self) -> None:
        """Just after each minute: stores what the trades say, all instruments in one transaction."""
        next_at = floor(clock.now(), length=MINUTE) + MINUTE + CLOSE_AFTER
        while True:
            await asyncio.sleep(_LOOK_EVERY_S)
            at = clock.now()
            for symbol in self._builders:
                self._notice_losses(symbol, at=at)
            if at >= next_at:
                next_at = floor(at, length=MINUTE) + MINUTE + CLOSE_AFTER
                await self._store_or_leave(self._close(at=at))

    def _close(self, *, at: datetime) -> dict[int, Sequence[Candle]]:
        """The whole minutes that ended; instruments without one are due for REST."""
        batch: dict[int, Sequence[Candle]] = {}
        for symbol, builder in self._builders.items():
            minutes = builder.close(until=at - CLOSE_AFTER)
            if minutes:
                batch[self._ids[symbol]] = minutes
                self._tell(symbol, minutes)
            else:
                self._sync_due_s[symbol] = 0.0
        return batch

    async def _sync_forever(self) -> None:
        while True:
            symbol = min(self._sync_due_s, key=lambda name: self._sync_due_s[name])
            pause_s = self._sync_due_s[symbol] - time.monotonic()
            if pause_s > 0:
                await asyncio.sleep(min(pause_s, 1.0))
                continue
            try:
                await self.sync(symbol, at=clock.now())
            except DatabaseError as error:
                self._note(symbol, error)
                self._sync_due_s[symbol] = time.monotonic() + _DATABASE_RETRY_S
            except VenueError as error:
                self._note(symbol, error)
                wait_s = error.retry_after_s if isinstance(error, RateLimitedError) else _RETRY_S
                self._sync_due_s[symbol] = time.monotonic() + wait_s
            else:
                self._trouble.discard(symbol)
                self._sync_due_s[symbol] = time.monotonic() + _CHECK_EVERY_S * random.uniform(0.8, 1.2)

    async def sync(self, symbol: str, *, at: datetime) -> int:
        """Reads the venue's own minutes since the oldest gap (or the last ten) and stores what differs; returns how many did.

        Longer candles that strategies need follow. Raises VenueError when the minutes cannot be read.
        """
        end = floor(at, length=MINUTE)
        needs = await _sql(market_lookback.needed)()
        start = end - max(HISTORY_MINUTES, needs.get("1m", 0)) * MINUTE
        missing = await _sql(market_store.missing_since)(self._ids[symbol], start=start, end=end)
        since = min(missing or end, end - _CHECK_BACK)
        limit = (end - since) // MINUTE + 1
        with ratelimit.lane(max_wait_s=60.0):
            fetched = await self._data.fetch_candles(symbol, timeframe="1m", since=since, limit=limit)
        minutes = fill_flat([candle for candle in fetched if since <= candle.open_time < end])
        changed = await self._store({self._ids[symbol]: minutes})
        self.synced[symbol] = self.synced.get(symbol, 0) + changed
        if minutes:
            self._builders[symbol].heal(minutes[-1])
            self._tell(symbol, minutes[-1:])
        if changed > 1:
            log.info("%s %s: %d candles filled or corrected over REST", self._venue, symbol, changed)
        await self._look_back(symbol, needs=needs, at=at)
        return changed

    async def _look_back(self, symbol: str, *, needs: Mapping[str, int], at: datetime) -> None:
        """A venue that does not give them costs no minute: strategies wait, and it is asked again at the next check."""
        try:
            filled = await self._lookback.fill(symbol, needs=needs, at=at)
        except (VenueError, ConfigurationError, InvalidValueError) as error:
            log.warning(
                "%s %s: the longer candles that strategies need are not read (%s)", self._venue, symbol, error
            )
            return
        if filled:
            log.info("%s %s: %d longer candles filled over REST, for strategies", self._venue, symbol, filled)

    def _notice_losses(self, symbol: str, *, at: datetime) -> None:
        """Where trades may have been lost, the minutes touched are left to REST, which answers once they have ended."""
        stats = self._data.stats(symbol)
        if stats.losses != self._losses[symbol] or not stats.has_all_trades:
            self._losses[symbol] = stats.losses
            self._builders[symbol].interrupt(at=at)

    def _tell(self, symbol: str, minutes: Sequence[Candle]) -> None:
        for candle in minutes:
            if candle.open_time > self._told.get(symbol, candle.open_time - MINUTE):
                self._told[symbol] = candle.open_time
                self._on_candle(symbol, candle)

    async def _store(self, batch: dict[int, Sequence[Candle]]) -> int:
        if not batch:
            return 0
        return await _sql(market_store.store)(batch)

    async def _store_or_leave(self, batch: dict[int, Sequence[Candle]]) -> None:
        """Minutes that the database does not take now are gaps that REST fills later; the streams go on."""
        try:
            await self._store(batch)
        except DatabaseError as error:
            for symbol in self._builders:
                self._note(symbol, error)
                self._sync_due_s[symbol] = time.monotonic() + _DATABASE_RETRY_S

    def _note(self, symbol: str, error: Exception) -> None:
        if symbol not in self._trouble:
            self._trouble.add(symbol)
            log.warning("%s %s: candles cannot be kept (%s); trying again", self._venue, symbol, error)


_sql = sync_to_async  # thread-sensitive: Django's connection stays in one thread
