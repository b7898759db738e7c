"""Candles out of a file's columns."""

import numpy as np

from trading.history import quality
from trading.history.errors import BadFileError
from trading.history.formats import columns
from trading.history.formats.tables import Opened
from trading.history.quality import Rows
from trading.types.research import PRICES, TIMEFRAME_S, IntArray

_MEANINGS = ("time", *PRICES, "volume")
_MANY = 20


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
    """Hourly rows taken for minutes would be one bar in sixty, and every strategy on them wrong.

    Few rows may lie far apart by chance, many are never all a multiple of a longer timeframe apart.
    """
    if times.size < _MANY:
        return
    step_ms = int(np.gcd.reduce(np.diff(times)))
    longer = [
        name
        for name, length_s in TIMEFRAME_S.items()
        if length_s > TIMEFRAME_S[timeframe] and step_ms and step_ms % (length_s * 1000) == 0
    ]
    if longer:
        raise BadFileError(
            f"{file} holds no {timeframe} bars, its rows are {longer[-1]} apart; give --timeframe {longer[-1]}"
        )
