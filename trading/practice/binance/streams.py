"""Binance's market streams: depth diffs, trades, klines, tickers (docs, "WebSocket Streams")."""

from __future__ import annotations

import json
import re
from decimal import Decimal

from trading.practice.binance import formats
from trading.practice.binance.formats import number
from trading.practice.binance.market import INTERVALS_MS, MINUTE_MS, PublicApi, best
from trading.practice.clock import Clock
from trading.practice.engine.book import Level
from trading.practice.engine.candles import Candle
from trading.practice.engine.state import Market
from trading.practice.engine.types import Side, Trade
from trading.practice.wire.streams import Hub

TICKER_EVERY_MS = 1_000
SLOW_DEPTH_EVERY_MS = 1_000
_STREAM = re.compile(
    r"[a-z0-9]+@(depth(@100ms|@1000ms)?|trade|aggTrade|bookTicker|ticker|miniTicker|kline_\w+)"
)


def compact(value: object) -> str:
    """JSON without spaces."""
    return json.dumps(value, separators=(",", ":"))


class MarketStreams:
    """Turns what the engine does into stream messages. Topics are Binance's stream names."""

    def __init__(self, hub: Hub, *, public: PublicApi, markets: dict[str, Market], clock: Clock) -> None:
        self._hub = hub
        self._public = public
        self._markets = {formats.market_id(symbol).lower(): market for symbol, market in markets.items()}
        self._clock = clock
        self._bests: dict[str, tuple[object, ...]] = {}
        self._candles: dict[str, tuple[int, int]] = {}
        self._slow: dict[str, dict[str, dict[Decimal, Decimal]]] = {}
        self._slow_first: dict[str, int] = {}
        self._next_second_ms = 0

    def knows(self, topic: str) -> bool:
        """True for a stream this venue has."""
        name, _, channel = topic.partition("@")
        if not _STREAM.fullmatch(topic) or name not in self._markets:
            return False
        return not channel.startswith("kline_") or channel[6:] in INTERVALS_MS

    def on_trade(self, trade: Trade) -> None:
        """Publish a trade at once."""
        name = formats.market_id(trade.symbol).lower()
        for channel in ("trade", "aggTrade"):
            topic = f"{name}@{channel}"
            if self._hub.listeners(topic):
                body: dict[str, object] = {"e": channel, "E": self._clock.now_ms(), "s": name.upper()}
                if channel == "trade":
                    body |= {"t": trade.id}
                else:
                    body |= {"a": trade.id, "f": trade.id, "l": trade.id}
                body |= {
                    "p": number(trade.price),
                    "q": number(trade.size_base),
                    "T": trade.at_ms,
                    "m": trade.taker_side is Side.SELL,
                    "M": True,
                }
                self._hub.publish(topic, compact(body))

    def on_candle_closed(self, symbol: str) -> None:
        """Publish the closed candle of every interval that ended."""
        name = formats.market_id(symbol).lower()
        candles = self._markets[name].candles
        for topic in self._kline_topics(name):
            width = INTERVALS_MS[topic.partition("@kline_")[2]] * MINUTE_MS
            if candles.current.open_ms % width == 0:
                start_ms = candles.current.open_ms - width
                closed = candles.window(interval_ms=width, start_ms=start_ms, end_ms=start_ms, limit=1)
                if closed:
                    self._publish_kline(topic, closed[0], width=width, is_closed=True)

    def pump(self) -> None:
        """Publish what changed: diffs and best prices now, tickers and candles every second."""
        now_ms = self._clock.now_ms()
        for name, market in self._markets.items():
            self._pump_depth(name, market, now_ms=now_ms)
        if now_ms >= self._next_second_ms:
            self._next_second_ms = now_ms + TICKER_EVERY_MS
            for name, market in self._markets.items():
                self._pump_second(name, market, now_ms=now_ms)

    def _pump_depth(self, name: str, market: Market, *, now_ms: int) -> None:
        drained = market.book.drain()
        if drained is None:
            return
        first, last, bids, asks = drained
        if self._hub.listeners(f"{name}@depth@100ms"):
            self._hub.publish(f"{name}@depth@100ms", _depth(name, first, last, bids, asks, now_ms=now_ms))
        slow = [topic for topic in (f"{name}@depth", f"{name}@depth@1000ms") if self._hub.listeners(topic)]
        if slow:
            sides = self._slow.setdefault(name, {"b": {}, "a": {}})
            self._slow_first.setdefault(name, first)
            sides["b"].update(bids)
            sides["a"].update(asks)
        else:
            self._slow.pop(name, None)
            self._slow_first.pop(name, None)
        if self._hub.listeners(f"{name}@bookTicker"):
            self._publish_best(name, market)

    def _publish_best(self, name: str, market: Market) -> None:
        now = best(market)
        values = tuple(now.values())
        if self._bests.get(name) != values:
            self._bests[name] = values
            body = {
                "u": market.book.update_id,
                "s": name.upper(),
                "b": now["bidPrice"],
                "B": now["bidQty"],
                "a": now["askPrice"],
                "A": now["askQty"],
            }
            self._hub.publish(f"{name}@bookTicker", compact(body))

    def _pump_second(self, name: str, market: Market, *, now_ms: int) -> None:
        if self._hub.listeners(f"{name}@ticker"):
            self._hub.publish(f"{name}@ticker", compact(self._ticker(name, market, now_ms=now_ms)))
        if self._hub.listeners(f"{name}@miniTicker"):
            row = self._ticker(name, market, now_ms=now_ms)
            mini = {key: row[key] for key in ("E", "s", "c", "o", "h", "l", "v", "q")}
            self._hub.publish(f"{name}@miniTicker", compact({"e": "24hrMiniTicker", **mini}))
        if name in self._slow:
            sides, first = self._slow.pop(name), self._slow_first.pop(name)
            text = _depth(
                name,
                first,
                market.book.published_id,
                list(sides["b"].items()),
                list(sides["a"].items()),
                now_ms=now_ms,
            )
            self._hub.publish(f"{name}@depth", text)
            self._hub.publish(f"{name}@depth@1000ms", text)
        state = (market.candles.current.open_ms, market.candles.current.trade_count)
        if self._candles.get(name) != state:
            self._candles[name] = state
            for topic in self._kline_topics(name):
                width = INTERVALS_MS[topic.partition("@kline_")[2]] * MINUTE_MS
                candle = market.candles.latest(interval_ms=width)
                self._publish_kline(topic, candle, width=width, is_closed=False)

    def _kline_topics(self, name: str) -> list[str]:
        prefix = f"{name}@kline_"
        return [topic for topic in self._hub.topics() if topic.startswith(prefix)]

    def _publish_kline(self, topic: str, candle: Candle, *, width: int, is_closed: bool) -> None:
        symbol, _, interval = topic.partition("@kline_")
        body = {
            "e": "kline", "E": self._clock.now_ms(), "s": symbol.upper(),
            "k": {
                "t": candle.open_ms, "T": candle.open_ms + width - 1, "s": symbol.upper(), "i": interval,
                "f": candle.first_trade_id, "L": candle.last_trade_id, "o": number(candle.open),
                "c": number(candle.close), "h": number(candle.high), "l": number(candle.low),
                "v": number(candle.volume_base), "n": candle.trade_count, "x": is_closed,
                "q": number(candle.volume_quote), "V": number(candle.buy_volume_base),
                "Q": number(candle.buy_volume_quote), "B": "0",
            },
        }  # fmt: skip
        self._hub.publish(topic, compact(body))

    def _ticker(self, name: str, market: Market, *, now_ms: int) -> dict[str, object]:
        row = self._public.day_statistics(market, now_ms=now_ms)
        return {
            "e": "24hrTicker", "E": now_ms, "s": name.upper(), "p": row["priceChange"],
            "P": row["priceChangePercent"], "w": row["weightedAvgPrice"], "x": row["prevClosePrice"],
            "c": row["lastPrice"], "Q": row["lastQty"], "b": row["bidPrice"], "B": row["bidQty"],
            "a": row["askPrice"], "A": row["askQty"], "o": row["openPrice"], "h": row["highPrice"],
            "l": row["lowPrice"], "v": row["volume"], "q": row["quoteVolume"], "O": row["openTime"],
            "C": row["closeTime"], "F": row["firstId"], "L": row["lastId"], "n": row["count"],
        }  # fmt: skip


def _depth(name: str, first: int, last: int, bids: list[Level], asks: list[Level], *, now_ms: int) -> str:
    return (
        f'{{"e":"depthUpdate","E":{now_ms},"s":"{name.upper()}","U":{first},"u":{last},'
        f'"b":[{_levels(bids)}],"a":[{_levels(asks)}]}}'
    )


def _levels(levels: list[Level]) -> str:
    return ",".join(f'["{price:.8f}","{size:.8f}"]' for price, size in levels)
