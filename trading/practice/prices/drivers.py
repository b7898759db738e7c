"""What moves fair prices: a seeded generator, or recorded candles with the generator for everything else.

The generator is a one-factor model in log returns: a market factor whose volatility itself wanders (clusters) and
sometimes jumps, plus each instrument's own noise. Floats are fine here: this is the weather, not the money.
"""

from __future__ import annotations

import math
import random
from typing import TYPE_CHECKING, Protocol

from trading.practice.prices.recorded import RecordedCandles

if TYPE_CHECKING:
    import numpy as np

    Floats = np.ndarray[tuple[int, ...], np.dtype[np.float64]]

MARKET_VOLATILITY_PER_ROOT_S = 9.0e-5  # about 0.07 % a minute, 50 % a year
VOLATILITY_PULL_PER_S = 1 / 300
VOLATILITY_NOISE_PER_ROOT_S = 0.045
JUMPS_PER_S = 1 / 900
JUMP_SIZE_RATIO = 0.0025


class Driver(Protocol):
    """Moves prices on."""

    def returns(self, *, dt_s: float) -> dict[str, float]:
        """Log return of every symbol over the next ``dt_s`` seconds."""

    def activity(self, symbol: str) -> float:
        """How busy trading in ``symbol`` is now; 1 is usual."""

    def position_s(self) -> float:
        """How far the driver has come, in its own seconds (for a restart)."""


def beta_of(symbol: str, *, seed: int) -> float:
    """How strongly ``symbol`` follows the market factor: one for bitcoin, 0.9 to 1.5 for others."""
    return 1.0 if symbol.startswith("BTC/") else random.Random(f"{seed}:beta:{symbol}").uniform(0.9, 1.5)


class Generated:
    """Seeded random prices with volatility clusters, jumps and correlation."""

    def __init__(self, symbols: list[str], *, seed: int, volatility: float = 1.0) -> None:
        self._random = random.Random(f"{seed}:driver")
        self._betas = {symbol: beta_of(symbol, seed=seed) for symbol in symbols}
        self._sigma = MARKET_VOLATILITY_PER_ROOT_S * volatility
        self._log_volatility = 0.0
        self._position_s = 0.0

    def returns(self, *, dt_s: float) -> dict[str, float]:
        """Log returns over ``dt_s`` seconds."""
        gauss, root = self._random.gauss, math.sqrt(dt_s)
        self._position_s += dt_s
        self._log_volatility += (
            -self._log_volatility * VOLATILITY_PULL_PER_S * dt_s
            + VOLATILITY_NOISE_PER_ROOT_S * root * gauss(0, 1)
        )
        sigma = self._sigma * math.exp(self._log_volatility) * root
        market = sigma * gauss(0, 1)
        if self._random.random() < JUMPS_PER_S * dt_s:
            market += gauss(0, JUMP_SIZE_RATIO)
        return {symbol: beta * market + 0.5 * sigma * gauss(0, 1) for symbol, beta in self._betas.items()}

    def activity(self, symbol: str) -> float:
        """Busy when volatile."""
        return min(4.0, max(0.3, math.exp(self._log_volatility)))

    def position_s(self) -> float:
        """Seconds generated."""
        return self._position_s


class Recorded:
    """Plays recorded candles at ``speed`` times their own pace, round and round; other symbols follow them."""

    def __init__(
        self,
        recordings: dict[str, RecordedCandles],
        *,
        symbols: list[str],
        seed: int,
        speed: float,
        start_s: dict[str, float],
        volatility: float = 1.0,
    ) -> None:
        self._paths = {symbol: Path(candles) for symbol, candles in recordings.items()}
        self._leader = next(iter(recordings))
        self._speed = speed
        self._start_s = start_s
        self._position_s = 0.0
        self._random = random.Random(f"{seed}:driver")
        self._betas = {symbol: beta_of(symbol, seed=seed) for symbol in symbols if symbol not in recordings}
        self._sigma = 0.5 * MARKET_VOLATILITY_PER_ROOT_S * volatility * math.sqrt(speed)

    def returns(self, *, dt_s: float) -> dict[str, float]:
        """Log returns over ``dt_s`` seconds of real time."""
        before, self._position_s = self._position_s, self._position_s + dt_s * self._speed
        result = {}
        for symbol, path in self._paths.items():
            start = self._start_s[symbol]
            result[symbol] = path.log_return(start + before, start + self._position_s)
        leader, noise = result[self._leader], self._sigma * math.sqrt(dt_s)
        for symbol, beta in self._betas.items():
            result[symbol] = beta * leader + noise * self._random.gauss(0, 1)
        return result

    def activity(self, symbol: str) -> float:
        """Recorded volume against its median."""
        name = symbol if symbol in self._paths else self._leader
        return self._paths[name].activity(self._start_s[name] + self._position_s)

    def position_s(self) -> float:
        """Recorded seconds played."""
        return self._position_s

    def resume(self, position_s: float) -> None:
        """Go on from where an earlier run stood."""
        self._position_s = position_s


class Path:
    """Recorded candles as a line through open, the nearer extreme, the other extreme, close; it repeats for ever."""

    def __init__(self, candles: RecordedCandles) -> None:
        import numpy as np

        count, step = len(candles), candles.interval_s
        up = candles.close >= candles.open
        first = np.where(up, candles.low, candles.high)
        second = np.where(up, candles.high, candles.low)
        starts = np.arange(count) * step
        self._times = np.stack([starts, starts + step * 0.25, starts + step * 0.75], axis=1).ravel()
        self._logs = np.log(np.stack([candles.open, first, second], axis=1).ravel())
        self._times = np.append(self._times, count * step)
        self._logs = np.append(self._logs, np.log(candles.close[-1]))
        self.length_s = count * step
        self._step_s = step
        usual = float(np.median(candles.volume[candles.volume > 0])) if (candles.volume > 0).any() else 1.0
        self._activity = (candles.volume / usual).clip(0.2, 5.0)

    def log_price(self, at_s: float) -> float:
        """Log of the price ``at_s`` seconds after the first candle's open."""
        import numpy as np

        return float(np.interp(at_s % self.length_s, self._times, self._logs))

    def price(self, at_s: float) -> float:
        """The price ``at_s`` seconds after the first candle's open; later laps go on from where the last one ended."""
        laps = math.floor(at_s / self.length_s)
        return math.exp(self.log_price(at_s) + laps * float(self._logs[-1] - self._logs[0]))

    def log_return(self, from_s: float, to_s: float) -> float:
        """Log return between two moments; a lap joins end and beginning without a jump."""
        laps = math.floor(to_s / self.length_s) - math.floor(from_s / self.length_s)
        return self.log_price(to_s) - self.log_price(from_s) + laps * float(self._logs[-1] - self._logs[0])

    def activity(self, at_s: float) -> float:
        """Volume of the candle at that moment against the median."""
        return float(self._activity[int(at_s % self.length_s / self._step_s) % len(self._activity)])
