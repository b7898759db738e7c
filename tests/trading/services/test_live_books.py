"""The executor's view of the market: whatever cannot be used is no price, and never an error that stops a lane."""

from collections.abc import Sequence
from typing import Any

import pytest
from asgiref.sync import async_to_sync

from neuratrade.lib import redis as bus
from tests.trading.risk import builders as make
from trading.errors import InvalidValueError
from trading.services.accounts import LiveBooks
from trading.types import OrderBook


class CrossedMarket:
    """A venue whose REST book is crossed for a moment, as books are on a busy one."""

    async def fetch_book(self, symbol: str) -> OrderBook:
        raise InvalidValueError(f"crossed book on binance {symbol}")


def books() -> LiveBooks:
    return LiveBooks(venue="binance", open_market=CrossedMarket, rest_every_s=0.0)  # type: ignore[arg-type, type-abstract]


def test_a_crossed_book_over_rest_is_no_price() -> None:
    async def story() -> object:
        return await books().quote("BTC/USDT")

    assert async_to_sync(story)() is None


@pytest.mark.parametrize("kind", ["quote", "book"])
def test_a_crossed_value_in_redis_is_no_price(redis_client: Any, kind: str) -> None:
    from trading.services import market_wire

    quote, book = make.quote(), make.book()
    dumped = market_wire.dump_quote(quote) if kind == "quote" else market_wire.dump_book(book)
    ask = str(quote.ask if kind == "quote" else book.asks[0].price).encode()
    key = bus.latest_key(venue="binance", symbol="BTC/USDT", kind=kind)
    redis_client.set(key, dumped.replace(ask, b"1"))

    async def story() -> Sequence[object]:
        seen = books()
        return await seen.quote("BTC/USDT"), await seen.book("BTC/USDT")

    assert list(async_to_sync(story)()) == [None, None]
