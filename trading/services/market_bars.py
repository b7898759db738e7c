"""Candles from trades, and longer candles from minutes. Pure: times come in, nothing is read or written."""

from collections.abc import Sequence
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from decimal import Decimal

from trading.types import ZERO, Candle, PublicTrade

MINUTE = timedelta(minutes=1)
TIMEFRAMES = {"1m": MINUTE, "5m": timedelta(minutes=5), "1h": timedelta(hours=1)}
DERIVED = ("5m", "1h")
_EPOCH = datetime(1970, 1, 1, tzinfo=UTC)


def floor(at: datetime, *, length: timedelta) -> datetime:
    """The start of the bar of `length` that holds `at`."""
    return at - (at - _EPOCH) % length


def flat(open_time: datetime, *, price: Decimal) -> Candle:
    """A bar in which nobody traded."""
    return Candle(open_time=open_time, open=price, high=price, low=price, close=price, volume_base=ZERO)


def fill_flat(candles: Sequence[Candle], *, length: timedelta = MINUTE) -> list[Candle]:
    """The same candles, oldest first, with flat ones where the venue leaves out those without a trade."""
    filled: list[Candle] = []
    for candle in candles:
        while filled and filled[-1].open_time + length < candle.open_time:
            filled.append(flat(filled[-1].open_time + length, price=filled[-1].close))
        filled.append(candle)
    return filled


def merge(candles: Sequence[Candle]) -> Candle:
    """One candle over consecutive ones: first open, highest high, lowest low, last close, summed volume."""
    return Candle(
        open_time=candles[0].open_time,
        open=candles[0].open,
        high=max(candle.high for candle in candles),
        low=min(candle.low for candle in candles),
        close=candles[-1].close,
        volume_base=sum((candle.volume_base for candle in candles), ZERO),
    )


def derive(minutes: Sequence[Candle], *, timeframe: str) -> list[Candle]:
    """The longer candles of which every minute is there, oldest first; minutes must be unique and oldest first."""
    length = TIMEFRAMES[timeframe]
    groups: dict[datetime, list[Candle]] = {}
    for candle in minutes:
        groups.setdefault(floor(candle.open_time, length=length), []).append(candle)
    return [merge(group) for group in groups.values() if len(group) == length // MINUTE]


@dataclass(slots=True)
class MinuteBuilder:
    """Builds one instrument's minutes from its trades. Only minutes seen whole are told: after a start or a lost connection
    the minute under way is left to REST.
    """

    whole_from: datetime
    last_close: Decimal | None = None
    _open: dict[datetime, Candle] = field(default_factory=dict)
    _closed_until: datetime | None = None

    @classmethod
    def starting(cls, at: datetime) -> "MinuteBuilder":
        return cls(whole_from=floor(at, length=MINUTE) + MINUTE)

    def add(self, trade: PublicTrade) -> None:
        """Takes in a trade; one that belongs to a minute already closed is left to the REST correction."""
        minute = floor(trade.as_of, length=MINUTE)
        if minute < self.whole_from or (self._closed_until is not None and minute < self._closed_until):
            return
        candle = self._open.get(minute)
        price, size = trade.price, trade.size
        self._open[minute] = (
            Candle(open_time=minute, open=price, high=price, low=price, close=price, volume_base=size)
            if candle is None
            else Candle(
                open_time=minute,
                open=candle.open,
                high=max(candle.high, price),
                low=min(candle.low, price),
                close=price,
                volume_base=candle.volume_base + size,
            )
        )

    def interrupt(self, *, at: datetime) -> None:
        """Trades may have been missed until `at`: forgets the minutes under way and the last price."""
        self.last_close = None
        self.whole_from = max(self.whole_from, floor(at, length=MINUTE) + MINUTE)
        self._open = {minute: c for minute, c in self._open.items() if minute >= self.whole_from}

    def heal(self, newest: Candle) -> None:
        """The venue's own newest closed minute: from here on, a minute without a trade is flat at its close."""
        if newest.open_time + MINUTE >= max(self.whole_from, self._closed_until or self.whole_from):
            self.last_close = newest.close

    def close(self, *, until: datetime) -> list[Candle]:
        """Every whole minute that ended by `until`, once, oldest first; minutes without trades are flat when a price is known."""
        end = floor(until, length=MINUTE)
        minute = max(self.whole_from, self._closed_until or self.whole_from)
        closed: list[Candle] = []
        while minute < end:
            candle = self._open.pop(minute, None)
            if candle is None and self.last_close is not None:
                candle = flat(minute, price=self.last_close)
            if candle is not None:
                closed.append(candle)
                self.last_close = candle.close
            minute += MINUTE
        self._closed_until = max(minute, self._closed_until or minute)
        return closed
