"""Kraken's public REST endpoints."""

from __future__ import annotations

from datetime import UTC, datetime

from trading.practice.engine.candles import MINUTE_MS
from trading.practice.engine.exchange import Exchange
from trading.practice.engine.state import Market
from trading.practice.engine.types import Kind, Side
from trading.practice.kraken import formats, names
from trading.practice.kraken.errors import KrakenError, invalid
from trading.practice.kraken.formats import text
from trading.practice.kraken.params import Params
from trading.practice.wire.venue import Mode

INTERVALS_MINUTES = (1, 5, 15, 30, 60, 240, 1_440, 10_080, 21_600)
OHLC_LENGTH = 720


class PublicApi:
    """Market data of one exchange."""

    def __init__(self, exchange: Exchange) -> None:
        self._exchange = exchange
        self._by_name: dict[str, Market] = {}
        for symbol, market in exchange.markets.items():
            for name in (names.pair_id(symbol), names.pair_ws_name(symbol), symbol, symbol.replace("/", "")):
                self._by_name[name] = market

    def market(self, name: str) -> Market:
        """The market by any of Kraken's names of it."""
        market = self._by_name.get(name)
        if market is None:
            raise KrakenError("EQuery:Unknown asset pair")
        return market

    def assets(self, _: Params) -> object:
        """Assets."""
        codes = {code for one in self._markets() for code in (one.instrument.base, one.instrument.quote)}
        return {
            names.asset_id(code): {
                "aclass": "currency",
                "altname": names.altname(code),
                "decimals": 8 if code == "USDT" else 10,
                "display_decimals": 4 if code == "USDT" else 5,
                "status": "enabled",
            }
            for code in sorted(codes)
        }

    def asset_pairs(self, params: Params, *, mode: Mode) -> object:
        """Instruments with their precision, minimums and fees."""
        rules = self._exchange.rules
        status = {Mode.ONLINE: "online", Mode.POST_ONLY: "post_only"}.get(mode, "cancel_only")
        return {
            names.pair_id(market.instrument.symbol): formats.pair_info(
                market.instrument, maker=rules.maker_fee_ratio, taker=rules.taker_fee_ratio, status=status
            )
            for market in self._chosen(params)
        }

    def ticker(self, params: Params) -> object:
        """Statistics of the last day."""
        return {names.pair_id(one.instrument.symbol): _ticker(one) for one in self._chosen(params)}

    def depth(self, params: Params, *, now_ms: int) -> object:
        """The book."""
        market = self.market(params.require("pair"))
        instrument = market.instrument
        limit = max(1, min(500, params.integer("count") or 100))
        sides = {
            name: [
                [text(price, decimals=instrument.price_decimals), text(size, decimals=8), now_ms // 1000]
                for price, size in market.book.levels(side, limit=limit)
            ]
            for name, side in (("asks", Side.SELL), ("bids", Side.BUY))
        }
        return {names.pair_id(instrument.symbol): sides}

    def ohlc(self, params: Params) -> object:
        """Up to 720 candles; the last one is unfinished."""
        market, minutes = self.market(params.require("pair")), params.integer("interval") or 1
        if minutes not in INTERVALS_MINUTES:
            raise invalid("interval")
        digits = market.instrument.price_decimals
        candles = market.candles.window(
            interval_ms=minutes * MINUTE_MS, start_ms=None, end_ms=None, limit=OHLC_LENGTH
        )
        since_s = params.integer("since") or 0
        rows = [
            [
                candle.open_ms // 1000,
                *(
                    text(price, decimals=digits)
                    for price in (candle.open, candle.high, candle.low, candle.close)
                ),
                text(
                    candle.volume_quote / candle.volume_base if candle.volume_base else candle.close,
                    decimals=digits,
                ),
                text(candle.volume_base, decimals=8),
                candle.trade_count,
            ]
            for candle in candles
            if candle.open_ms // 1000 > since_s
        ]
        last_s = candles[-2].open_ms // 1000 if len(candles) > 1 else 0
        return {names.pair_id(market.instrument.symbol): rows, "last": last_s}

    def trades(self, params: Params) -> object:
        """Public trades since a time in nanoseconds, or the last ones."""
        market = self.market(params.require("pair"))
        count = max(1, min(1_000, params.integer("count") or 1_000))
        since = params.integer("since")
        since_ms = 0 if since is None else since // 1_000_000 if since > 10**15 else since * 1_000
        tape = [trade for trade in market.tape if trade.at_ms > since_ms]
        chosen = tape[:count] if since is not None else tape[-count:]
        digits = market.instrument.price_decimals
        rows = [
            [
                text(trade.price, decimals=digits),
                text(trade.size_base, decimals=8),
                trade.at_ms / 1000,
                formats.side_letter(trade.taker_side),
                "l" if trade.taker_kind is Kind.LIMIT else "m",
                "",
                trade.id,
            ]
            for trade in chosen
        ]
        last_ns = chosen[-1].at_ms * 1_000_000 if chosen else since_ms * 1_000_000
        return {names.pair_id(market.instrument.symbol): rows, "last": str(last_ns)}

    def _markets(self) -> list[Market]:
        return list(self._exchange.markets.values())

    def _chosen(self, params: Params) -> list[Market]:
        wanted = params.get("pair")
        return self._markets() if wanted is None else [self.market(name) for name in wanted.split(",")]


def server_time(now_ms: int) -> object:
    """The Time answer."""
    now = datetime.fromtimestamp(now_ms / 1000, tz=UTC)
    return {"unixtime": now_ms // 1000, "rfc1123": now.strftime("%a, %d %b %y %H:%M:%S +0000")}


def _ticker(market: Market) -> dict[str, object]:
    digits, day = market.instrument.price_decimals, market.candles.day()
    book: dict[str, list[str]] = {}
    for name, side in (("a", Side.SELL), ("b", Side.BUY)):
        price, size = market.book.top(side)
        book[name] = [text(price, decimals=digits), text(size, decimals=0), text(size, decimals=3)]
    average = day.volume_quote / day.volume_base if day.volume_base else market.last_price
    last_size = market.tape[-1].size_base if market.tape else None
    return {
        **book,
        "c": [text(market.last_price, decimals=digits), text(last_size, decimals=8)],
        "v": [text(day.volume_base, decimals=8)] * 2,
        "p": [text(average, decimals=digits)] * 2,
        "t": [day.trade_count] * 2,
        "l": [text(day.low, decimals=digits)] * 2,
        "h": [text(day.high, decimals=digits)] * 2,
        "o": text(day.open, decimals=digits),
    }
