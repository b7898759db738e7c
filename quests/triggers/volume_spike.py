"""Wakes the desk when a closed 1m bar traded far more than the twenty before it: something happened."""

from collections import deque
from dataclasses import dataclass, field
from datetime import datetime

from trading.types import Candle

BARS = 20


@dataclass(slots=True)
class VolumeGauge:
    volumes: deque[float] = field(default_factory=lambda: deque(maxlen=BARS))
    last_open_time: datetime | None = None

    def on_price(self, price: float, *, at: datetime) -> float | None:
        return None  # volume is known when the bar closes

    def on_candle(self, candle: Candle) -> float | None:
        """Increase over the mean of the bars before, in per cent; None with too few bars or none that traded."""
        if self.last_open_time is not None and candle.open_time <= self.last_open_time:
            return None
        self.last_open_time = candle.open_time
        volume = float(candle.volume_base)
        usual = sum(self.volumes) / BARS if len(self.volumes) == BARS else 0.0
        self.volumes.append(volume)
        return (volume / usual - 1) * 100 if usual > 0 else None


@dataclass(frozen=True, slots=True, kw_only=True)
class VolumeSpike:
    name: str = field(default="volume_spike", init=False)
    quest: str = "weigh_setup"
    skill_name: str = "momentum-scan"
    unit: str = "per cent over the mean of 20 bars of 1m"
    fire_at: float = 500.0
    rearm_at: float = 100.0
    cooldown_s: int = 900

    def gauge(self) -> VolumeGauge:
        return VolumeGauge()


TRIGGER = VolumeSpike()
