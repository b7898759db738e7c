"""Arrays as bytes for a database row.

A run's trades and curve lie in its row, compressed: they are written and deleted with it, and a backup of the database holds
them. NumPy's own format names the columns and their types, so an old row stays readable when a column is added.
"""

import io
import zlib
from typing import Any

import numpy as np
import numpy.typing as npt

from trading.backtest.report import thinning
from trading.errors import InvalidValueError
from trading.types.research import FloatArray, IntArray

# Level 1: a third larger than level 6 at a fifth of its time.
_LEVEL = 1
CURVE_POINTS = 2_000


def pack(array: npt.NDArray[Any]) -> bytes:
    """A whole array, its shape and types included."""
    stream = io.BytesIO()
    np.save(stream, array, allow_pickle=False)
    return zlib.compress(stream.getbuffer(), _LEVEL)


def unpack(content: bytes) -> npt.NDArray[Any]:
    """What `pack` was given; InvalidValueError when the bytes are damaged."""
    try:
        array: npt.NDArray[Any] = np.load(io.BytesIO(zlib.decompress(content)), allow_pickle=False)
    except (zlib.error, ValueError, EOFError) as error:
        raise InvalidValueError("a stored run is damaged; run the backtest again") from error
    return array


def pack_curve(time_ms: IntArray, equity: FloatArray) -> bytes:
    """At most `CURVE_POINTS` of an equity curve, with every peak and trough of the whole still visible."""
    line = thinning.line(time_ms, equity, buckets=CURVE_POINTS // 2 - 1)
    return pack(np.array([line.time_ms, line.values], dtype=np.float64))


def unpack_curve(content: bytes) -> tuple[IntArray, FloatArray]:
    """Times in ms and equity in quote."""
    time_ms, equity = unpack(content)
    return time_ms.astype(np.int64), equity
