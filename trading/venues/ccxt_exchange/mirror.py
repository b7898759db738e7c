"""One instrument's newest data inside a feed, and the way its consumers wait for what is newer."""

import asyncio
import time
from dataclasses import dataclass, field
from typing import Any


@dataclass(slots=True)
class Mirror:
    """`book` is ccxt's own live object (or a REST answer): read it at once, never hand it on.

    `version` grows with every accepted book. `dead` is a book object that failed a check and must not be believed again.
    """

    symbol: str
    book: Any = None
    source: str = "websocket"
    version: int = 0
    messages: int = 0
    resyncs: int = 0
    as_of_ms: int = 0
    received_ms: int = 0
    streamed_s: float = 0.0
    fresh_s: float = 0.0
    dead: Any = None
    doubts: int = 0
    resync_pause_s: float = 1.0
    trades: list[Any] = field(default_factory=list)
    waiters: list[asyncio.Future[None]] = field(default_factory=list)
    trade_waiters: list[asyncio.Future[None]] = field(default_factory=list)

    def accept(self, book: Any, *, source: str, as_of_ms: int | None, received_ms: int) -> None:
        """Takes in a checked book and wakes who waits for it; a stream that lags behind REST waits until it has caught up."""
        if source == "websocket" and self.source == "rest" and (as_of_ms or received_ms) < self.as_of_ms:
            return
        self.book, self.source = book, source
        self.as_of_ms, self.received_ms = as_of_ms or received_ms, received_ms
        self.fresh_s = time.monotonic() - max(received_ms - self.as_of_ms, 0) / 1000
        if source == "websocket":
            self.streamed_s = self.fresh_s
        self.version += 1
        wake(self.waiters)

    def age_s(self) -> float:
        """Seconds since the older of the venue's time and our receipt of the newest book."""
        return time.monotonic() - self.fresh_s

    @property
    def is_believed(self) -> bool:
        return self.book is not None and self.book is not self.dead


def wake(waiters: list[asyncio.Future[None]]) -> None:
    for waiter in waiters:
        if not waiter.done():
            waiter.set_result(None)
    waiters.clear()


async def wait(waiters: list[asyncio.Future[None]]) -> None:
    """Returns at the next `wake`."""
    waiter: asyncio.Future[None] = asyncio.get_running_loop().create_future()
    waiters.append(waiter)
    await waiter


def is_crossed(book: Any) -> bool:
    """True when the best bid is not below the best ask, or a side is empty: no such book exists on a venue that matches."""
    bids, asks = book["bids"], book["asks"]
    return not bids or not asks or bool(bids[0][0] >= asks[0][0])
