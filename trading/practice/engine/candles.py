"""One-minute candles built from trades, with a past, and the wider candles and day statistics made of them."""

from __future__ import annotations

from collections import deque
from collections.abc import Iterable
from dataclasses import dataclass
from decimal import Decimal

from trading.practice.engine.types import ZERO, Side, Trade

MINUTE_MS = 60_000
DAY_MINUTES = 1_440
KEEP_CANDLES = 10_080


@dataclass(slots=True)
class Candle:
    """One candle; ``open_ms`` is its first millisecond."""

    open_ms: int
    open: Decimal
    high: Decimal
    low: Decimal
    close: Decimal
    volume_base: Decimal = ZERO
    volume_quote: Decimal = ZERO
    buy_volume_base: Decimal = ZERO
    buy_volume_quote: Decimal = ZERO
    trade_count: int = 0
    first_trade_id: int = -1
    last_trade_id: int = -1

    def merge(self, later: Candle) -> None:
        """Widen this candle by the one after it."""
        self.high = max(self.high, later.high)
        self.low = min(self.low, later.low)
        self.close = later.close
        self.volume_base += later.volume_base
        self.volume_quote += later.volume_quote
        self.buy_volume_base += later.buy_volume_base
        self.buy_volume_quote += later.buy_volume_quote
        self.trade_count += later.trade_count
        self.last_trade_id = max(self.last_trade_id, later.last_trade_id)
        if self.first_trade_id < 0:
            self.first_trade_id = later.first_trade_id

    def copy(self) -> Candle:
        """An independent copy."""
        return Candle(
            self.open_ms, self.open, self.high, self.low, self.close, self.volume_base, self.volume_quote,
            self.buy_volume_base, self.buy_volume_quote, self.trade_count, self.first_trade_id, self.last_trade_id,
        )  # fmt: skip


class Candles:
    """The minute candles of one instrument: a past handed in, then its own trades."""

    def __init__(self, *, past: Iterable[Candle], start_price: Decimal, at_ms: int) -> None:
        self.closed: deque[Candle] = deque(past, maxlen=KEEP_CANDLES)
        self.current = _flat(at_ms // MINUTE_MS * MINUTE_MS, start_price)
        self._day: Candle | None = None

    def roll(self, at_ms: int) -> list[Candle]:
        """Close every minute that ended before ``at_ms``; returns the candles just closed. Quiet minutes are flat."""
        closed: list[Candle] = []
        while at_ms >= self.current.open_ms + MINUTE_MS:
            closed.append(self.current)
            self.closed.append(self.current)
            self.current = _flat(self.current.open_ms + MINUTE_MS, self.current.close)
            self._day = None
        return closed

    def add(self, trade: Trade) -> None:
        """Count a trade."""
        self.roll(trade.at_ms)
        candle, notional = self.current, trade.notional_quote
        candle.close = trade.price
        candle.high = max(candle.high, trade.price)
        candle.low = min(candle.low, trade.price)
        candle.volume_base += trade.size_base
        candle.volume_quote += notional
        if trade.taker_side is Side.BUY:
            candle.buy_volume_base += trade.size_base
            candle.buy_volume_quote += notional
        candle.trade_count += 1
        candle.last_trade_id = trade.id
        if candle.first_trade_id < 0:
            candle.first_trade_id = trade.id

    def window(
        self, *, interval_ms: int, start_ms: int | None, end_ms: int | None, limit: int
    ) -> list[Candle]:
        """Candles of ``interval_ms`` with open time in [start, end], oldest first: the first ``limit`` from ``start_ms``
        when that is given, else the last ``limit``. The present, unfinished candle is included.
        """
        wide: list[Candle] = []
        floor_ms = -1 if start_ms is None else start_ms // interval_ms * interval_ms
        for candle in (*self.closed, self.current):
            if candle.open_ms < floor_ms:
                continue
            open_ms = candle.open_ms // interval_ms * interval_ms
            if wide and wide[-1].open_ms == open_ms:
                wide[-1].merge(candle)
            else:
                wide.append(candle.copy())
                wide[-1].open_ms = open_ms
        chosen = [
            candle
            for candle in wide
            if (start_ms is None or candle.open_ms >= start_ms)
            and (end_ms is None or candle.open_ms <= end_ms)
        ]
        return chosen[-limit:] if start_ms is None else chosen[:limit]

    def latest(self, *, interval_ms: int) -> Candle:
        """The present, unfinished candle of ``interval_ms``."""
        if interval_ms == MINUTE_MS:
            return self.current
        open_ms = self.current.open_ms // interval_ms * interval_ms
        return self.window(interval_ms=interval_ms, start_ms=open_ms, end_ms=None, limit=2)[-1]

    def day(self) -> Candle:
        """The last twenty-four hours as one candle."""
        if self._day is None:
            last = list(self.closed)[-(DAY_MINUTES - 1) :]
            self._day = last[0].copy() if last else _flat(self.current.open_ms, self.current.open)
            for candle in last[1:]:
                self._day.merge(candle)
        day = self._day.copy()
        day.merge(self.current)
        return day


def _flat(open_ms: int, price: Decimal) -> Candle:
    return Candle(open_ms, price, price, price, price)
