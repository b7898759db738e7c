"""Starts the safe-harbour protocol when an instrument ranged widely within the hour: high over low, in per cent."""

from collections import deque
from dataclasses import dataclass, field
from datetime import datetime

from trading.types import Candle

WINDOW_MINUTES = 60


@dataclass(slots=True)
class RangeGauge:
    """Lows and highs per minute; the finished minutes' extremes are cached, so a quote costs two comparisons."""

    minutes: deque[tuple[int, float, float]] = field(default_factory=deque)
    minute: int = -1
    low: float = float("inf")
    high: float = 0.0
    past_low: float = float("inf")
    past_high: float = 0.0

    def on_price(self, price: float, *, at: datetime) -> float | None:
        return self._add(int(at.timestamp()) // 60, price, price)

    def on_candle(self, candle: Candle) -> float | None:
        return self._add(int(candle.open_time.timestamp()) // 60, float(candle.low), float(candle.high))

    def _add(self, minute: int, low: float, high: float) -> float | None:
        if minute > self.minute:
            self._close_minute(minute)
        elif minute < self.minute:  # the closed bar arrives just after its minute
            if minute <= self.minute - WINDOW_MINUTES:
                return None
            self.past_low, self.past_high = min(self.past_low, low), max(self.past_high, high)
            self.minutes.append((minute, low, high))
            return self._range_pct()
        self.low, self.high = min(self.low, low), max(self.high, high)
        return self._range_pct()

    def _close_minute(self, minute: int) -> None:
        if self.minute >= 0:
            self.minutes.append((self.minute, self.low, self.high))
        kept = [entry for entry in self.minutes if entry[0] > minute - WINDOW_MINUTES]
        self.minutes = deque(kept)
        self.past_low = min((entry[1] for entry in kept), default=float("inf"))
        self.past_high = max((entry[2] for entry in kept), default=0.0)
        self.minute, self.low, self.high = minute, float("inf"), 0.0

    def _range_pct(self) -> float:
        return (max(self.past_high, self.high) / min(self.past_low, self.low) - 1) * 100


@dataclass(frozen=True, slots=True, kw_only=True)
class Volatility:
    name: str = field(default="volatility", init=False)
    quest: str = "safe_harbour"
    skill_name: str = ""
    unit: str = "per cent, high over low within 60 minutes"
    fire_at: float = 5.0
    rearm_at: float = 3.0
    cooldown_s: int = 1800

    def gauge(self) -> RangeGauge:
        return RangeGauge()


TRIGGER = Volatility()
