"""Quotes and candles for the tests of quests."""

from datetime import UTC, datetime, timedelta
from decimal import Decimal

from trading.types import Candle, Quote

START = datetime(2026, 11, 20, 12, 0, tzinfo=UTC)


def quote(price: float, *, at: datetime, venue: str = "binance") -> Quote:
    mid = Decimal(str(round(price, 2)))
    return Quote(
        venue=venue,
        symbol="BTC/USDT",
        bid=mid - Decimal("0.01"),
        ask=mid + Decimal("0.01"),
        bid_size=Decimal(1),
        ask_size=Decimal(1),
        as_of=at,
        received_at=at,
    )


def candle(minute: int, close: float, *, open_: float | None = None, volume: float = 1.0) -> Candle:
    before = close if open_ is None else open_
    low, high = sorted((Decimal(str(before)), Decimal(str(close))))
    return Candle(
        open_time=START + timedelta(minutes=minute),
        open=Decimal(str(before)),
        high=high,
        low=low,
        close=Decimal(str(close)),
        volume_base=Decimal(str(volume)),
    )
