"""Seeded bars that look like a market's."""

import numpy as np

from trading.types.research import TIMEFRAME_S, Bars

START_MS = 1_640_995_200_000  # 2022-01-01


def make_bars(
    count: int,
    *,
    seed: int = 1,
    venue: str = "binance",
    symbol: str = "BTC/USDT",
    timeframe: str = "1m",
    start_ms: int = START_MS,
    keep: float = 1.0,
) -> Bars:
    """A random walk; `keep` below 1 leaves out bars at random, never the first or the last."""
    rng = np.random.default_rng(seed)
    close = np.round(100 * np.exp(np.cumsum(rng.normal(0, 1e-3, count))), 6)
    opens = np.concatenate([[100.0], close[:-1]]) if count else close
    low = np.minimum(opens, close) * (1 - rng.random(count) * 1e-3)
    high = np.maximum(opens, close) * (1 + rng.random(count) * 1e-3)
    index = np.flatnonzero(rng.random(count) < keep)
    if count:
        index = np.unique(np.concatenate([[0], index, [count - 1]]))
    times = start_ms + np.arange(count, dtype=np.int64) * TIMEFRAME_S[timeframe] * 1000
    return Bars(
        venue=venue,
        symbol=symbol,
        timeframe=timeframe,
        open_time_ms=times[index],
        open=opens[index],
        high=high[index],
        low=low[index],
        close=close[index],
        volume_base=rng.exponential(1.0, count)[index],
    )


def take(bars: Bars, index: "np.typing.NDArray[np.int64]") -> Bars:
    """The bars at `index`, which must increase."""
    return Bars(
        venue=bars.venue,
        symbol=bars.symbol,
        timeframe=bars.timeframe,
        open_time_ms=bars.open_time_ms[index],
        open=bars.open[index],
        high=bars.high[index],
        low=bars.low[index],
        close=bars.close[index],
        volume_base=bars.volume_base[index],
    )
