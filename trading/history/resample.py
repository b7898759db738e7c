"""Longer bars from shorter ones. Pure."""

import numpy as np

from trading.errors import InvalidValueError
from trading.types.research import TIMEFRAME_S, Bars


def is_derivable(timeframe: str, *, source: str) -> bool:
    """Whether whole bars of `source` fill a bar of `timeframe`."""
    step_s, source_s = TIMEFRAME_S.get(timeframe, 0), TIMEFRAME_S.get(source, 0)
    return 0 < source_s < step_s and step_s % source_s == 0


def resample(bars: Bars, *, timeframe: str) -> Bars:
    """The longer bars of which every shorter one is there; a bucket with a gap is left out, as one that has not ended.

    Features are not carried over. Raises InvalidValueError when bars of this timeframe cannot be built from these.
    """
    if timeframe == bars.timeframe:
        return bars
    if not is_derivable(timeframe, source=bars.timeframe):
        raise InvalidValueError(f"{timeframe} bars cannot be built from {bars.timeframe} ones")
    step_ms = TIMEFRAME_S[timeframe] * 1000
    bucket = bars.open_time_ms // step_ms
    starts = np.flatnonzero(np.diff(bucket, prepend=-1)) if len(bars) else np.empty(0, np.int64)
    counts = np.diff(np.append(starts, len(bars)))
    is_whole = counts == step_ms // bars.step_ms
    first = starts[is_whole]
    last = first + step_ms // bars.step_ms - 1
    return Bars(
        venue=bars.venue,
        symbol=bars.symbol,
        timeframe=timeframe,
        open_time_ms=bucket[first] * step_ms,
        open=bars.open[first],
        high=np.maximum.reduceat(bars.high, starts)[is_whole] if len(bars) else bars.high,
        low=np.minimum.reduceat(bars.low, starts)[is_whole] if len(bars) else bars.low,
        close=bars.close[last],
        volume_base=np.add.reduceat(bars.volume_base, starts)[is_whole] if len(bars) else bars.volume_base,
    )
