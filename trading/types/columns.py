"""Small steps over columns that strategies share: the bar before, one value for all bars, a feature that must be there."""

import numpy as np

from trading.errors import InvalidValueError
from trading.types.research import Bars, BoolArray, FloatArray


def before(values: FloatArray, *, bars: int = 1) -> FloatArray:
    """The value `bars` bars ago, NaN where there was none; shape (n,)."""
    earlier = np.full(values.shape, np.nan)
    if bars < values.size:
        earlier[bars:] = values[: values.size - bars]
    return earlier


def was(flags: BoolArray, *, bars: int = 1) -> BoolArray:
    """Whether `flags` held `bars` bars ago, False where there was no such bar; shape (n,)."""
    earlier = np.zeros(flags.shape, dtype=np.bool_)
    if bars < flags.size:
        earlier[bars:] = flags[: flags.size - bars]
    return earlier


def always(value: float) -> FloatArray:
    """One value that holds for every bar; shape (1,)."""
    return np.array([value], dtype=np.float64)


def required(bars: Bars, name: str, *, by: str) -> FloatArray:
    """The feature column `name`; InvalidValueError in one line when the bars lack it."""
    column = bars.features.get(name)
    if column is None:
        raise InvalidValueError(f"{by} needs the feature {name!r}, which {bars.venue} {bars.symbol} has not")
    return column


# Indicators' last digits depend on where their sums and averages began. A value this near to a level lies on it, not beyond: else a
# market that stands still would say one thing in a backtest and another live.
_MARGIN_RATIO = 1e-6


def clearly_below(values: FloatArray, level: FloatArray) -> BoolArray:
    """True where `values` lies below `level` by more than rounding could explain; False where either is NaN.

    A level is a price or an index, never negative.
    """
    return np.asarray(values < level * (1 - _MARGIN_RATIO), dtype=np.bool_)
