"""The compact JSON of market data in Redis: decimals as text, times as epoch milliseconds. One pair of functions per value."""

from collections.abc import Sequence
from decimal import Decimal
from typing import Any

import orjson

from neuratrade.lib.clock import from_epoch_ms, to_epoch_ms
from trading.types import BookLevel, Candle, OrderBook, PublicTrade, Quote, Side


def text(value: Decimal) -> str:
    return format(value, "f")


def dump_quote(quote: Quote) -> bytes:
    return orjson.dumps(
        {
            "venue": quote.venue,
            "symbol": quote.symbol,
            "bid": text(quote.bid),
            "ask": text(quote.ask),
            "bid_size": text(quote.bid_size),
            "ask_size": text(quote.ask_size),
            "as_of": to_epoch_ms(quote.as_of),
            "received_at": to_epoch_ms(quote.received_at),
        }
    )


def load_quote(raw: str | bytes) -> Quote:
    data = orjson.loads(raw)
    return Quote(
        venue=data["venue"],
        symbol=data["symbol"],
        bid=Decimal(data["bid"]),
        ask=Decimal(data["ask"]),
        bid_size=Decimal(data["bid_size"]),
        ask_size=Decimal(data["ask_size"]),
        as_of=from_epoch_ms(data["as_of"]),
        received_at=from_epoch_ms(data["received_at"]),
    )


def dump_book(book: OrderBook) -> bytes:
    return orjson.dumps(
        {
            "venue": book.venue,
            "symbol": book.symbol,
            "bids": [(text(level.price), text(level.size)) for level in book.bids],
            "asks": [(text(level.price), text(level.size)) for level in book.asks],
            "as_of": to_epoch_ms(book.as_of),
            "received_at": to_epoch_ms(book.received_at),
            "nonce": book.nonce,
        }
    )


def load_book(raw: str | bytes) -> OrderBook:
    data = orjson.loads(raw)
    return OrderBook(
        venue=data["venue"],
        symbol=data["symbol"],
        bids=_levels(data["bids"]),
        asks=_levels(data["asks"]),
        as_of=from_epoch_ms(data["as_of"]),
        received_at=from_epoch_ms(data["received_at"]),
        nonce=data["nonce"],
    )


def _levels(rows: Sequence[Sequence[str]]) -> tuple[BookLevel, ...]:
    return tuple(BookLevel(Decimal(price), Decimal(size)) for price, size in rows)


def trade_row(trade: PublicTrade) -> dict[str, Any]:
    return {
        "id": trade.trade_id,
        "price": text(trade.price),
        "size": text(trade.size),
        "side": None if trade.side is None else trade.side.value,
        "as_of": to_epoch_ms(trade.as_of),
    }


def load_trade(raw: str | bytes, *, venue: str, symbol: str) -> PublicTrade:
    data = orjson.loads(raw)
    return PublicTrade(
        venue=venue,
        symbol=symbol,
        trade_id=data["id"],
        price=Decimal(data["price"]),
        size=Decimal(data["size"]),
        side=None if data["side"] is None else Side(data["side"]),
        as_of=from_epoch_ms(data["as_of"]),
    )


def dump_candle(candle: Candle, *, timeframe: str) -> bytes:
    return orjson.dumps(
        {
            "timeframe": timeframe,
            "open_time": to_epoch_ms(candle.open_time),
            "open": text(candle.open),
            "high": text(candle.high),
            "low": text(candle.low),
            "close": text(candle.close),
            "volume_base": text(candle.volume_base),
        }
    )
