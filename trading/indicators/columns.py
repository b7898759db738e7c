"""Number columns as the formulas need them: float64, one dimension, one length, and only the part that is finite.

Bars before the first one that is finite in every column do not count: the warm-up begins there. From the first bar after it that is
not finite in any column, the result is NaN to the end, because averages that carry their past on could only be wrong after it
(TA-Lib itself gives 0 for an RSI after a NaN, which would look like a market sold out).
"""

from collections.abc import Sequence

import numpy as np
import numpy.typing as npt

from trading.errors import InvalidValueError
from trading.types.research import FloatArray


def clean(names: Sequence[str], given: Sequence[npt.ArrayLike]) -> tuple[FloatArray, ...]:
    """The columns as float64 arrays, copied only where they are something else. Raises InvalidValueError in one line."""
    if len(names) != len(given):
        raise InvalidValueError(f"give {len(names)} columns ({', '.join(names)}), not {len(given)}")
    columns = tuple(_column(name, values) for name, values in zip(names, given, strict=True))
    if len({column.size for column in columns}) > 1:
        sizes = ", ".join(f"{name} {column.size}" for name, column in zip(names, columns, strict=True))
        raise InvalidValueError(f"the columns must be of equal length, not {sizes}")
    return columns


def _column(name: str, values: npt.ArrayLike) -> FloatArray:
    try:
        column = np.asarray(values, dtype=np.float64)
    except (TypeError, ValueError) as error:
        raise InvalidValueError(f"{name} must be one row of numbers ({error})") from error
    if column.ndim != 1:
        raise InvalidValueError(f"{name} must be one row of numbers, not {column.ndim} dimensions")
    return np.ascontiguousarray(column)


def finite_span(columns: Sequence[FloatArray]) -> tuple[int, int]:
    """First bar that is finite in every column, and the first one after it that is not (or the length)."""
    size = columns[0].size
    if size == 0 or all(np.isfinite(column).all() for column in columns):
        return 0, size
    is_good = np.logical_and.reduce([np.isfinite(column) for column in columns])
    first = int(np.argmax(is_good))
    if not is_good[first]:
        return size, size
    rest = is_good[first:]
    stop = int(np.argmin(rest))
    return first, size if rest[stop] else first + stop
