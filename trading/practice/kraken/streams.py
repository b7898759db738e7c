"""Kraken's public websocket channels beside the book: trade, ticker, ohlc."""

from __future__ import annotations

from trading.practice.clock import Clock
from trading.practice.engine.candles import MINUTE_MS, Candle
from trading.practice.engine.state import Market
from trading.practice.engine.types import Side, Trade
from trading.practice.instruments import Instrument
from trading.practice.kraken.formats import bare, dump, moment
from trading.practice.kraken.market import INTERVALS_MINUTES
from trading.practice.wire.streams import Hub

EVERY_MS = 1_000
SNAPSHOT_CANDLES = 100
SNAPSHOT_TRADES = 50


class MarketStreams:
    """Turns what the engine does into messages. Topics: ``trade:S``, ``ticker:S:trades|bbo``, ``ohlc:S:minutes``."""

    def __init__(self, hub: Hub, *, markets: dict[str, Market], clock: Clock) -> None:
        self._hub = hub
        self._markets = markets
        self._clock = clock
        self._tickers: dict[str, object] = {}
        self._candles: dict[str, tuple[int, int]] = {}
        self._next_second_ms = 0

    def on_trade(self, trade: Trade) -> None:
        """Publish a trade at once."""
        topic = f"trade:{trade.symbol}"
        if self._hub.listeners(topic):
            row = self._trade_row(trade)
            self._hub.publish(topic, dump({"channel": "trade", "type": "update", "data": [row]}))

    def on_candle_closed(self, symbol: str) -> None:
        """Publish the last state of every candle that ended."""
        candles = self._markets[symbol].candles
        for minutes in INTERVALS_MINUTES:
            topic, width = f"ohlc:{symbol}:{minutes}", minutes * MINUTE_MS
            if self._hub.listeners(topic) and candles.current.open_ms % width == 0:
                start_ms = candles.current.open_ms - width
                closed = candles.window(interval_ms=width, start_ms=start_ms, end_ms=start_ms, limit=1)
                self._publish_candles(topic, symbol, closed, minutes=minutes, kind="update")

    def pump(self, *, now_ms: int) -> None:
        """Publish changed tickers now and changed candles every second."""
        for symbol, market in self._markets.items():
            for trigger in ("trades", "bbo"):
                self._pump_ticker(symbol, market, trigger=trigger)
        if now_ms < self._next_second_ms:
            return
        self._next_second_ms = now_ms + EVERY_MS
        for symbol, market in self._markets.items():
            state = (market.candles.current.open_ms, market.candles.current.trade_count)
            if self._candles.get(symbol) != state:
                self._candles[symbol] = state
                self._pump_candles(symbol, market)

    def snapshot(self, topic: str) -> str:
        """The first message of a subscription to ``topic``."""
        channel, symbol, *rest = topic.split(":")
        market = self._markets[symbol]
        if channel == "trade":
            rows = [self._trade_row(trade) for trade in list(market.tape)[-SNAPSHOT_TRADES:]]
            return dump({"channel": "trade", "type": "snapshot", "data": rows})
        if channel == "ticker":
            return dump({"channel": "ticker", "type": "snapshot", "data": [_ticker_row(market)]})
        minutes = int(rest[0])
        candles = market.candles.window(
            interval_ms=minutes * MINUTE_MS, start_ms=None, end_ms=None, limit=SNAPSHOT_CANDLES
        )
        return self._candle_text(symbol, candles, minutes=minutes, kind="snapshot")

    def _pump_ticker(self, symbol: str, market: Market, *, trigger: str) -> None:
        topic = f"ticker:{symbol}:{trigger}"
        if not self._hub.listeners(topic):
            return
        state: object = market.tape[-1].id if market.tape else 0
        if trigger == "bbo":
            state = (market.book.top(Side.BUY), market.book.top(Side.SELL))
        if self._tickers.get(topic) != state:
            self._tickers[topic] = state
            self._hub.publish(
                topic, dump({"channel": "ticker", "type": "update", "data": [_ticker_row(market)]})
            )

    def _pump_candles(self, symbol: str, market: Market) -> None:
        for minutes in INTERVALS_MINUTES:
            topic = f"ohlc:{symbol}:{minutes}"
            if self._hub.listeners(topic):
                candle = market.candles.latest(interval_ms=minutes * MINUTE_MS)
                self._publish_candles(topic, symbol, [candle], minutes=minutes, kind="update")

    def _publish_candles(
        self, topic: str, symbol: str, candles: list[Candle], *, minutes: int, kind: str
    ) -> None:
        self._hub.publish(topic, self._candle_text(symbol, candles, minutes=minutes, kind=kind))

    def _candle_text(self, symbol: str, candles: list[Candle], *, minutes: int, kind: str) -> str:
        instrument = self._markets[symbol].instrument
        rows = [_candle_row(candle, instrument=instrument, minutes=minutes) for candle in candles]
        stamp = moment(self._clock.now_ms())
        return dump({"channel": "ohlc", "type": kind, "timestamp": stamp, "data": rows})

    def _trade_row(self, trade: Trade) -> dict[str, object]:
        instrument = self._markets[trade.symbol].instrument
        return {
            "symbol": trade.symbol,
            "side": trade.taker_side.value,
            "price": bare(trade.price, decimals=instrument.price_decimals),
            "qty": bare(trade.size_base, decimals=instrument.size_decimals),
            "ord_type": trade.taker_kind.value,
            "trade_id": trade.id,
            "timestamp": moment(trade.at_ms),
        }


def _ticker_row(market: Market) -> dict[str, object]:
    instrument, day = market.instrument, market.candles.day()
    digits, lots = instrument.price_decimals, instrument.size_decimals
    bid, ask = market.book.top(Side.BUY), market.book.top(Side.SELL)
    average = day.volume_quote / day.volume_base if day.volume_base else market.last_price
    return {
        "symbol": instrument.symbol,
        "bid": bare(bid[0], decimals=digits),
        "bid_qty": bare(bid[1], decimals=lots),
        "ask": bare(ask[0], decimals=digits),
        "ask_qty": bare(ask[1], decimals=lots),
        "last": bare(market.last_price, decimals=digits),
        "volume": bare(day.volume_base, decimals=lots),
        "vwap": bare(average, decimals=digits),
        "low": bare(day.low, decimals=digits),
        "high": bare(day.high, decimals=digits),
        "change": bare(market.last_price - day.open, decimals=digits),
        "change_pct": bare((market.last_price / day.open - 1) * 100, decimals=2),
    }


def _candle_row(candle: Candle, *, instrument: Instrument, minutes: int) -> dict[str, object]:
    digits = instrument.price_decimals
    average = candle.volume_quote / candle.volume_base if candle.volume_base else candle.close
    return {
        "symbol": instrument.symbol,
        "open": bare(candle.open, decimals=digits),
        "high": bare(candle.high, decimals=digits),
        "low": bare(candle.low, decimals=digits),
        "close": bare(candle.close, decimals=digits),
        "trades": candle.trade_count,
        "volume": bare(candle.volume_base, decimals=instrument.size_decimals),
        "vwap": bare(average, decimals=digits),
        "interval_begin": moment(candle.open_ms).replace("Z", "000Z"),
        "interval": minutes,
        "timestamp": moment(candle.open_ms + minutes * MINUTE_MS),
    }
