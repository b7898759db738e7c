"""A made-up market for the gate and the benchmarks: bursts of volatility, jumps, prices on a tick, and an hour in which nothing moves."""

from collections.abc import Mapping

import numpy as np

from trading.errors import InvalidValueError
from trading.types.research import FloatArray

_TICK = 0.01
_STILL = 60
_JUMP_EVERY = 5000
MOST_BARS = 20_000_000


def candles(*, bars: int, seed: int) -> Mapping[str, FloatArray]:
    """Columns high, low, close and volume of `bars` bars, the same for the same seed. `values` is the close."""
    if bars < 1:
        raise InvalidValueError(f"a market needs at least one bar, not {bars}")
    if bars > MOST_BARS:
        raise InvalidValueError(f"{bars:,} bars are more than memory holds; give at most {MOST_BARS:,}")
    rng = np.random.default_rng(seed)
    volatility = 5e-4 * np.exp(_slow_waves(rng.normal(0, 0.03, bars)))
    change = rng.normal(0, 1, bars) * volatility
    change[::_JUMP_EVERY] += rng.choice([-0.02, 0.02], change[::_JUMP_EVERY].size)
    reach = np.abs(rng.normal(0, 0.5, (2, bars))) * volatility
    still = slice(bars // 3, bars // 3 + _STILL)
    change[still] = reach[:, still] = 0.0
    # thrown back at a fifth and at five times its start, so that a long sample stays in a believable range
    path = 50_000.0 * np.exp(np.arcsin(np.sin(np.cumsum(change))))
    close = np.round(path / _TICK) * _TICK
    before = np.concatenate((close[:1], close[:-1]))
    high = np.round(np.maximum(before, close) * (1 + reach[0]) / _TICK) * _TICK
    low = np.round(np.minimum(before, close) * (1 - reach[1]) / _TICK) * _TICK
    volume = np.round(rng.lognormal(0, 1, bars), 4)
    volume[still] = 0.0
    return {"values": close, "high": high, "low": low, "close": close, "volume": volume}


def _slow_waves(noise: FloatArray, *, memory: int = 500) -> FloatArray:
    """The noise summed over the last `memory` bars."""
    total = np.cumsum(noise)
    total[memory:] -= total[:-memory].copy()
    return total
