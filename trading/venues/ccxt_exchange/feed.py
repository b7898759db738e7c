"""Keeps one venue's streams alive and true: subscribes, checks every book, resynchronises, restarts what went silent.

ccxt reads the sockets and maintains the books; this feed watches it through a tap on its connections, so that an update costs no
task switch. Where the stream is down or an instrument is quiet, books are read over REST. ccxt alone would notice a silent
socket after nine minutes, and a reconnect between two calls not at all (shown by the tests).
"""

import asyncio
import logging
import random
import re
import time
from collections.abc import Awaitable, Callable
from dataclasses import dataclass
from typing import Any

from trading.venues.ccxt_exchange.checksum import kraken_checksum
from trading.venues.ccxt_exchange.mirror import Mirror, is_crossed, wake
from trading.venues.ccxt_exchange.streams import StreamTraits

log = logging.getLogger(__name__)

BOOKS, TRADES = "books", "trades"
_HASH = re.compile(r"^[A-Za-z]+[:@]+")  # what ccxt writes before the symbol: orderbook::, trade@ and the like


@dataclass(frozen=True, slots=True, kw_only=True)
class Patience:
    """How long what may take. A restart that brings nothing doubles `silent_s`, up to `max_silent_s`."""

    silent_s: float = 10.0
    max_silent_s: float = 120.0
    keep_s: float = 0.25
    watch_s: float = 15.0
    max_pause_s: float = 10.0


class Feed:
    """All watched instruments of one venue over one ccxt.pro client. `start` once, `stop` before the client closes."""

    def __init__(
        self, exchange: Any, *, venue: str, symbols: tuple[str, ...], traits: StreamTraits, patience: Patience
    ) -> None:
        self.venue = venue
        self.mirrors = {symbol: Mirror(symbol) for symbol in symbols}
        self._exchange = exchange
        self._traits = traits
        self._patience = patience
        self._silent_s = patience.silent_s
        self._restarted_s = time.monotonic()
        self.trade_losses = 0
        self._loss_number = 0
        self._lost = {kind: dict.fromkeys(symbols, 0) for kind in (BOOKS, TRADES)}
        self._trouble: dict[str, str] = {}
        self._tasks: set[asyncio.Task[None]] = set()
        exchange.desk_tap = self

    def start(self) -> None:
        """Begins to subscribe; needs the exchange's markets to be loaded. Again does nothing."""
        if self._tasks:
            return
        depth, exchange = self._traits.book_depth, self._exchange
        self._restarted_s = time.monotonic()
        self._spawn(self._keep(BOOKS, lambda symbols: exchange.watch_order_book_for_symbols(symbols, depth)))
        self._spawn(self._keep(TRADES, exchange.watch_trades_for_symbols))
        self._spawn(self._guard_silence())

    async def stop(self) -> None:
        tasks, self._tasks = self._tasks, set()
        for task in tasks:
            task.cancel()
        await asyncio.gather(*tasks, return_exceptions=True)

    def forget(self, symbol: str) -> None:
        """Stops watching an instrument that the venue does not list."""
        self.mirrors.pop(symbol, None)
        for lost in self._lost.values():
            lost.pop(symbol, None)

    def resync(self, mirror: Mirror, *, why: str) -> None:
        """Drops the instrument's book now and asks for a fresh snapshot; sooner again only after a growing pause."""
        if mirror.dead is not None and mirror.dead is mirror.book:
            return
        log.warning("%s %s: %s; dropping the book and reading a fresh one", self.venue, mirror.symbol, why)
        mirror.dead, mirror.doubts = mirror.book, 0
        mirror.resyncs += 1
        pause_s, mirror.resync_pause_s = mirror.resync_pause_s - 1.0, min(mirror.resync_pause_s * 2, 60.0)
        asyncio.get_running_loop().call_later(pause_s, self._resubscribe, mirror)

    def restart(self, *, why: str) -> None:
        """Ends every connection; the keepers dial again and subscribe to everything."""
        for mirror in self.mirrors.values():
            mirror.doubts = 0
        import ccxt

        log.warning("%s: %s; renewing the connection", self.venue, why)
        self._restarted_s = time.monotonic()
        for connection in list((self._exchange.clients or {}).values()):
            connection.on_error(ccxt.RequestTimeout(why))

    # --- the tap (trading.venues.ccxt_exchange.client.Tap) ------------------------------------------------------------

    def attach(self, connection: Any) -> None:
        import ccxt

        resolve, reject = connection.resolve, connection.reject

        def tapped_resolve(result: Any, message_hash: str | None) -> Any:
            self._on_result(result)
            return resolve(result, message_hash)

        def tapped_reject(error: Any, message_hash: str | None = None) -> Any:
            if message_hash is not None:
                self._on_reject(message_hash, is_gap=isinstance(error, ccxt.ChecksumError))
            return reject(error, message_hash)

        connection.resolve, connection.reject = tapped_resolve, tapped_reject

    def after_message(self, connection: Any, message: Any) -> None:
        if self._traits.has_checksum and isinstance(message, dict) and message.get("channel") == "book":
            for entry in message.get("data", ()):
                self._check_sum(entry)

    def on_disconnect(self) -> None:
        for kind in self._lost:
            self._lose(kind, *self.mirrors)
        for mirror in self.mirrors.values():
            if mirror.book is mirror.dead:
                mirror.book = None
            mirror.dead = None  # a new connection brings new snapshots, if into the same objects

    @property
    def has_all_trades(self) -> bool:
        """True while every instrument's trades are subscribed to and have been seen to come."""
        return not self._lost[TRADES]

    def _on_result(self, result: Any) -> None:
        if isinstance(result, dict) and "bids" in result:
            self._on_book(result)
        elif isinstance(result, list) and len(result) and isinstance(result[-1], dict):
            self._on_trades(result)

    def _on_book(self, book: Any) -> None:
        mirror = self.mirrors.get(book.get("symbol"))
        if mirror is None or book is mirror.dead:
            return
        mirror.messages += 1
        if is_crossed(book):
            mirror.book = book
            self.resync(mirror, why="crossed or empty book")
            return
        received_ms = time.time_ns() // 1_000_000
        mirror.accept(book, source="websocket", as_of_ms=book.get("timestamp"), received_ms=received_ms)

    def _on_trades(self, cache: Any) -> None:
        """Empties ccxt's cache at once: what exceeds its limit between two reads would be lost without a word."""
        for trade in cache:
            mirror = self.mirrors.get(trade.get("symbol"))
            if mirror is not None:
                mirror.messages += 1
                mirror.trades.append(trade)
                wake(mirror.trade_waiters)
        cache.clear()

    def _on_reject(self, message_hash: str, *, is_gap: bool) -> None:
        """ccxt found a gap, or a snapshot failed: it has dropped this subscription, and after a gap the book too."""
        symbol = _HASH.sub("", message_hash)
        mirror = self.mirrors.get(symbol)
        if mirror is not None:
            kind = TRADES if message_hash.startswith("trade") else BOOKS
            self._lose(kind, symbol)
            if is_gap:
                mirror.dead, mirror.resyncs = mirror.book, mirror.resyncs + 1

    def _check_sum(self, entry: Any) -> None:
        mirror = self.mirrors.get(entry.get("symbol"))
        expected = entry.get("checksum")
        book = self._exchange.orderbooks.get(entry.get("symbol"))
        if mirror is None or expected is None or book is None or book is mirror.dead:
            return
        info = self._exchange.markets[mirror.symbol]["info"]
        computed = kraken_checksum(
            asks=book["asks"],
            bids=book["bids"],
            price_decimals=int(info["pair_decimals"]),
            size_decimals=int(info["lot_decimals"]),
        )
        if computed is not None and computed != expected:
            mirror.book = book
            self.resync(mirror, why="the book's checksum does not match, an update was lost")

    # --- keeping ------------------------------------------------------------------------------------------------------

    async def _keep(self, kind: str, watch: Callable[[list[str]], Awaitable[Any]]) -> None:
        """Subscribes to what is missing; what is there already costs nothing. Never ends by itself."""
        pause_s, patience = patience_start(self._patience), self._patience
        while True:
            asked = dict(self._lost[kind])
            try:
                await asyncio.wait_for(watch(sorted(asked or self.mirrors)), patience.watch_s)
            except asyncio.CancelledError:
                if _is_being_cancelled():
                    raise
                await asyncio.sleep(
                    patience.keep_s
                )  # ccxt cancels the waiters of a connection that it closes
            except TimeoutError:
                self._note(kind, f"nothing came in {patience.watch_s:.0f} s")
            except Exception as error:  # noqa: BLE001 - ccxt raises whatever its parsers meet; the stream must live on
                self._note(kind, f"{type(error).__name__}: {str(error)[:200]}")
                await asyncio.sleep(pause_s * random.uniform(0.5, 1.0))
                pause_s = min(pause_s * 2, patience.max_pause_s)
            else:
                self._found(kind, asked)
                self._note(kind, "")
                pause_s = patience_start(patience)
                await asyncio.sleep(patience.keep_s)

    async def _guard_silence(self) -> None:
        """Restarts when nothing new has come from the stream for too long, by the venue's clock and by ours."""
        while True:
            await asyncio.sleep(min(1.0, self._silent_s / 4))
            silence_s = self.silence_s()
            if silence_s > self._silent_s:
                self._silent_s = min(self._silent_s * 2, self._patience.max_silent_s)
                self.restart(why=f"the stream has been silent for {silence_s:.0f} s")
            elif silence_s < self._patience.silent_s / 2 and self._is_streaming():
                self._silent_s = self._patience.silent_s

    def silence_s(self) -> float:
        """Seconds since the newest book of any instrument came by the stream, or since the last restart."""
        newest_s = max((mirror.streamed_s for mirror in self.mirrors.values()), default=0.0)
        return time.monotonic() - max(newest_s, self._restarted_s)

    def _is_streaming(self) -> bool:
        return any(mirror.streamed_s > self._restarted_s for mirror in self.mirrors.values())

    def _resubscribe(self, mirror: Mirror) -> None:
        """Makes ccxt forget one book so that the keeper subscribes to it again."""
        name = self._traits.book_hash.format(symbol=mirror.symbol)
        connection = next(
            (c for c in (self._exchange.clients or {}).values() if name and name in c.subscriptions), None
        )
        if connection is None:
            if mirror.symbol not in self._lost[BOOKS]:
                self.restart(why=f"{mirror.symbol} needs a fresh book")
            return
        connection.subscriptions.pop(name)
        if self._traits.unsubscribe:
            self._leave(connection, mirror)
        else:
            self._exchange.orderbooks.pop(mirror.symbol, None)
        self._lose(BOOKS, mirror.symbol)

    def _leave(self, connection: Any, mirror: Mirror) -> None:
        """Kraken: a place-holder takes the late updates until the snapshot makes a new book."""
        self._exchange.options.get("wsOrderBookDepths", {}).pop(mirror.symbol, None)
        mirror.dead = self._exchange.orderbooks[mirror.symbol] = self._exchange.order_book({})
        mirror.book = mirror.dead
        parameters = {"channel": "book", "symbol": [mirror.symbol], "depth": self._traits.book_depth}
        self._spawn(connection.send({"method": "unsubscribe", "params": parameters}))

    def _lose(self, kind: str, *symbols: str) -> None:
        """These subscriptions are gone; each loss has a number, so that one during a subscribe is not taken for mended."""
        self._loss_number += 1
        self.trade_losses += kind == TRADES
        self._lost[kind].update(dict.fromkeys(symbols, self._loss_number))

    def _found(self, kind: str, asked: dict[str, int]) -> None:
        """What was asked for has come, except what was lost again meanwhile."""
        self.trade_losses += kind == TRADES and bool(asked)
        for symbol, number in asked.items():
            if self._lost[kind].get(symbol) == number:
                del self._lost[kind][symbol]

    def _note(self, kind: str, trouble: str) -> None:
        """Logs a trouble once, and its end."""
        if trouble == self._trouble.get(kind, ""):
            return
        if trouble:
            log.warning("%s %s stream: %s; trying again", self.venue, kind, trouble)
        else:
            log.info("%s %s stream: data comes again", self.venue, kind)
        self._trouble[kind] = trouble

    def _spawn(self, work: Any) -> None:
        task = asyncio.ensure_future(work)
        self._tasks.add(task)
        task.add_done_callback(self._tasks.discard)


def patience_start(patience: Patience) -> float:
    """The first pause after an error; the next ones double."""
    return min(0.5, patience.max_pause_s)


def _is_being_cancelled() -> bool:
    task = asyncio.current_task()
    return task is not None and task.cancelling() > 0
