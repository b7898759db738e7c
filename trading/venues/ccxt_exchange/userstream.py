"""The account's own stream, as hints: whoever hears one reads over REST. ccxt reconnects in silence, so a new connection is one, too."""

import asyncio
import logging
from collections.abc import AsyncIterator, Awaitable, Callable
from typing import Any

from trading.errors import VenueUnavailableError
from trading.venues.ccxt_exchange.wire import one_line

log = logging.getLogger(__name__)

_RECONNECT_S = 1.0
_LONGEST_RECONNECT_S = 30.0


class UserStream:
    def __init__(self, exchange: Any, *, venue: str) -> None:
        self._exchange, self._venue = exchange, venue
        self._stirred = asyncio.Event()
        connected = exchange.on_connected

        def reconnected(*arguments: Any) -> None:
            connected(*arguments)
            self._stirred.set()

        exchange.on_connected = reconnected

    async def changes(self) -> AsyncIterator[None]:
        """Yields after every message about orders or balances and after every reconnect; many at once count as one."""
        watchers = [
            asyncio.create_task(self._watch(self._exchange.watch_orders)),
            asyncio.create_task(self._watch(self._exchange.watch_balance)),
        ]
        try:
            while True:
                await self._stirred.wait()
                self._stirred.clear()
                yield None
        finally:
            for watcher in watchers:
                watcher.cancel()
            await asyncio.gather(*watchers, return_exceptions=True)

    async def _watch(self, watch: Callable[[], Awaitable[Any]]) -> None:
        """A stream that ends is opened again, with growing patience."""
        import ccxt

        pause_s = _RECONNECT_S
        while True:
            try:
                await watch()
                pause_s = _RECONNECT_S
            except (ccxt.BaseError, VenueUnavailableError, OSError) as error:
                log.warning(
                    "%s: the account's stream ended (%s); opening it again", self._venue, one_line(error)
                )
                self._stirred.set()
                await asyncio.sleep(pause_s)
                pause_s = min(pause_s * 2, _LONGEST_RECONNECT_S)
            self._stirred.set()
