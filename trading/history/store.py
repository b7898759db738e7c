"""Market history on disk: `<root>/<venue>/<symbol>/<timeframe>/<month>.parquet`, beside it rates and scores over time.

Times are open times in UTC. Features of bars are not stored: they are computed, or aligned from a series (quality.align).
"""

import logging
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path
from urllib.parse import quote, unquote

import numpy as np

from neuratrade.lib.clock import from_epoch_ms, to_epoch_ms
from trading.errors import InvalidValueError
from trading.history import quality
from trading.history.errors import BadFileError, BrokenHistoryError
from trading.history.partitions import TIME, Partitions, Progress, SaveReport
from trading.history.resample import is_derivable, resample
from trading.types.research import PRICES, TIMEFRAME_S, Bars, FloatArray, IntArray

__all__ = [
    "Dataset",
    "SaveReport",
    "datasets",
    "finer",
    "load",
    "load_series",
    "save",
    "save_series",
    "times",
]

log = logging.getLogger(__name__)

BARS = "bars"
# kind -> lowest and highest value: funding per period as a part of the notional, a score of mood
SERIES_KINDS = {"funding": (-1.0, 1.0), "sentiment": (-1.0, 1.0)}
_BAR_VALUES = (*PRICES, "volume_base")
_YEARLY_FROM_S = 3600
_LONGEST_NAME = 100


@dataclass(frozen=True, slots=True, kw_only=True)
class Dataset:
    """One stored dataset. `first` and `last` are open times; `gaps` counts the bars missing between them (0 for a series).

    `kind` is bars, or a series' kind (then `timeframe` is empty). With `trouble` the files cannot be read and the rest is empty.
    """

    venue: str
    symbol: str
    timeframe: str
    first: datetime | None
    last: datetime | None
    bars: int
    gaps: int
    kind: str = BARS
    trouble: str = ""


def save(root: Path, bars: Bars, *, on_progress: Progress | None = None) -> SaveReport:
    """Takes the bars in; a bar that is there already gets the new values. Nothing is lost when it is interrupted: do it again.

    Raises BadFileError when a row is no bar, BrokenHistoryError when a stored file that it would change is damaged.
    """
    problem = quality.first_problem(quality.Rows.of(bars))
    if problem:
        raise BadFileError(f"{bars.venue} {bars.symbol} {bars.timeframe}: {problem}")
    rows = {TIME: bars.open_time_ms, **{name: getattr(bars, name) for name in _BAR_VALUES}}
    place = _bars_at(root, venue=bars.venue, symbol=bars.symbol, timeframe=bars.timeframe)
    return place.merge(rows, on_progress=on_progress)


def load(
    root: Path,
    *,
    venue: str,
    symbol: str,
    timeframe: str,
    since: datetime | None = None,
    until: datetime | None = None,
) -> Bars:
    """The stored bars that open from `since` to before `until`; none at all when nothing is stored.

    Where this timeframe is not stored for the period but a finer one is, its whole bars are built from that (and logged).
    Raises InvalidValueError for an unknown timeframe, BrokenHistoryError for a damaged file.
    """
    bars = _load_stored(root, venue=venue, symbol=symbol, timeframe=timeframe, since=since, until=until)
    if len(bars):
        return bars
    for source in finer(timeframe):
        stored = _load_stored(root, venue=venue, symbol=symbol, timeframe=source, since=since, until=until)
        derived = resample(stored, timeframe=timeframe)
        if len(derived):
            log.info("%s %s: %s candles are built from the stored %s ones", venue, symbol, timeframe, source)
            return derived
    return bars


def finer(timeframe: str) -> list[str]:
    """The timeframes from which `timeframe` can be built, the longest first."""
    return [source for source in reversed([*TIMEFRAME_S]) if is_derivable(timeframe, source=source)]


def times(root: Path, *, venue: str, symbol: str, timeframe: str) -> IntArray:
    """The open times of what is stored, in milliseconds."""
    found: IntArray = _bars_at(root, venue=venue, symbol=symbol, timeframe=timeframe).read()[TIME]
    return found


def save_series(
    root: Path, *, kind: str, venue: str, symbol: str, time_ms: IntArray, values: FloatArray
) -> SaveReport:
    """Takes in a value per time (see SERIES_KINDS), as `save` takes in bars. Times must strictly increase."""
    low, high = SERIES_KINDS[kind]
    is_good = np.isfinite(values) & (values >= low) & (values <= high)
    if time_ms.size != values.size or not bool(np.all(np.diff(time_ms) > 0)) or not bool(is_good.all()):
        raise BadFileError(
            f"{venue} {symbol}: {kind} needs one value from {low:g} to {high:g} per time, in order"
        )
    return _series_at(root, kind=kind, venue=venue, symbol=symbol).merge({TIME: time_ms, "value": values})


def load_series(
    root: Path,
    *,
    kind: str,
    venue: str,
    symbol: str,
    since: datetime | None = None,
    until: datetime | None = None,
) -> tuple[IntArray, FloatArray]:
    """(times in ms, values) from `since` to before `until`; both empty when nothing is stored."""
    rows = _series_at(root, kind=kind, venue=venue, symbol=symbol).read(
        since_ms=_ms(since), until_ms=_ms(until)
    )
    return rows[TIME], rows["value"]


def datasets(root: Path, *, kind: str = BARS) -> list[Dataset]:
    """What is stored of a kind, by venue, symbol and timeframe; read from the files' footers alone."""
    found = []
    for venue, symbol, name in _folders(root):
        if kind == BARS and name in TIMEFRAME_S:
            place = _bars_at(root, venue=venue, symbol=symbol, timeframe=name)
            found.append(_dataset(place, venue=venue, symbol=symbol, timeframe=name, kind=kind))
        elif kind == name and name in SERIES_KINDS:
            place = _series_at(root, kind=name, venue=venue, symbol=symbol)
            found.append(_dataset(place, venue=venue, symbol=symbol, timeframe="", kind=kind))
    order = list(TIMEFRAME_S)
    ranked = sorted(found, key=lambda one: order.index(one.timeframe) if one.timeframe else 0)
    return sorted((one for one in ranked if one.bars or one.trouble), key=lambda one: (one.venue, one.symbol))


def _load_stored(
    root: Path, *, venue: str, symbol: str, timeframe: str, since: datetime | None, until: datetime | None
) -> Bars:
    rows = _bars_at(root, venue=venue, symbol=symbol, timeframe=timeframe).read(
        since_ms=_ms(since), until_ms=_ms(until)
    )
    return Bars(
        venue=venue,
        symbol=symbol,
        timeframe=timeframe,
        open_time_ms=rows[TIME],
        open=rows["open"],
        high=rows["high"],
        low=rows["low"],
        close=rows["close"],
        volume_base=rows["volume_base"],
    )


def _dataset(place: Partitions, *, venue: str, symbol: str, timeframe: str, kind: str) -> Dataset:
    trouble, extent = "", None
    try:
        extent = place.extent()
    except BrokenHistoryError as error:
        trouble = str(error)
    step_ms = TIMEFRAME_S.get(timeframe, 0) * 1000
    rows = extent.rows if extent else 0
    return Dataset(
        venue=venue,
        symbol=symbol,
        timeframe=timeframe,
        first=from_epoch_ms(extent.first_ms) if extent else None,
        last=from_epoch_ms(extent.last_ms) if extent else None,
        bars=rows,
        gaps=(extent.last_ms - extent.first_ms) // step_ms + 1 - rows if extent and step_ms else 0,
        kind=kind,
        trouble=trouble,
    )


def _folders(root: Path) -> Iterator[tuple[str, str, str]]:
    """(venue, symbol, timeframe or kind) of every dataset's folder."""
    if root.is_dir():
        for folder in sorted(root.glob("*/*/*/")):
            yield unquote(folder.parent.parent.name), unquote(folder.parent.name), folder.name


def _bars_at(root: Path, *, venue: str, symbol: str, timeframe: str) -> Partitions:
    if timeframe not in TIMEFRAME_S:
        raise InvalidValueError(f"timeframe {timeframe!r} is unknown; give one of: {', '.join(TIMEFRAME_S)}")
    return Partitions(
        folder=root / _file_safe(venue) / _file_safe(symbol) / timeframe,
        label=f"{venue} {symbol} {timeframe}",
        values=_BAR_VALUES,
        is_by_year=TIMEFRAME_S[timeframe] >= _YEARLY_FROM_S,
    )


def _series_at(root: Path, *, kind: str, venue: str, symbol: str) -> Partitions:
    if kind not in SERIES_KINDS:
        raise InvalidValueError(f"kind {kind!r} is unknown; give one of: {', '.join(SERIES_KINDS)}")
    return Partitions(
        folder=root / _file_safe(venue) / _file_safe(symbol) / kind,
        label=f"{venue} {symbol} {kind}",
        values=("value",),
        is_by_year=True,
    )


def _file_safe(name: str) -> str:
    """BTC/USDT as BTC%2FUSDT: any name as one that every file system takes, and back by `unquote`."""
    safe = quote(name, safe=" ").replace("~", "%7E")
    safe = f"%2E{safe[1:]}" if safe.startswith(".") else safe
    if not name.strip() or len(safe) > _LONGEST_NAME:
        raise InvalidValueError(f"{name!r} cannot name a venue or an instrument; give a name as BTC/USDT")
    return safe


def _ms(at: datetime | None) -> int | None:
    return None if at is None else to_epoch_ms(at)
