"""The 5-minute candles that the desk measures volatility with, cut from bars of any length. Pure.

A bar longer than a minute is cut along the path the rehearsal plays: open, low, high, close in equal times. Minutes that are missing
stood still, as the desk itself fills them.
"""

from decimal import Decimal

import numpy as np

from neuratrade.lib.clock import from_epoch_ms
from trading.types import Candle
from trading.types.research import Bars, FloatArray, IntArray

MINUTE_MS = 60_000
FIVE_MS = 5 * MINUTE_MS
_LOW_AT, _HIGH_AT = 1 / 3, 2 / 3


def five_minutes(bars: Bars, *, since_ms: int, until_ms: int) -> list[Candle]:
    """Every whole candle that begins at or after `since_ms` and is closed at `until_ms`, oldest first."""
    first = max(int(np.searchsorted(bars.open_time_ms, since_ms, side="right")) - 1, 0)
    last = int(np.searchsorted(bars.open_time_ms, until_ms - bars.step_ms, side="right"))
    if first >= last:
        return []
    time_ms, rows = _minutes(bars.part(first, last))
    start_ms = -(-max(since_ms, int(time_ms[0])) // FIVE_MS) * FIVE_MS
    grid = np.arange(start_ms, int(time_ms[-1]) + MINUTE_MS, MINUTE_MS)
    grid = grid[: grid.size // 5 * 5]
    if not grid.size:
        return []
    known = np.searchsorted(time_ms, grid, side="right") - 1
    stood_still = time_ms[known] != grid
    open_, high, low, close = (column[known].copy() for column in rows)
    for column in (open_, high, low):
        column[stood_still] = close[stood_still]
    shape = (-1, 5)
    highs, lows = high.reshape(shape).max(axis=1), low.reshape(shape).min(axis=1)
    return [
        Candle(
            open_time=from_epoch_ms(int(grid[5 * i])),
            open=_decimal(open_[5 * i]),
            high=_decimal(highs[i]),
            low=_decimal(lows[i]),
            close=_decimal(close[5 * i + 4]),
            volume_base=Decimal(0),
        )
        for i in range(highs.size)
    ]


def _minutes(bars: Bars) -> tuple[IntArray, tuple[FloatArray, FloatArray, FloatArray, FloatArray]]:
    """Open times, and open, high, low, close of each minute of each bar."""
    count = bars.step_ms // MINUTE_MS
    edges = np.arange(count + 1) / count
    anchors = np.stack([bars.open, bars.low, bars.high, bars.close])
    path = np.stack([np.interp(edges, (0, _LOW_AT, _HIGH_AT, 1), anchors[:, i]) for i in range(len(bars))])
    begin, end = path[:, :-1].copy(), path[:, 1:].copy()
    low, high = np.minimum(begin, end), np.maximum(begin, end)
    low[:, min(int(_LOW_AT * count), count - 1)] = bars.low
    high[:, min(int(_HIGH_AT * count), count - 1)] = bars.high
    time_ms = (bars.open_time_ms[:, None] + np.arange(count) * MINUTE_MS).ravel()
    return time_ms, (begin.ravel(), high.ravel(), low.ravel(), end.ravel())


def _decimal(value: float) -> Decimal:
    return Decimal(str(float(value)))
