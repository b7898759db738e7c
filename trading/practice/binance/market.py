"""Binance's public REST endpoints."""

from __future__ import annotations

import json

from trading.practice.binance import formats
from trading.practice.binance.errors import BinanceError, missing
from trading.practice.binance.formats import number
from trading.practice.binance.params import Params
from trading.practice.engine.exchange import Exchange
from trading.practice.engine.state import Market
from trading.practice.engine.types import ZERO, Side, Trade

MINUTE_MS = 60_000
DAY_MS = 86_400_000
INTERVALS_MS = {
    "1m": 1, "3m": 3, "5m": 5, "15m": 15, "30m": 30, "1h": 60, "2h": 120, "4h": 240, "6h": 360, "8h": 480,
    "12h": 720, "1d": 1_440, "3d": 4_320, "1w": 10_080,
}  # fmt: skip


def interval_ms(name: str) -> int:
    """Length of an interval; -1120 when Binance has none by that name."""
    minutes = INTERVALS_MS.get(name)
    if minutes is None:
        raise BinanceError(-1120, "Invalid interval.")
    return minutes * MINUTE_MS


class PublicApi:
    """Market data of one exchange."""

    def __init__(self, exchange: Exchange) -> None:
        self._exchange = exchange
        self._by_id = {formats.market_id(symbol): market for symbol, market in exchange.markets.items()}

    def market(self, params: Params) -> Market:
        """The market of the ``symbol`` parameter; -1121 when there is none."""
        return self.market_by_id(params.require("symbol"))

    def market_by_id(self, name: str) -> Market:
        """The market by Binance's name of it; -1121 when there is none."""
        market = self._by_id.get(name)
        if market is None:
            raise BinanceError(-1121, "Invalid symbol.")
        return market

    def markets(self, params: Params) -> tuple[list[Market], bool]:
        """The markets of ``symbol`` or ``symbols``, else all; and whether the answer is a single object."""
        if params.get("symbol"):
            return [self.market(params)], True
        names = params.get("symbols")
        if names is None:
            return list(self._by_id.values()), False
        try:
            return [self.market_by_id(str(name)) for name in json.loads(names)], False
        except (ValueError, TypeError) as error:
            raise missing("symbols") from error

    def exchange_info(
        self, params: Params, *, now_ms: int, weight: int, is_trading: bool
    ) -> dict[str, object]:
        """Every instrument with its filters, and the rate limits."""
        return {
            "timezone": "UTC",
            "serverTime": now_ms,
            "rateLimits": [
                {"rateLimitType": "REQUEST_WEIGHT", "interval": "MINUTE", "intervalNum": 1, "limit": weight},
                {"rateLimitType": "ORDERS", "interval": "SECOND", "intervalNum": 10, "limit": 100},
                {"rateLimitType": "ORDERS", "interval": "DAY", "intervalNum": 1, "limit": 200_000},
            ],
            "exchangeFilters": [],
            "symbols": [
                formats.symbol_info(market.instrument, is_trading=is_trading)
                for market in self.markets(params)[0]
            ],
        }

    def depth(self, params: Params) -> dict[str, object]:
        """A snapshot of the book; its update id may be ahead of the diffs streamed so far, as on the real venue."""
        book, limit = self.market(params).book, params.limit(default=100, most=5_000)
        return {
            "lastUpdateId": book.update_id,
            "bids": [[number(price), number(size)] for price, size in book.levels(Side.BUY, limit=limit)],
            "asks": [[number(price), number(size)] for price, size in book.levels(Side.SELL, limit=limit)],
        }

    def trades(self, params: Params) -> list[dict[str, object]]:
        """Recent public trades."""
        tape = list(self.market(params).tape)[-params.limit(default=500, most=1_000) :]
        return [formats.public_trade(trade) for trade in tape]

    def agg_trades(self, params: Params) -> list[dict[str, object]]:
        """Public trades by id or time, or the most recent."""
        tape: list[Trade] = list(self.market(params).tape)
        limit = params.limit(default=500, most=1_000)
        from_id, start, end = params.integer("fromId"), params.integer("startTime"), params.integer("endTime")
        chosen = [
            trade
            for trade in tape
            if (from_id is None or trade.id >= from_id)
            and (start is None or trade.at_ms >= start)
            and (end is None or trade.at_ms <= end)
        ]
        part = chosen[-limit:] if from_id is None and start is None else chosen[:limit]
        return [formats.agg_trade(trade) for trade in part]

    def klines(self, params: Params) -> list[list[object]]:
        """Candles."""
        width = interval_ms(params.require("interval"))
        candles = self.market(params).candles.window(
            interval_ms=width,
            start_ms=params.integer("startTime"),
            end_ms=params.integer("endTime"),
            limit=params.limit(default=500, most=1_000),
        )
        return [formats.kline(candle, interval_ms=width) for candle in candles]

    def ticker_24hr(self, params: Params, *, now_ms: int) -> object:
        """Statistics of the last day."""
        markets, is_single = self.markets(params)
        rows = [self.day_statistics(market, now_ms=now_ms) for market in markets]
        return rows[0] if is_single else rows

    def ticker_price(self, params: Params) -> object:
        """Last prices."""
        markets, is_single = self.markets(params)
        rows = [
            {"symbol": formats.market_id(one.instrument.symbol), "price": number(one.last_price)}
            for one in markets
        ]
        return rows[0] if is_single else rows

    def book_ticker(self, params: Params) -> object:
        """Best bids and asks."""
        markets, is_single = self.markets(params)
        rows = [{"symbol": formats.market_id(one.instrument.symbol), **best(one)} for one in markets]
        return rows[0] if is_single else rows

    def average_price(self, params: Params, *, now_ms: int) -> dict[str, object]:
        """Average price of the last five minutes."""
        market = self.market(params)
        last = market.candles.window(interval_ms=MINUTE_MS, start_ms=None, end_ms=None, limit=5)
        volume = sum((candle.volume_base for candle in last), ZERO)
        spent = sum((candle.volume_quote for candle in last), ZERO)
        price = spent / volume if volume else market.last_price
        return {"mins": 5, "price": number(price), "closeTime": now_ms}

    def day_statistics(self, market: Market, *, now_ms: int) -> dict[str, object]:
        """One row of ticker/24hr."""
        day, last = market.candles.day(), market.last_price
        change = last - day.open
        average = day.volume_quote / day.volume_base if day.volume_base else last
        tape = market.tape
        return {
            "symbol": formats.market_id(market.instrument.symbol),
            "priceChange": number(change),
            "priceChangePercent": f"{change / day.open * 100:.3f}",
            "weightedAvgPrice": number(average),
            "prevClosePrice": number(day.open),
            "lastPrice": number(last),
            "lastQty": number(tape[-1].size_base if tape else None),
            **best(market),
            "openPrice": number(day.open),
            "highPrice": number(day.high),
            "lowPrice": number(day.low),
            "volume": number(day.volume_base),
            "quoteVolume": number(day.volume_quote),
            "openTime": now_ms - DAY_MS,
            "closeTime": now_ms,
            "firstId": day.first_trade_id,
            "lastId": day.last_trade_id,
            "count": day.trade_count,
        }


def best(market: Market) -> dict[str, object]:
    """Best bid and ask with their sizes; zeros for an empty side."""
    bid, ask = market.book.top(Side.BUY), market.book.top(Side.SELL)
    return {
        "bidPrice": number(bid[0]),
        "bidQty": number(bid[1]),
        "askPrice": number(ask[0]),
        "askQty": number(ask[1]),
    }
