"""Falls from a peak of equity and the way back: the deepest ones, one by one."""

import numpy as np

from trading.backtest.report.curve import Curve
from trading.backtest.report.values import Drawdown
from trading.types.research import FloatArray, IntArray

MOST = 5


def deepest(curve: Curve, *, most: int = MOST) -> tuple[Drawdown, ...]:
    """The `most` deepest falls as parts of their peak, deepest first; empty when equity never fell."""
    starts, ends = _spells(curve)
    if not starts.size:
        return ()
    depth = np.maximum.reduceat(curve.drawdown, starts)
    order = np.lexsort((starts, -depth))[:most]
    return tuple(_drawdown(curve, begin=int(starts[i]), end=int(ends[i])) for i in order)


def widest(curve: Curve) -> Drawdown | None:
    """The fall that cost most in quote, from its peak on; None when equity never fell."""
    if not curve.equity.size:
        return None
    low = int(np.argmax(curve.peak - curve.equity))
    starts, ends = _spells(curve)
    spell = int(np.searchsorted(starts, low, side="right")) - 1
    if not starts.size or spell < 0:
        return None
    return _drawdown(curve, begin=int(starts[spell]), end=int(ends[spell]), values=curve.equity - curve.peak)


def _spells(curve: Curve) -> tuple[IntArray, IntArray]:
    """First mark below the peak and first mark back at it (one past the last mark when never)."""
    below = np.concatenate(([False], curve.equity < curve.peak, [False]))
    edges = np.flatnonzero(below[1:] != below[:-1])
    return edges[::2], edges[1::2]


def _drawdown(curve: Curve, *, begin: int, end: int, values: FloatArray | None = None) -> Drawdown:
    """The spell from mark `begin` to before `end`; its low is the least of `values` (equity in parts of its peak unless given)."""
    measure = -curve.drawdown if values is None else values
    low = begin + int(np.argmin(measure[begin:end]))
    # The peak is the mark before; a fall from the very first bar began with the run.
    start_ms = int(curve.close_ms[begin - 1]) if begin else curve.start_ms
    low_ms = int(curve.close_ms[low])
    end_ms = int(curve.close_ms[end]) if end < curve.close_ms.size else None
    until_ms = int(curve.close_ms[-1]) if end_ms is None else end_ms
    return Drawdown(
        start_ms=start_ms,
        low_ms=low_ms,
        end_ms=end_ms,
        peak_quote=float(curve.peak[low]),
        low_quote=float(curve.equity[low]),
        depth_ratio=float(curve.drawdown[low]),
        length_s=(until_ms - start_ms) / 1000,
        recovery_s=None if end_ms is None else (end_ms - low_ms) / 1000,
    )


def longest_s(curve: Curve) -> float:
    """The longest time from a peak until it was reached again, or until the last close; 0 when equity never fell."""
    starts, ends = _spells(curve)
    if not starts.size:
        return 0.0
    closes = np.concatenate(([curve.start_ms], curve.close_ms))
    until = closes[np.minimum(ends + 1, closes.size - 1)]
    return float((until - closes[starts]).max()) / 1000
