"""Market data over the real ccxt.pro client against the practice venues: what arrives is true, whatever the line does."""

import asyncio
from collections.abc import AsyncIterator, Callable
from datetime import timedelta

import pytest

from neuratrade.lib import clock
from tests.trading.venues.ccxt_exchange.conftest import SYMBOLS, Watch
from trading.errors import ConfigurationError, VenueUnavailableError
from trading.practice.venues import PracticeVenues
from trading.types import OrderBook, Quote
from trading.venues.ccxt_exchange.market import CcxtMarketData

BTC = SYMBOLS[0]

both = pytest.mark.parametrize("venue", ["binance", "kraken"])


class Listener:
    """Reads a stream in the background and keeps what came."""

    def __init__(self, stream: AsyncIterator[object]) -> None:
        self.got: list[object] = []
        self._task = asyncio.create_task(self._read(stream))

    async def _read(self, stream: AsyncIterator[object]) -> None:
        async for value in stream:
            self.got.append(value)

    async def more(self, count: int = 1) -> None:
        """Waits for `count` further values."""
        wanted = len(self.got) + count
        await until(lambda: len(self.got) >= wanted or self._task.done())
        if self._task.done():
            self._task.result()

    def last_book(self) -> OrderBook:
        book = self.got[-1]
        assert isinstance(book, OrderBook)
        return book

    async def stop(self) -> None:
        self._task.cancel()
        await asyncio.gather(self._task, return_exceptions=True)


async def until(condition: Callable[[], bool], *, timeout_s: float = 15.0) -> None:
    async with asyncio.timeout(timeout_s):
        while not condition():
            await asyncio.sleep(0.02)


def topics_of(venue: str) -> str:
    return "btcusdt@depth*" if venue == "binance" else "book:BTC*"


async def assert_book_is_the_venues(practice: PracticeVenues, data: CcxtMarketData, books: Listener) -> None:
    """With the market standing still, our mirror must equal the venue's own book, level by level."""
    practice.call("POST", "/flow", {"running": False})
    theirs = await data.fetch_book(BTC)

    def is_equal() -> bool:
        ours = books.last_book()
        return ours.bids[:15] == theirs.bids[:15] and ours.asks[:15] == theirs.asks[:15]

    await until(is_equal, timeout_s=10)


@both
async def test_books_quotes_and_trades_are_the_venues(
    venue: str, practice: PracticeVenues, watch: Watch
) -> None:
    data = watch(venue)
    books, quotes, trades = Listener(data.books(BTC)), Listener(data.quotes(BTC)), Listener(data.trades(BTC))
    await books.more(3)
    await quotes.more(3)
    await trades.more()

    quote = quotes.got[-1]
    assert isinstance(quote, Quote)
    assert quote.age_s(at=clock.now()) < 2
    assert data.stats(BTC).source == "websocket"
    assert data.stats(BTC).has_all_trades
    await assert_book_is_the_venues(practice, data, books)


@both
@pytest.mark.parametrize("action", ["skip", "repeat"])
async def test_a_lost_or_doubled_update_never_leaves_a_wrong_book(
    venue: str, action: str, practice: PracticeVenues, watch: Watch
) -> None:
    data = watch(venue)
    books = Listener(data.books(BTC))
    await books.more(3)
    practice.call("POST", f"/{venue}/streams", {"action": action, "topic": topics_of(venue), "count": 1})
    if action == "skip":
        await until(lambda: data.stats(BTC).resyncs == 1)
    await books.more(3)

    await assert_book_is_the_venues(practice, data, books)
    assert data.stats(BTC).source == "websocket"


@both
async def test_only_the_book_with_the_gap_is_read_again(
    venue: str, practice: PracticeVenues, watch: Watch
) -> None:
    data = watch(venue)
    btc, eth = Listener(data.books(BTC)), Listener(data.books("ETH/USDT"))
    await btc.more(3)
    await eth.more(3)
    practice.call("POST", f"/{venue}/streams", {"action": "skip", "topic": topics_of(venue), "count": 1})
    await until(lambda: sum(data.stats(symbol).resyncs for symbol in SYMBOLS) >= 1)
    await btc.more(2)
    await eth.more(2)
    assert sum(data.stats(symbol).resyncs for symbol in SYMBOLS) == 1


@both
async def test_a_killed_connection_comes_back_and_counts_as_a_loss(
    venue: str, practice: PracticeVenues, watch: Watch
) -> None:
    data = watch(venue)
    books, trades = Listener(data.books(BTC)), Listener(data.trades(BTC))
    await books.more(2)
    await trades.more()
    await until(lambda: data.stats(BTC).has_all_trades)
    losses = data.stats(BTC).losses

    practice.call("POST", f"/{venue}/streams", {"action": "kill", "topic": "*"})
    await until(lambda: data.stats(BTC).losses > losses)
    await until(lambda: data.stats(BTC).has_all_trades)
    await books.more(2)

    await assert_book_is_the_venues(practice, data, books)


@both
async def test_a_frozen_stream_is_replaced_and_rest_answers_meanwhile(
    venue: str, practice: PracticeVenues, watch: Watch
) -> None:
    data = watch(venue, silent_s=1.0)
    books = Listener(data.books(BTC))
    await books.more(2)
    practice.call("POST", f"/{venue}/streams", {"action": "freeze", "topic": "*"})

    await until(lambda: data.stats(BTC).source == "rest")
    await books.more()
    assert books.last_book().age_s(at=clock.now()) < 3
    await until(lambda: data.stats(BTC).source == "websocket")
    await books.more(2)
    await assert_book_is_the_venues(practice, data, books)


@both
async def test_candles_are_closed_complete_and_in_order(venue: str, watch: Watch) -> None:
    data = watch(venue)
    before = clock.now()
    candles = await data.fetch_candles(BTC, timeframe="1m", since=before - timedelta(minutes=320), limit=321)
    assert len(candles) >= 300
    assert candles[-1].open_time + timedelta(minutes=1) <= clock.now()
    steps = {b.open_time - a.open_time for a, b in zip(candles, candles[1:], strict=False)}
    assert steps == {timedelta(minutes=1)}


@both
async def test_maintenance_shows_and_reads_fail_clearly(
    venue: str, practice: PracticeVenues, watch: Watch
) -> None:
    data = watch(venue)
    await data.instruments()
    assert await data.status() == "ok"
    practice.call("POST", f"/{venue}/mode", {"mode": "maintenance"})
    assert await data.status() == "maintenance"
    with pytest.raises(VenueUnavailableError, match=venue):
        await data.fetch_book(BTC)


async def test_an_instrument_the_venue_does_not_list_harms_no_other(watch: Watch) -> None:
    data = watch("binance", symbols=(*SYMBOLS, "GONE/USDT"))
    assert [spec.symbol for spec in await data.instruments()] == list(SYMBOLS)
    books = Listener(data.books(BTC))
    await books.more(2)
    with pytest.raises(ConfigurationError, match="GONE/USDT is not watched"):
        await anext(data.books("GONE/USDT"))


async def test_specs_carry_the_venues_own_steps_and_fees(watch: Watch) -> None:
    spec = (await watch("kraken").instruments())[0]
    assert (spec.symbol, spec.base, spec.quote) == ("BTC/USDT", "BTC", "USDT")
    assert str(spec.price_tick) == "0.1"
    assert str(spec.maker_fee_ratio) == "0.0025"
    assert str(spec.taker_fee_ratio) == "0.004"


async def test_a_dead_venue_is_one_clear_error() -> None:
    from trading.practice.options import client_options
    from trading.protocols import VenueConfig

    options = client_options(binance_port=1)["binance"]
    data = CcxtMarketData(VenueConfig(name="dead", client="binance", symbols=SYMBOLS, options=options))
    try:
        with pytest.raises(VenueUnavailableError, match="dead: ExchangeNotAvailable"):
            await data.instruments()
    finally:
        await data.close()
