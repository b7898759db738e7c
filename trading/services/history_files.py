"""History in and out: files of others, the desk's own minutes, and files for others."""

import re
from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import datetime
from pathlib import Path

import numpy as np

from neuratrade.lib.clock import from_epoch_ms, to_epoch_ms
from trading.errors import InvalidValueError
from trading.history import formats, quality, store
from trading.history.errors import MissingHistoryError
from trading.history.partitions import Progress, SaveReport
from trading.history.store import BARS, SERIES_KINDS
from trading.models import CandleRow, Instrument
from trading.services.history import load, root
from trading.types.research import Bars

_VALUES = ("open", "high", "low", "close", "volume_base")


@dataclass(frozen=True, slots=True, kw_only=True)
class Imported:
    """What one import did. `rows` were taken in, `missing` bars lie in gaps between them; `timeframe` is empty for a series."""

    venue: str
    symbol: str
    timeframe: str
    kind: str
    rows: int
    first: datetime
    last: datetime
    missing: int
    saved: SaveReport
    dropped: Mapping[str, int] = field(default_factory=dict)
    notes: tuple[str, ...] = ()


def import_candles(
    path: Path,
    *,
    venue: str,
    symbol: str = "",
    timeframe: str = "",
    skip_bad: bool = False,
    at: datetime,
    on_progress: Progress | None = None,
) -> Imported:
    """Takes in a file of candles, or the candles that its trades make. Raises BadFileError, and then nothing was stored."""
    _refuse_names(venue=venue, symbol=symbol)
    read = formats.read(path, venue=venue, symbol=symbol, timeframe=timeframe, at=at, skip_bad=skip_bad)
    notes = read.notes
    if "/" not in read.bars.symbol:
        notes += (
            f"{read.bars.symbol} is not spelled as venues do here: BTC/USDT, or BTC/USDT:USDT for a perpetual",
        )
    return _stored(read.bars, dropped=read.dropped, notes=notes, on_progress=on_progress)


def _refuse_names(*, venue: str, symbol: str) -> None:
    """What is no name of a venue or an instrument would be stored where nobody finds it again."""
    if not re.fullmatch(r"\w[\w.-]{0,39}", venue):
        raise InvalidValueError(
            f"{venue!r} is no venue's name; give letters, digits, - and _, as binance or binanceusdm"
        )
    if symbol and not re.fullmatch(r"\w[\w.:/-]{0,99}", symbol):
        raise InvalidValueError(f"{symbol!r} is no instrument's name; give one as BTC/USDT or BTC/USDT:USDT")


def import_series(
    path: Path, *, kind: str, venue: str, symbol: str = "", skip_bad: bool = False, at: datetime
) -> Imported:
    """Takes in a file of funding rates or sentiment scores (time, value). Raises BadFileError, and then nothing was stored."""
    _refuse_names(venue=venue, symbol=symbol)
    low, high = SERIES_KINDS[kind]
    read = formats.read_series(path, kind=kind, low=low, high=high, symbol=symbol, at=at, skip_bad=skip_bad)
    saved = store.save_series(
        root(), kind=kind, venue=venue, symbol=read.symbol, time_ms=read.time_ms, values=read.values
    )
    return Imported(
        venue=venue,
        symbol=read.symbol,
        timeframe="",
        kind=kind,
        rows=int(read.time_ms.size),
        first=from_epoch_ms(int(read.time_ms[0])),
        last=from_epoch_ms(int(read.time_ms[-1])),
        missing=0,
        saved=saved,
        dropped=read.dropped,
    )


def import_from_desk(*, venue: str = "", symbol: str = "") -> list[Imported]:
    """Copies the minutes that the desk itself has kept into the history: one entry per instrument that has any.

    Raises MissingHistoryError when none that fits has.
    """
    imported = []
    for instrument in Instrument.objects.select_related("venue").order_by("venue__name", "symbol"):
        if venue in {"", instrument.venue.name} and symbol in {"", instrument.symbol}:
            bars = _desk_minutes(instrument)
            if len(bars):
                imported.append(_stored(bars))
    if not imported:
        said = " ".join(part for part in (venue, symbol) if part)
        raise MissingHistoryError(
            f"the desk has kept no minutes{f' of {said}' if said else ''} yet; `neuratrade up` collects them, or run "
            "`neuratrade candles download`"
        )
    return imported


def export(
    path: Path,
    *,
    venue: str,
    symbol: str,
    timeframe: str,
    since: datetime | None = None,
    until: datetime | None = None,
    file_format: str = "",
    is_overwriting: bool = False,
) -> tuple[Path, Bars]:
    """Writes stored bars into a file for others and returns both. Raises HistoryError (MissingHistoryError) in one line."""
    bars = load(venue=venue, symbol=symbol, timeframe=timeframe, since=since, until=until)
    return formats.write(path, bars, file_format=file_format, is_overwriting=is_overwriting), bars


def _stored(
    bars: Bars,
    *,
    dropped: Mapping[str, int] | None = None,
    notes: tuple[str, ...] = (),
    on_progress: Progress | None = None,
) -> Imported:
    saved = store.save(root(), bars, on_progress=on_progress)
    return Imported(
        venue=bars.venue,
        symbol=bars.symbol,
        timeframe=bars.timeframe,
        kind=BARS,
        rows=len(bars),
        first=from_epoch_ms(int(bars.open_time_ms[0])),
        last=from_epoch_ms(int(bars.open_time_ms[-1])),
        missing=sum(gap.missing for gap in quality.gaps(bars)),
        saved=saved,
        dropped=dropped or {},
        notes=notes,
    )


def _desk_minutes(instrument: Instrument) -> Bars:
    rows = list(
        CandleRow.objects.filter(instrument=instrument, timeframe="1m")
        .order_by("open_time")
        .values_list("open_time", *_VALUES)
    )
    values = (
        np.array([[float(value) for value in row[1:]] for row in rows], np.float64)
        .reshape(-1, len(_VALUES))
        .T
    )
    return Bars(
        venue=instrument.venue.name,
        symbol=instrument.symbol,
        timeframe="1m",
        open_time_ms=np.array([to_epoch_ms(row[0]) for row in rows], np.int64),
        open=values[0],
        high=values[1],
        low=values[2],
        close=values[3],
        volume_base=values[4],
    )
