"""Fewer points for showing, without hiding anything: each bucket keeps its lowest and its highest."""

import numpy as np

from trading.backtest.report.values import Candles, Line
from trading.types.research import TIMEFRAME_S, Bars, FloatArray, IntArray

MOST_BUCKETS = 700
MOST_CANDLES = 420


def line(time_ms: IntArray, values: FloatArray, *, buckets: int = MOST_BUCKETS) -> Line:
    """The curve by its first and last point and the lowest and highest of each bucket, in order of time, each point once."""
    if values.size <= 2 * buckets:
        return _line(time_ms, values)
    width = -(-values.size // buckets)
    whole = values.size // width * width
    rows = values[:whole].reshape(-1, width)
    begins = np.arange(0, whole, width)
    kept = [begins + rows.argmin(axis=1), begins + rows.argmax(axis=1), np.array([0, values.size - 1])]
    if whole < values.size:
        kept.append(np.array([whole + values[whole:].argmin(), whole + values[whole:].argmax()]))
    index = np.unique(np.concatenate(kept))
    return _line(time_ms[index], values[index])


def candles(bars: Bars, *, most: int = MOST_CANDLES) -> Candles:
    """At most about `most` candles: whole timeframes put together, so that each covers a span people know."""
    step_ms = _step_ms(bars, most=most)
    bucket = bars.open_time_ms // step_ms
    first = np.flatnonzero(np.diff(bucket, prepend=bucket[:1] - 1))
    last = np.append(first[1:], len(bars)) - 1 if first.size else first
    return Candles(
        symbol=bars.symbol,
        timeframe=bars.timeframe if step_ms == bars.step_ms else _name(step_ms),
        bars_per_candle=step_ms // bars.step_ms,
        time_ms=tuple((bucket[first] * step_ms).tolist()),
        open=_shown(bars.open[first]),
        high=_shown(np.maximum.reduceat(bars.high, first)) if first.size else (),
        low=_shown(np.minimum.reduceat(bars.low, first)) if first.size else (),
        close=_shown(bars.close[last]),
    )


def _step_ms(bars: Bars, *, most: int) -> int:
    """The shortest timeframe, or number of days, that leaves at most `most` candles."""
    if not len(bars):
        return bars.step_ms
    span_ms = int(bars.open_time_ms[-1] - bars.open_time_ms[0]) + bars.step_ms
    for length_s in TIMEFRAME_S.values():
        if length_s * 1000 >= bars.step_ms and span_ms <= most * length_s * 1000:
            return length_s * 1000
    day_ms = TIMEFRAME_S["1d"] * 1000
    return -(-span_ms // (most * day_ms)) * day_ms


def _name(step_ms: int) -> str:
    names = {length_s * 1000: name for name, length_s in TIMEFRAME_S.items()}
    return names.get(step_ms) or f"{step_ms // (TIMEFRAME_S['1d'] * 1000)}d"


def _line(time_ms: IntArray, values: FloatArray) -> Line:
    return Line(time_ms=tuple(time_ms.tolist()), values=_shown(values))


def _shown(values: FloatArray) -> tuple[float, ...]:
    """Nine digits: finer than any screen, a third of the bytes."""
    return tuple(float(f"{value:.9g}") for value in values.tolist())
