"""Reads books over REST while their stream is down or quiet, and doubts a stream that differs from REST twice in a row."""

import asyncio
import logging
import time
from typing import Any

from neuratrade.lib import ratelimit
from trading.errors import RateLimitedError, VenueError
from trading.venues.ccxt_exchange.convert import venue_error
from trading.venues.ccxt_exchange.feed import Feed
from trading.venues.ccxt_exchange.mirror import Mirror, is_crossed

log = logging.getLogger(__name__)

_DEPTH = 20
_MAX_PAUSE_S = 30.0


class RestFallback:
    """One loop per venue: the oldest book first, within the request budget."""

    def __init__(self, exchange: Any, *, feed: Feed, after_s: float) -> None:
        self._exchange = exchange
        self._feed = feed
        self._after_s = after_s

    async def run(self) -> None:
        pause_s = 0.5
        while True:
            try:
                await self._read_the_old()
            except RateLimitedError as error:
                await asyncio.sleep(min(error.retry_after_s, _MAX_PAUSE_S))
            except VenueError as error:
                log.debug("%s: no book over REST either: %s", self._feed.venue, error)
                await asyncio.sleep(pause_s)
                pause_s = min(pause_s * 2, _MAX_PAUSE_S)
            else:
                pause_s = 0.5
            await asyncio.sleep(self._after_s / 6)

    async def _read_the_old(self) -> None:
        mirrors = sorted(self._feed.mirrors.values(), key=lambda mirror: mirror.fresh_s)
        for mirror in mirrors:
            if mirror.is_believed and mirror.age_s() <= self._after_s:
                return
            await self.read(mirror)

    async def read(self, mirror: Mirror) -> None:
        """One book over REST, as of the moment we asked. Raises VenueError."""
        asked_ms, seen = time.time_ns() // 1_000_000, mirror.version
        try:
            with ratelimit.lane(max_wait_s=2.0):
                book = await self._exchange.fetch_order_book(mirror.symbol, _limit(self._exchange.id))
        except Exception as error:
            raise venue_error(error, venue=self._feed.venue) from error
        if is_crossed(book) or mirror.version != seen:
            return
        self._compare(mirror, book)
        mirror.accept(book, source="rest", as_of_ms=book.get("timestamp") or asked_ms, received_ms=asked_ms)

    def _compare(self, mirror: Mirror, book: Any) -> None:
        """A live stream that is merely quiet shows the same best prices; a frozen one does not."""
        live = self._exchange.orderbooks.get(mirror.symbol)
        if live is None or live is mirror.dead or is_crossed(live):
            return
        is_same = live["bids"][0][0] == book["bids"][0][0] and live["asks"][0][0] == book["asks"][0][0]
        mirror.doubts = 0 if is_same else mirror.doubts + 1
        if mirror.doubts >= 2 and self._feed.silence_s() > self._after_s:
            self._feed.restart(why="the stream is silent but REST shows other prices")
        elif mirror.doubts >= 2:
            mirror.book = live
            self._feed.resync(mirror, why="the stream is quiet but REST shows other prices")


def _limit(client_id: str) -> int | None:
    return _DEPTH if client_id in {"binance", "kraken"} else None
