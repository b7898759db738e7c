"""Kraken's ``book`` channel: a snapshot, then changes within the subscribed depth, each with a CRC32 checksum."""

from __future__ import annotations

from decimal import Decimal

from trading.practice.engine.book import Level
from trading.practice.engine.state import Market
from trading.practice.engine.types import ZERO, Side
from trading.practice.kraken.formats import checksum, moment
from trading.practice.wire.streams import Hub

DEPTHS = (10, 25, 100, 500, 1_000)


def book_topic(symbol: str, depth: int) -> str:
    """The hub topic of a book."""
    return f"book:{symbol}:{depth}"


class BookStream:
    """Remembers what listeners have been told of each book, so that a late one starts from the same state."""

    def __init__(self, hub: Hub, *, markets: dict[str, Market]) -> None:
        self._hub = hub
        self._markets = markets
        self._told: dict[str, tuple[list[Level], list[Level]]] = {}

    def snapshot(self, symbol: str, *, depth: int) -> str:
        """The first message of a subscription. Call before subscribing the listener."""
        topic, market = book_topic(symbol, depth), self._markets[symbol]
        if not self._hub.listeners(topic) or topic not in self._told:
            self._told[topic] = _tops(market, depth=depth)
        asks, bids = self._told[topic]
        body = _body(market, asks=asks, bids=bids, told=(asks, bids))
        return f'{{"channel":"book","type":"snapshot","data":[{body}}}]}}'

    def pump(self, *, now_ms: int) -> None:
        """Publish what changed in every book somebody listens to."""
        for symbol, market in self._markets.items():
            if market.book.drain() is None:
                continue
            for depth in DEPTHS:
                topic = book_topic(symbol, depth)
                if self._hub.listeners(topic):
                    self._publish(topic, market, depth=depth, now_ms=now_ms)
                else:
                    self._told.pop(topic, None)

    def _publish(self, topic: str, market: Market, *, depth: int, now_ms: int) -> None:
        old_asks, old_bids = self._told.get(topic, ([], []))
        asks, bids = self._told[topic] = _tops(market, depth=depth)
        ask_changes = _changes(old_asks, asks, market=market, side=Side.SELL)
        bid_changes = _changes(old_bids, bids, market=market, side=Side.BUY)
        if ask_changes or bid_changes:
            body = _body(market, asks=ask_changes, bids=bid_changes, told=(asks, bids))
            text = f'{{"channel":"book","type":"update","data":[{body},"timestamp":"{moment(now_ms)}"}}]}}'
            self._hub.publish(topic, text)


def _tops(market: Market, *, depth: int) -> tuple[list[Level], list[Level]]:
    return market.book.levels(Side.SELL, limit=depth), market.book.levels(Side.BUY, limit=depth)


def _changes(old: list[Level], new: list[Level], *, market: Market, side: Side) -> list[Level]:
    """New and changed levels; a level that left the depth is only named when it is gone from the book (docs)."""
    before: dict[Decimal, Decimal] = dict(old)
    now = dict(new)
    gone = [(price, ZERO) for price in before if price not in now and not market.book.size_at(side, price)]
    return gone + [(price, size) for price, size in new if before.get(price) != size]


def _body(
    market: Market, *, asks: list[Level], bids: list[Level], told: tuple[list[Level], list[Level]]
) -> str:
    """The data object, left open for more fields. Numbers carry their full precision."""
    instrument = market.instrument
    digits, lots = instrument.price_decimals, instrument.size_decimals
    sides = [
        ",".join(f'{{"price":{price:.{digits}f},"qty":{size:.{lots}f}}}' for price, size in levels)
        for levels in (bids, asks)
    ]
    crc = checksum(*told, instrument=instrument)
    return f'{{"symbol":"{instrument.symbol}","bids":[{sides[0]}],"asks":[{sides[1]}],"checksum":{crc}'
