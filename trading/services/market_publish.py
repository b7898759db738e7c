"""Writes market data to Redis in batches. Newest values are conflated between two flushes, so a fast market cannot flood it.

When Redis is away the streams go on and what was pending is dropped: the newest value is the only one that counts.
"""

import asyncio
import logging
import time
from collections.abc import Sequence
from typing import TYPE_CHECKING

import orjson
from redis.exceptions import RedisError

from neuratrade.lib import redis as bus
from neuratrade.lib.clock import to_epoch_ms
from trading.services import market_wire
from trading.types import Candle, OrderBook, PublicTrade, Quote

if TYPE_CHECKING:
    import redis.asyncio

log = logging.getLogger(__name__)

FLUSH_EVERY_S = 0.02
TRADES_KEPT = 1_000
PRICES_KEPT_MS = 2 * 3_600_000
_PRICE_EVERY_MS = 1_000
_TRIM_EVERY_S = 60.0
_REDIS_TIMEOUT_S = 2.0
_RETRY_S = 1.0


class Publisher:
    """For one event loop: fill it from anywhere in the loop, keep `run` going, and close it."""

    def __init__(self) -> None:
        self._redis: redis.asyncio.Redis = bus.async_client(timeout_s=_REDIS_TIMEOUT_S)
        self._latest: dict[str, bytes] = {}
        self._newest: dict[str, bytes] = {}
        self._messages: list[tuple[str, bytes]] = []
        self._trades: dict[str, list[bytes]] = {}
        self._prices: dict[str, tuple[int, str]] = {}
        self._priced_ms: dict[str, int] = {}
        self._price_keys: set[str] = set()
        self._trim_at_s = time.monotonic() + _TRIM_EVERY_S
        self._is_away = False
        self.flushed = 0

    def quote(self, quote: Quote) -> None:
        venue, symbol = quote.venue, quote.symbol
        payload = market_wire.dump_quote(quote)
        self._newest[bus.market_channel(venue=venue, symbol=symbol, kind="ticker")] = payload
        self._latest[bus.latest_key(venue=venue, symbol=symbol, kind="quote")] = payload
        key, at_ms = bus.prices_key(venue=venue, symbol=symbol), to_epoch_ms(quote.received_at)
        if at_ms - self._priced_ms.get(key, 0) >= _PRICE_EVERY_MS:
            self._priced_ms[key] = at_ms
            self._prices[key] = (at_ms, market_wire.text(quote.mid))

    def book(self, book: OrderBook) -> None:
        payload = market_wire.dump_book(book)
        self._newest[bus.market_channel(venue=book.venue, symbol=book.symbol, kind="book")] = payload
        self._latest[bus.latest_key(venue=book.venue, symbol=book.symbol, kind="book")] = payload

    def trades(self, trades: Sequence[PublicTrade]) -> None:
        """Trades of one instrument, oldest first."""
        venue, symbol = trades[0].venue, trades[0].symbol
        rows = [market_wire.trade_row(trade) for trade in trades]
        channel = bus.market_channel(venue=venue, symbol=symbol, kind="trades")
        self._messages.append((channel, orjson.dumps(rows)))
        kept = self._trades.setdefault(bus.trades_key(venue=venue, symbol=symbol), [])
        kept.extend(orjson.dumps(row) for row in rows)
        del kept[:-TRADES_KEPT]

    def candle(self, candle: Candle, *, venue: str, symbol: str, timeframe: str) -> None:
        channel = bus.market_channel(venue=venue, symbol=symbol, kind="candles")
        self._messages.append((channel, market_wire.dump_candle(candle, timeframe=timeframe)))

    def health(self, *, venue: str, symbol: str, report: dict[str, object]) -> None:
        self._latest[bus.latest_key(venue=venue, symbol=symbol, kind="health")] = orjson.dumps(report)

    async def run(self) -> None:
        """Flushes until cancelled."""
        while True:
            await asyncio.sleep(FLUSH_EVERY_S)
            await self.flush()

    async def flush(self) -> None:
        """Sends everything pending in one round trip; nothing pending costs nothing."""
        pipe = self._pipeline()
        if pipe is None:
            return
        try:
            await pipe.execute()
        except (RedisError, OSError) as error:
            if not self._is_away:
                log.warning(
                    "Redis is away (%s); the streams go on, nothing is published until it is back", error
                )
            self._is_away = True
            await asyncio.sleep(_RETRY_S)
            return
        if self._is_away:
            log.info("Redis is back; publishing again")
            self._is_away = False

    async def aclose(self) -> None:
        await self._redis.aclose()

    def _pipeline(self) -> "redis.asyncio.client.Pipeline | None":
        if not self._latest and not self._messages and not self._trades:
            return None
        pipe = self._redis.pipeline(transaction=False)
        latest, self._latest = self._latest, {}
        newest, self._newest = self._newest, {}
        messages, self._messages = self._messages, []
        trades, self._trades = self._trades, {}
        prices, self._prices = self._prices, {}
        if latest:
            pipe.mset(latest)
        for channel, payload in newest.items():
            pipe.publish(channel, payload)
        for channel, payload in messages:
            pipe.publish(channel, payload)
        for key, rows in trades.items():
            pipe.lpush(key, *rows)
            pipe.ltrim(key, 0, TRADES_KEPT - 1)
        for key, (at_ms, price) in prices.items():
            self._price_keys.add(key)
            pipe.zadd(key, {f"{at_ms}:{price}": at_ms})
        self._trim(pipe)
        self.flushed += len(newest) + len(messages)
        return pipe

    def _trim(self, pipe: "redis.asyncio.client.Pipeline") -> None:
        """Old prices leave once a minute."""
        if time.monotonic() < self._trim_at_s:
            return
        self._trim_at_s = time.monotonic() + _TRIM_EVERY_S
        for key in self._price_keys:
            pipe.zremrangebyscore(key, "-inf", self._priced_ms[key] - PRICES_KEPT_MS)
