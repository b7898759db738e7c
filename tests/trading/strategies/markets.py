"""Made-up markets for strategies: noisy, with falls, flat stretches and prices on a tick, and every feature a strategy may ask for."""

import numpy as np

from trading.types.research import Bars, FloatArray

START_MS = 1_704_067_200_000


def market(seed: int, *, size: int = 3000, timeframe: str = "1m", tick: float = 0.01) -> Bars:
    """`size` bars, the same for the same seed; nothing in them can be written to."""
    rng = np.random.default_rng(seed)
    close = _walk(rng, size, tick=tick)
    opened = np.concatenate((close[:1], close[:-1]))
    spread = np.abs(rng.normal(0, 0.0008, (2, size))) * close
    step_ms = {"1m": 60_000, "5m": 300_000, "1h": 3_600_000}[timeframe]
    columns = {
        "open": opened,
        "high": _on_tick(np.maximum(opened, close) + spread[0], tick),
        "low": _on_tick(np.minimum(opened, close) - spread[1], tick),
        "close": close,
        "volume_base": np.round(rng.lognormal(1, 0.9, size), 4),
    }
    features = {
        "sentiment": np.clip(np.cumsum(rng.normal(0.002, 0.05, size)), -1, 1),
        "bid_share_ratio": rng.uniform(0.5, 1, size),
        "other_close": _on_tick(close * (1 + _swinging(rng, size) * 0.006), tick),
        "funding_ratio": 0.0001 + 0.0001 * _swinging(rng, size),
    }
    times = START_MS + step_ms * np.arange(size, dtype=np.int64)
    for column in (times, *columns.values(), *features.values()):
        column.setflags(write=False)
    return Bars(
        venue="somewhere",
        symbol="ADA/USDT",
        timeframe=timeframe,
        open_time_ms=times,
        features=features,
        **columns,
    )


def _walk(rng: np.random.Generator, size: int, *, tick: float) -> FloatArray:
    """Bursts, a pull to the middle, and stretches without any trade."""
    burst = 1 + 3 * (np.sin(np.arange(size) / 90) > 0.7)
    noise = rng.normal(0, 0.0012, size) * burst
    noise[(np.arange(size) % 500) > 470] = 0
    level = np.zeros(size)
    for bar in range(1, size):
        level[bar] = 0.995 * level[bar - 1] + noise[bar] if noise[bar] else level[bar - 1]
    return _on_tick(100 * np.exp(level), tick)


def _swinging(rng: np.random.Generator, size: int) -> FloatArray:
    return np.sin(np.arange(size) / 40 + rng.uniform(0, 6)) + rng.normal(0, 0.1, size)


def _on_tick(prices: FloatArray, tick: float) -> FloatArray:
    return np.asarray(np.round(prices / tick) * tick, dtype=np.float64)
