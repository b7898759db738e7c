"""Wakes the desk when an instrument is oversold: the desk's RSI(14), which is Wilder's, on 1m closes, followed tick by tick."""

import math
from dataclasses import dataclass, field
from datetime import datetime

from trading import indicators
from trading.types import Candle

LENGTH = 14
# Where nothing moved at all; TA-Lib says 0 there, which would be the deepest oversold.
STILL = 50.0


def _stream() -> indicators.Stream[float]:
    return indicators.stream("rsi", period=LENGTH)


@dataclass(slots=True)
class RsiGauge:
    """A live price is weighed as if the running bar closed there. After a restart the stored bars fill it again."""

    stream: indicators.Stream[float] = field(default_factory=_stream)
    first_close: float | None = None
    has_moved: bool = False
    is_warm: bool = False
    last_open_time: datetime | None = None

    def on_price(self, price: float, *, at: datetime) -> float | None:
        if not self.is_warm:
            return None
        if not self.has_moved and price == self.first_close:
            return STILL
        return self.stream.peek(price)

    def on_candle(self, candle: Candle) -> float | None:
        if self.last_open_time is not None and candle.open_time <= self.last_open_time:
            return None  # a bar that came twice or late
        self.last_open_time = candle.open_time
        close = float(candle.close)
        if self.first_close is None:
            self.first_close = close
        self.has_moved = self.has_moved or close != self.first_close
        value = self.stream.update(close)
        self.is_warm = not math.isnan(value)
        if not self.is_warm:
            return None
        return value if self.has_moved else STILL


@dataclass(frozen=True, slots=True, kw_only=True)
class Rsi:
    name: str = field(default="rsi", init=False)
    quest: str = "weigh_setup"
    skill_name: str = "mean-reversion"
    unit: str = "RSI(14) on 1m, 0 to 100"
    fire_at: float = 30.0
    rearm_at: float = 45.0
    cooldown_s: int = 900

    def gauge(self) -> RsiGauge:
        return RsiGauge()


TRIGGER = Rsi()
