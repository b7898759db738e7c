"""Candles out of a file's columns."""

import numpy as np

from trading.history import quality
from trading.history.errors import BadFileError
from trading.history.formats import columns
from trading.history.formats.tables import Opened
from trading.history.quality import Rows
from trading.types.research import PRICES, TIMEFRAME_S, IntArray

_MEANINGS = ("time", *PRICES, "volume")


def rows_of(opened: Opened, *, file: str, symbol: str, timeframe: str) -> Rows:
    """The file's rows as they are; newest first is turned round. Raises BadFileError when a column or the timeframe is missing."""
    base = symbol.partition("/")[0]
    headers = columns.required([*opened.columns], _MEANINGS, file=file, asset=base)
    times = columns.times_ms(opened.columns[headers["time"]])
    if not times.size:
        raise BadFileError(f"{file} holds no candles")
    if not timeframe:
        hint = quality.apart(times, timeframe="")
        raise BadFileError(f"{file} does not say how long its bars are; give --timeframe{hint}")
    _refuse_longer(times, file=file, timeframe=timeframe)
    rows = Rows(
        timeframe=timeframe,
        time_ms=times,
        open=columns.numbers(opened.columns[headers["open"]]),
        high=columns.numbers(opened.columns[headers["high"]]),
        low=columns.numbers(opened.columns[headers["low"]]),
        close=columns.numbers(opened.columns[headers["close"]]),
        volume_base=columns.numbers(opened.columns[headers["volume"]]),
        first_row=opened.first_row,
    )
    return rows.reversed() if times.size > 1 and bool(np.all(np.diff(times) < 0)) else rows


def _refuse_longer(times: IntArray, *, file: str, timeframe: str) -> None:
    """Hourly rows taken for minutes would be one bar in sixty, and every strategy on them wrong."""
    steps = np.diff(np.sort(times[times >= 0]))
    steps = steps[steps > 0]
    if steps.size > 1 and int(steps.min()) > TIMEFRAME_S[timeframe] * 1000:
        hint = (
            quality.apart(times, timeframe=timeframe)
            or f" (the closest rows are {int(steps.min()) // 1000} s apart)"
        )
        raise BadFileError(f"{file} holds no {timeframe} bars{hint}")
