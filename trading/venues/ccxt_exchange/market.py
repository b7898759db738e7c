"""Market data of one ccxt exchange: one connection, local books, trades, REST for what streams cannot give."""

import asyncio
import logging
import time
from collections.abc import AsyncIterator, Sequence
from datetime import datetime
from typing import Any

from neuratrade.lib import clock
from trading.errors import ConfigurationError, InvalidValueError
from trading.protocols import StreamStats, VenueConfig
from trading.types import Candle, InstrumentSpec, OrderBook, PublicTrade, Quote
from trading.venues.ccxt_exchange import convert
from trading.venues.ccxt_exchange.client import make_client
from trading.venues.ccxt_exchange.fallback import RestFallback
from trading.venues.ccxt_exchange.feed import Feed, Patience
from trading.venues.ccxt_exchange.mirror import Mirror, wait
from trading.venues.ccxt_exchange.streams import traits_of

log = logging.getLogger(__name__)

PUBLISHED_DEPTH = 20
_QUOTE_EVERY_S = 0.05
_BOOK_EVERY_S = 0.2
_TRADES_EVERY_S = 0.05
_REST_AFTER_S = 3.0


class CcxtMarketData:
    """See trading.protocols.MarketData. Quotes and books are conflated: the newest counts; trades are complete.

    For one event loop; close it with `close()`. Every read raises VenueUnavailableError (or its RateLimitedError) when it fails.
    """

    def __init__(
        self, config: VenueConfig, *, patience: Patience | None = None, rest_after_s: float = _REST_AFTER_S
    ) -> None:
        self._config = config
        self._traits = traits_of(config.client)
        self._exchange = make_client(_with_traits(config), None)
        # Some exchanges' book handlers negate prices, which text does not allow; `convert.exact` undoes the float.
        self._exchange.number = float
        self._feed = Feed(
            self._exchange,
            venue=config.name,
            symbols=config.symbols,
            traits=self._traits,
            patience=patience or Patience(),
        )
        self._fallback = RestFallback(self._exchange, feed=self._feed, after_s=rest_after_s)
        self._started: asyncio.Task[None] | None = None
        self._rest: asyncio.Task[None] | None = None

    async def instruments(self) -> Sequence[InstrumentSpec]:
        """The venue's spot instruments among the configured symbols; one that cannot be traded is left out and logged."""
        await self._read(self._exchange.load_markets(True))  # noqa: FBT003 - ccxt's reload flag
        specs = []
        for symbol in self._config.symbols:
            market = self._exchange.markets.get(symbol)
            if market is None:
                log.warning("%s lists no %s; it is not watched", self._config.name, symbol)
                continue
            try:
                specs.append(
                    convert.instrument_of(
                        market, venue=self._config.name, precision_mode=self._exchange.precisionMode
                    )
                )
            except InvalidValueError as error:
                log.warning("%s", error)
        self._drop_unlisted()
        return specs

    async def quotes(self, symbol: str) -> AsyncIterator[Quote]:
        async for mirror in self._changes(symbol, every_s=_QUOTE_EVERY_S):
            quote = self._quote(mirror)
            if quote is not None:
                yield quote

    async def books(self, symbol: str) -> AsyncIterator[OrderBook]:
        async for mirror in self._changes(symbol, every_s=_BOOK_EVERY_S):
            book = self._book(mirror)
            if book is not None:
                yield book

    async def trades(self, symbol: str) -> AsyncIterator[Sequence[PublicTrade]]:
        """Every trade once, in the venue's order, in small groups."""
        mirror = await self._mirror(symbol)
        while True:
            if not mirror.trades:
                await wait(mirror.trade_waiters)
            raw, mirror.trades = mirror.trades, []
            trades = []
            for trade in raw:
                try:
                    trades.append(convert.trade_of(trade, venue=self._config.name))
                except InvalidValueError as error:
                    log.warning("%s; left out", error)
            if trades:
                yield trades
            await asyncio.sleep(_TRADES_EVERY_S)

    async def fetch_book(self, symbol: str) -> OrderBook:
        asked_ms = time.time_ns() // 1_000_000
        book = await self._read(self._exchange.fetch_order_book(symbol, PUBLISHED_DEPTH))
        return convert.book_of(
            book,
            venue=self._config.name,
            symbol=symbol,
            depth=PUBLISHED_DEPTH,
            as_of_ms=book.get("timestamp") or asked_ms,
            received_ms=asked_ms,
        )

    async def fetch_candles(
        self, symbol: str, *, timeframe: str, since: datetime | None, limit: int
    ) -> Sequence[Candle]:
        offered = self._exchange.timeframes or {}
        if offered and timeframe not in offered:
            raise ConfigurationError(
                f"{self._config.name} has no {timeframe} candles; it has {', '.join(offered)}"
            )
        since_ms = None if since is None else clock.to_epoch_ms(since)
        rows = await self._read(self._exchange.fetch_ohlcv(symbol, timeframe, since_ms, limit))
        return convert.candles_of(rows, timeframe=timeframe, at=clock.now())

    async def symbols(self) -> Sequence[str]:
        if not self._exchange.markets:
            await self._read(self._exchange.load_markets())
        return list(self._exchange.markets)

    async def status(self) -> str:
        if not self._exchange.has.get("fetchStatus"):
            return "unknown"
        answer = await self._read(self._exchange.fetch_status())
        return "ok" if answer.get("status") == "ok" else "maintenance"

    def stats(self, symbol: str) -> StreamStats:
        mirror = self._feed.mirrors.get(symbol)
        if mirror is None:
            return StreamStats(source="none", messages=0, resyncs=0, losses=0, has_all_trades=False)
        return StreamStats(
            source=mirror.source if mirror.version else "none",
            messages=mirror.messages,
            resyncs=mirror.resyncs,
            losses=self._feed.trade_losses,
            has_all_trades=self._feed.has_all_trades,
        )

    async def close(self) -> None:
        for task in (self._rest, self._started):
            if task is not None:
                task.cancel()
                await asyncio.gather(task, return_exceptions=True)
        await self._feed.stop()
        await self._exchange.close()

    async def _changes(self, symbol: str, *, every_s: float) -> AsyncIterator[Mirror]:
        """The instrument's mirror whenever it holds a newer, believed book; at most once every `every_s`."""
        mirror = await self._mirror(symbol)
        seen, next_s = 0, 0.0
        while True:
            if mirror.version == seen:
                await wait(mirror.waiters)
            pause_s = next_s - time.monotonic()
            if pause_s > 0:
                await asyncio.sleep(pause_s)
            seen, next_s = mirror.version, time.monotonic() + every_s
            if mirror.is_believed:
                yield mirror

    def _quote(self, mirror: Mirror) -> Quote | None:
        book = mirror.book
        try:
            return convert.quote_of(
                venue=self._config.name,
                symbol=mirror.symbol,
                bid=book["bids"][0],
                ask=book["asks"][0],
                as_of_ms=mirror.as_of_ms,
                received_ms=mirror.received_ms,
            )
        except (InvalidValueError, IndexError) as error:
            self._feed.resync(mirror, why=f"unusable quote ({error})")
            return None

    def _book(self, mirror: Mirror) -> OrderBook | None:
        try:
            return convert.book_of(
                mirror.book,
                venue=self._config.name,
                symbol=mirror.symbol,
                depth=PUBLISHED_DEPTH,
                as_of_ms=mirror.as_of_ms,
                received_ms=mirror.received_ms,
            )
        except InvalidValueError as error:
            self._feed.resync(mirror, why=f"unusable book ({error})")
            return None

    async def _mirror(self, symbol: str) -> Mirror:
        """The instrument's mirror, with the feed running. Raises ConfigurationError for an instrument that is not watched."""
        if self._started is None:
            self._started = asyncio.create_task(self._start())
        await asyncio.shield(self._started)
        try:
            return self._feed.mirrors[symbol]
        except KeyError:
            raise ConfigurationError(
                f"{self._config.name} {symbol} is not watched; add it to the venue's instruments"
            ) from None

    async def _start(self) -> None:
        if not self._exchange.markets:
            await self._read(self._exchange.load_markets())
        self._drop_unlisted()
        if self._feed.mirrors:
            self._feed.start()
            self._rest = asyncio.create_task(self._fallback.run())

    def _drop_unlisted(self) -> None:
        """One delisted instrument must not fail the subscription of all others."""
        for symbol in set(self._feed.mirrors) - set(self._exchange.markets):
            self._feed.forget(symbol)

    async def _read(self, call: Any) -> Any:
        try:
            return await call
        except Exception as error:
            raise convert.venue_error(error, venue=self._config.name) from error


def _with_traits(config: VenueConfig) -> VenueConfig:
    traits = traits_of(config.client)
    options = {**traits.client_options, **config.options.get("options", {})}
    return VenueConfig(
        name=config.name,
        client=config.client,
        symbols=config.symbols,
        options={**config.options, "options": options},
    )
