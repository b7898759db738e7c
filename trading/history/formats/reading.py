"""A file as bars, or as a series of values; whatever is wrong with it is one line that names the file and the row."""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path

import numpy as np

from neuratrade.lib.clock import from_epoch_ms, to_epoch_ms
from trading.errors import InvalidValueError
from trading.history import quality
from trading.history.errors import BadFileError
from trading.history.formats import candles, columns, trades
from trading.history.formats.names import Named, named
from trading.history.formats.tables import Opened, open_file, refuse_missing
from trading.history.quality import Rows
from trading.types.research import TIMEFRAME_S, Bars, FloatArray, IntArray

_TRADES_TIMEFRAME = "1m"
_NO_SYMBOL = "{file} does not say which instrument it is about; give --instrument, as in BTC/USDT"


@dataclass(frozen=True, slots=True, kw_only=True)
class ReadResult:
    """Bars in order of time, each a closed one; rows left out by reason; and what the operator should know."""

    bars: Bars
    dropped: Mapping[str, int]
    notes: tuple[str, ...]


@dataclass(frozen=True, slots=True, kw_only=True)
class SeriesResult:
    symbol: str
    time_ms: IntArray
    values: FloatArray
    dropped: Mapping[str, int]


def read(
    path: Path, *, venue: str, symbol: str = "", timeframe: str = "", at: datetime, skip_bad: bool = False
) -> ReadResult:
    """The candles of a file, or those that its trades make. Symbol and timeframe may stand in its name instead.

    `at` is now: bars that have not ended by then are refused. Raises BadFileError, in one line; with `skip_bad` bad rows are
    left out and counted instead.
    """
    refuse_missing(path)
    name = named(path)
    if timeframe and timeframe not in TIMEFRAME_S:
        raise InvalidValueError(f"timeframe {timeframe!r} is unknown; give one of: {', '.join(TIMEFRAME_S)}")
    symbol, said = symbol or name.symbol, timeframe or name.timeframe
    if name.no_candles:
        raise BadFileError(
            f"{path.name} holds {name.no_candles}, not candles; give the file of traded prices"
        )
    if not symbol:
        raise BadFileError(_NO_SYMBOL.format(file=path.name))
    opened = open_file(path, layout=name.layout, is_number=columns.is_number, skip_bad=skip_bad)
    notes = _differing(name, symbol=symbol, timeframe=said)
    dropped = dict(opened.dropped)
    try:
        if trades.are_trades([*opened.columns]):
            built = trades.build(
                opened, file=path.name, timeframe=said or _TRADES_TIMEFRAME, at=at, skip_bad=skip_bad
            )
            rows, notes, dropped = built.rows, (*notes, built.note), dropped | built.dropped
        else:
            rows = candles.rows_of(opened, file=path.name, symbol=symbol, timeframe=said)
        screened = quality.screen(rows, at=at, skip_bad=skip_bad)
    except BadFileError as error:
        raise BadFileError(_named_once(str(error), file=path.name)) from error
    if not len(screened.rows):
        raise BadFileError(f"{path.name} holds no row that is a bar")
    bars = _bars(screened.rows, venue=venue, symbol=symbol)
    return ReadResult(bars=bars, dropped=dropped | dict(screened.dropped), notes=notes)


def read_series(
    path: Path,
    *,
    kind: str,
    low: float,
    high: float,
    symbol: str = "",
    at: datetime,
    skip_bad: bool = False,
) -> SeriesResult:
    """The (time, value) rows of a file of funding rates or sentiment scores, in order. Raises BadFileError as `read` does."""
    refuse_missing(path)
    name = named(path)
    symbol = symbol or name.symbol
    if not symbol:
        raise BadFileError(_NO_SYMBOL.format(file=path.name))
    opened = open_file(path, layout=name.layout, is_number=columns.is_number, skip_bad=skip_bad)
    headers = columns.required([*opened.columns], ("time", kind), file=path.name)
    times, values = (
        columns.times_ms(opened.columns[headers["time"]]),
        columns.numbers(opened.columns[headers[kind]]),
    )
    if not times.size:
        raise BadFileError(f"{path.name} holds no rows")
    is_bad = (times < 0) | (times > to_epoch_ms(at)) | ~((values >= low) & (values <= high))
    if times.size > 1 and bool(np.all(np.diff(times) < 0)):
        times, values, is_bad = times[::-1], values[::-1], is_bad[::-1]
    is_disordered = np.diff(times, prepend=-1) <= 0
    if not skip_bad and (is_bad | is_disordered).any():
        raise BadFileError(
            _series_problem(opened, times, values, is_bad, file=path.name, limits=(low, high), at=at)
        )
    kept = np.flatnonzero(~is_bad)
    kept = kept[np.argsort(times[kept], kind="stable")]
    kept = kept[np.diff(times[kept], append=-1) != 0]
    if not kept.size:
        raise BadFileError(f"{path.name} holds no row with a time and a {kind} from {low:g} to {high:g}")
    dropped = dict(opened.dropped) | ({"bad rows": times.size - kept.size} if kept.size < times.size else {})
    return SeriesResult(symbol=symbol, time_ms=times[kept], values=values[kept], dropped=dropped)


def _series_problem(
    opened: Opened,
    times: IntArray,
    values: FloatArray,
    is_bad: "np.typing.NDArray[np.bool_]",
    *,
    file: str,
    limits: tuple[float, float],
    at: datetime,
) -> str:
    index = int(np.argmax(is_bad | (np.diff(times, prepend=-1) <= 0)))
    if times[index] < 0:
        why = "its time cannot be read"
    elif times[index] > to_epoch_ms(at):
        why = f"{from_epoch_ms(int(times[index])):%Y-%m-%d %H:%M} lies in the future"
    elif is_bad[index]:
        why = f"{values[index]:g} is no value from {limits[0]:g} to {limits[1]:g}"
    else:
        why = "its time does not come after the row before it"
    return f"{file}: row {index + opened.first_row}: {why}; --skip-bad leaves such rows out"


def _bars(rows: Rows, *, venue: str, symbol: str) -> Bars:
    return Bars(
        venue=venue,
        symbol=symbol,
        timeframe=rows.timeframe,
        open_time_ms=rows.time_ms,
        open=rows.open,
        high=rows.high,
        low=rows.low,
        close=rows.close,
        volume_base=rows.volume_base,
    )


def _differing(name: Named, *, symbol: str, timeframe: str) -> tuple[str, ...]:
    """A word of warning when the file's name says something else than the operator."""
    said = [
        f"{theirs} (not {ours})"
        for theirs, ours in ((name.symbol, symbol), (name.timeframe, timeframe))
        if theirs and theirs.upper() != ours.upper()
    ]
    return (f"the file's name says {' and '.join(said)}",) if said else ()


def _named_once(problem: str, *, file: str) -> str:
    return problem if problem.startswith(file) else f"{file}: {problem}"
