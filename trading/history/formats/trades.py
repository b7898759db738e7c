"""Candles built from a file of single trades: what freqtrade calls trades-to-ohlcv."""

from dataclasses import dataclass
from datetime import datetime
from typing import Any

import numpy as np

from neuratrade.lib.clock import from_epoch_ms, to_epoch_ms
from trading.history.arrow import as_array
from trading.history.errors import BadFileError
from trading.history.formats import columns
from trading.history.formats.tables import Opened
from trading.history.quality import Rows
from trading.types.research import TIMEFRAME_S, BoolArray, FloatArray, IntArray

_MEANINGS = ("time", "price", "size")
_SHOWN = "%Y-%m-%d %H:%M:%S"


@dataclass(frozen=True, slots=True, kw_only=True)
class Built:
    """Candles as rows, what was left out by reason, and how many trades they hold."""

    rows: Rows
    dropped: dict[str, int]
    trades: int
    note: str


def are_trades(headers: list[str]) -> bool:
    """Whether columns of these names are single trades: a price, and no opening price. Raises BadFileError for order books."""
    if columns.find(headers, "price") is None or columns.find(headers, "open") is not None:
        return False
    if any("update" in columns.plain(header) for header in headers):
        raise BadFileError("these are order book updates; give a file of candles or of trades")
    return True


def build(opened: Opened, *, file: str, timeframe: str, at: datetime, skip_bad: bool) -> Built:
    """One candle per bucket that has a trade and had ended at `at`. A trade id that comes again counts once.

    Raises BadFileError for a trade without a time, a price or a size above zero, or from the future, unless `skip_bad`.
    """
    headers = columns.required([*opened.columns], _MEANINGS, file=file)
    times = columns.times_ms(opened.columns[headers["time"]])
    price = columns.numbers(opened.columns[headers["price"]])
    size = columns.numbers(opened.columns[headers["size"]])
    if not times.size:
        raise BadFileError(f"{file} holds no trades")
    is_good, dropped = _looked_at(times, price, size, first_row=opened.first_row, at=at, skip_bad=skip_bad)
    index = np.flatnonzero(is_good)
    index = index[np.argsort(times[index], kind="stable")]
    id_header = columns.find([*opened.columns], "id")
    if id_header is not None:
        whole = len(index)
        index = _once(index, times=times, ids=opened.columns[id_header])
        dropped |= {"repeated trades": whole - len(index)} if len(index) < whole else {}
    rows = _bucketed(times[index], price[index], size[index], timeframe=timeframe)
    ended = rows.time_ms + rows.step_ms <= to_epoch_ms(at)
    return Built(
        rows=rows.take(ended),
        dropped=dropped,
        trades=len(index),
        note=_note(times[index], timeframe=timeframe),
    )


def _looked_at(
    times: IntArray, price: FloatArray, size: FloatArray, *, first_row: int, at: datetime, skip_bad: bool
) -> tuple[BoolArray, dict[str, int]]:
    faults = {
        "its time cannot be read": times < 0,
        "its price must be a number above zero": ~(np.isfinite(price) & (price > 0)),
        "its size must be a number above zero": ~(np.isfinite(size) & (size > 0)),
        f"it lies after {at:{_SHOWN}} UTC": times > to_epoch_ms(at),
    }
    is_bad = np.logical_or.reduce(list(faults.values()))
    if not is_bad.any():
        return ~is_bad, {}
    if not skip_bad:
        first = int(np.argmax(is_bad))
        why = next(reason for reason, mask in faults.items() if mask[first])
        raise BadFileError(f"row {first + first_row}: {why}; --skip-bad leaves such rows out")
    return ~is_bad, {"bad trades": int(is_bad.sum())}


def _once(index: IntArray, *, times: IntArray, ids: Any) -> IntArray:
    """Without the trades whose time and id were there before; a trade without an id always counts."""
    import pyarrow

    taken = ids.take(pyarrow.array(index))
    if isinstance(taken, pyarrow.ChunkedArray):
        taken = taken.combine_chunks()
    codes = as_array(taken.dictionary_encode().indices.fill_null(-1))
    keys = np.where(codes < 0, -1 - np.arange(codes.size), codes)
    _, firsts = np.unique(np.stack([times[index], keys]), axis=1, return_index=True)
    return index[np.sort(firsts)]


def _bucketed(times: IntArray, price: FloatArray, size: FloatArray, *, timeframe: str) -> Rows:
    """Trades in order of time to first, highest, lowest, last price and total size of each bucket that has one."""
    step_ms = TIMEFRAME_S[timeframe] * 1000
    bucket = times // step_ms
    starts = np.flatnonzero(np.diff(bucket, prepend=-1)) if times.size else np.empty(0, np.int64)
    empty = np.empty(0)
    return Rows(
        timeframe=timeframe,
        time_ms=bucket[starts] * step_ms,
        open=price[starts],
        high=np.maximum.reduceat(price, starts) if starts.size else empty,
        low=np.minimum.reduceat(price, starts) if starts.size else empty,
        close=price[np.append(starts[1:], times.size) - 1] if starts.size else empty,
        volume_base=np.add.reduceat(size, starts) if starts.size else empty,
    )


def _note(times: IntArray, *, timeframe: str) -> str:
    if not times.size:
        return ""
    first, last = (f"{from_epoch_ms(int(at_ms)):{_SHOWN}}" for at_ms in (times[0], times[-1]))
    return (
        f"built from {times.size:,} trades from {first} to {last}; a time without a trade has no bar, "
        f"and the first and the last {timeframe} bar hold only the trades in the file"
    )
