"""Wakes the desk when an instrument is oversold: Wilder's RSI(14) on 1m closes, followed tick by tick.

Source of the formula: J. W. Wilder, New Concepts in Technical Trading Systems (1978), chapter 6. It is the desk's RSI
(trading.indicators) but for a market that never moved, which is no oversold one. Written out here because the watching process
should not carry TA-Lib, which brings pandas along (80 MB), for two averages.
"""

from dataclasses import dataclass, field
from datetime import datetime

from trading.types import Candle

LENGTH = 14


@dataclass(slots=True)
class RsiGauge:
    """Averages of closed bars; a live price is weighed as if the running bar closed there."""

    gain: float = 0.0
    loss: float = 0.0
    close: float | None = None
    changes: int = 0
    last_open_time: datetime | None = None

    def on_price(self, price: float, *, at: datetime) -> float | None:
        if self.close is None or self.changes < LENGTH:
            return None
        return _rsi(*self._smoothed(price))

    def on_candle(self, candle: Candle) -> float | None:
        if self.last_open_time is not None and candle.open_time <= self.last_open_time:
            return None  # a bar that came twice or late
        self.last_open_time = candle.open_time
        close = float(candle.close)
        if self.close is not None:
            self.gain, self.loss = self._smoothed(close)
            self.changes += 1
        self.close = close
        return _rsi(self.gain, self.loss) if self.changes >= LENGTH else None

    def _smoothed(self, close: float) -> tuple[float, float]:
        """Averages after one more close: a plain mean while warming up, Wilder's smoothing afterwards."""
        change = close - (self.close or close)
        weight = min(self.changes, LENGTH - 1)
        return (
            (self.gain * weight + max(change, 0.0)) / (weight + 1),
            (self.loss * weight + max(-change, 0.0)) / (weight + 1),
        )


def _rsi(gain: float, loss: float) -> float:
    """0 to 100; 50 when nothing moved at all."""
    return 100 * gain / (gain + loss) if gain + loss > 0 else 50.0


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
