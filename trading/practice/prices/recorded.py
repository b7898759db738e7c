"""Recorded candles from a file: CSV (also .gz), Feather or Parquet, in the spellings people use.

A file that cannot be used raises `CandleFileError` with one line saying what is wrong.
"""

from __future__ import annotations

import gzip
import zlib
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path
from typing import TYPE_CHECKING

from trading.practice.errors import CandleFileError

if TYPE_CHECKING:
    import numpy as np
    import pandas as pd

    Floats = np.ndarray[tuple[int, ...], np.dtype[np.float64]]

_SPELLINGS = {
    "time": ("timestamp", "date", "time", "datetime", "open_time", "opentime", "unix", "ts"),
    "open": ("open", "o", "open_price"),
    "high": ("high", "h", "high_price"),
    "low": ("low", "l", "low_price"),
    "close": ("close", "c", "close_price"),
    "volume": ("volume", "v", "vol", "volume_base", "base_volume", "volume btc"),
}
_LEAST_CANDLES = 10
# An epoch number's size tells its unit: seconds until the year 5138, then milli, micro, nano.
_EPOCH_UNITS = ((1e11, "s"), (1e14, "ms"), (1e17, "us"), (float("inf"), "ns"))


@dataclass(frozen=True)
class RecordedCandles:
    """Candles of equal length, oldest first. ``at_s`` is the open time in seconds since the epoch."""

    at_s: Floats
    open: Floats
    high: Floats
    low: Floats
    close: Floats
    volume: Floats
    interval_s: float

    def __len__(self) -> int:
        return len(self.at_s)


def read_candles(path: Path) -> RecordedCandles:
    """The candles in ``path``; CandleFileError when it is missing, of another kind, damaged or without the columns."""
    frame = _read_frame(path)
    names = {str(name).strip().lower(): name for name in frame.columns}
    columns: dict[str, pd.Series[float]] = {}
    for wanted, spellings in _SPELLINGS.items():
        found = next((names[name] for name in spellings if name in names), None)
        if found is None:
            raise CandleFileError(
                f"candles file {path}: no column for {wanted} (one of {', '.join(spellings)}); "
                f"it has {', '.join(map(str, frame.columns)) or 'no columns'}"
            )
        columns[wanted] = frame[found]
    return _checked(path, columns)


def _read_frame(path: Path) -> pd.DataFrame:
    import pandas as pd

    if path.is_dir():
        raise CandleFileError(f"candles file {path}: is a folder; name a file in it")
    if not path.is_file():
        raise CandleFileError(f"candles file {path}: there is no such file")
    name = path.name.lower()
    try:
        if name.endswith((".csv", ".csv.gz", ".txt", ".txt.gz")):
            return pd.read_csv(path, compression="gzip" if name.endswith(".gz") else None)
        if name.endswith((".feather", ".ft", ".arrow")):
            return pd.read_feather(path)
        if name.endswith((".parquet", ".pq")):
            return pd.read_parquet(path)
    except (ValueError, OSError, EOFError, gzip.BadGzipFile, zlib.error, KeyError) as error:
        first_line = str(error).strip().splitlines()[0] if str(error).strip() else type(error).__name__
        raise CandleFileError(f"candles file {path}: cannot be read ({first_line})") from error
    raise CandleFileError(f"candles file {path}: use .csv, .csv.gz, .feather or .parquet")


def _checked(path: Path, columns: dict[str, pd.Series[float]]) -> RecordedCandles:
    import numpy as np
    import pandas as pd

    at_s = _seconds(path, columns.pop("time"))
    try:
        numbers = {name: pd.to_numeric(column).to_numpy(dtype=float) for name, column in columns.items()}
    except (ValueError, TypeError) as error:
        raise CandleFileError(f"candles file {path}: a price or volume is not a number ({error})") from error
    if len(at_s) < _LEAST_CANDLES:
        raise CandleFileError(
            f"candles file {path}: {len(at_s)} candles, at least {_LEAST_CANDLES} are needed"
        )
    order = np.argsort(at_s, kind="stable")
    at_s = at_s[order]
    numbers = {name: values[order] for name, values in numbers.items()}
    prices = np.stack([numbers[name] for name in ("open", "high", "low", "close")])
    steps = np.diff(at_s)
    wrong = {
        "a price is missing, zero or negative": ~(np.isfinite(prices) & (prices > 0)).all(axis=0),
        "its high is below, or its low above, its other prices": (prices.max(axis=0) > numbers["high"])
        | (prices.min(axis=0) < numbers["low"]),
        "its volume is negative or infinite": (numbers["volume"] < 0) | np.isinf(numbers["volume"]),
        "another candle has the same time": np.append(steps <= 0, False),
    }
    for problem, rows in wrong.items():
        if rows.any():
            raise CandleFileError(_at_candle(path, at_s[int(np.argmax(rows))], problem=problem))
    volume = np.nan_to_num(numbers.pop("volume"), nan=0.0)
    return RecordedCandles(at_s=at_s, volume=volume, interval_s=float(np.median(steps)), **numbers)


def _at_candle(path: Path, at_s: float, *, problem: str) -> str:
    moment = datetime.fromtimestamp(float(at_s), UTC).strftime("%Y-%m-%d %H:%M:%S")
    return f"candles file {path}: the candle at {moment} UTC: {problem}; mend it or leave it out"


def _seconds(path: Path, column: pd.Series[float]) -> Floats:
    import numpy as np
    import pandas as pd

    try:
        if pd.api.types.is_numeric_dtype(column):
            values = column.to_numpy(dtype=np.float64)
            unit = next(unit for limit, unit in _EPOCH_UNITS if np.nanmax(np.abs(values)) < limit)
            scale = {"s": 1.0, "ms": 1e3, "us": 1e6, "ns": 1e9}[unit]
            seconds = np.asarray(values / scale, dtype=np.float64)
        else:
            moments = pd.to_datetime(column, utc=True, format="ISO8601")
            since = (moments - pd.Timestamp(0, tz="UTC")) / pd.Timedelta(seconds=1)
            seconds = np.asarray(since, dtype=np.float64)
    except (ValueError, TypeError, StopIteration, OverflowError) as error:
        raise CandleFileError(
            f"candles file {path}: the time column is neither epoch nor ISO time"
        ) from error
    if not len(seconds) or not np.isfinite(seconds).all():
        raise CandleFileError(f"candles file {path}: a time is missing")
    return seconds
