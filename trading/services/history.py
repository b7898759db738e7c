"""Stored market history as backtests, drift and pages read it; what is missing is said together with the command that brings it."""

import difflib
import logging
import re
import shlex
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from pathlib import Path

from neuratrade.lib import dates
from trading.errors import InvalidValueError
from trading.history import quality, resample, store
from trading.history.errors import MissingHistoryError
from trading.history.quality import Gap
from trading.history.store import BARS, Dataset
from trading.types.research import TIMEFRAME_S, Bars, FloatArray, IntArray

log = logging.getLogger(__name__)


@dataclass(frozen=True, slots=True, kw_only=True)
class GapReport:
    """Where one dataset lacks bars. `missing_ratio` is their share of all bars from the first to the last."""

    dataset: Dataset
    gaps: tuple[Gap, ...]
    missing_ratio: float


def root() -> Path:
    """Where history is kept: `history` in the desk's home."""
    from django.conf import settings

    return Path(settings.HOME) / "history"


def load(
    *,
    venue: str,
    symbol: str,
    timeframe: str,
    since: datetime | None = None,
    until: datetime | None = None,
) -> Bars:
    """The stored bars that open from `since` to before `until`; where only a finer timeframe is stored, built from that.

    Raises MissingHistoryError when there is none, with the command that brings it; InvalidValueError for an empty period or an
    unknown timeframe; BrokenHistoryError for a damaged file. A period that is stored only in part is logged.
    """
    try:
        dates.period(since, until)
    except dates.DateError as error:
        raise InvalidValueError(str(error)) from error
    bars = store.load(root(), venue=venue, symbol=symbol, timeframe=timeframe, since=since, until=until)
    if not len(bars):
        wanted = _Wanted(venue=venue, symbol=symbol, timeframe=timeframe, since=since, until=until)
        raise MissingHistoryError(_remedy(wanted, known=store.datasets(root())))
    _tell_shortfall(bars, since=since, until=until)
    return bars


def funding(
    *, venue: str, symbol: str, since: datetime | None = None, until: datetime | None = None
) -> tuple[IntArray, FloatArray]:
    """(times in ms, rates as parts of the notional; positive: longs pay shorts). Raises MissingHistoryError."""
    return _series("funding", venue=venue, symbol=symbol, since=since, until=until)


def sentiment(
    *, venue: str, symbol: str, since: datetime | None = None, until: datetime | None = None
) -> tuple[IntArray, FloatArray]:
    """(times in ms, scores from -1 to 1). Raises MissingHistoryError."""
    return _series("sentiment", venue=venue, symbol=symbol, since=since, until=until)


def datasets(*, venue: str = "", symbol: str = "", timeframe: str = "", kind: str = BARS) -> list[Dataset]:
    """What is stored, all of it or only what fits."""
    return [
        one
        for one in store.datasets(root(), kind=kind)
        if venue in {"", one.venue} and symbol in {"", one.symbol} and timeframe in {"", one.timeframe}
    ]


def gaps(*, venue: str = "", symbol: str = "", timeframe: str = "") -> list[GapReport]:
    """The gaps of every stored dataset that fits. Raises MissingHistoryError when none does."""
    fitting = datasets(venue=venue, symbol=symbol, timeframe=timeframe)
    if not fitting:
        raise nothing_fits(venue=venue, symbol=symbol, timeframe=timeframe)
    reports = []
    for one in fitting:
        bars = store.load(root(), venue=one.venue, symbol=one.symbol, timeframe=one.timeframe)
        found = tuple(quality.gaps(bars))
        missing = sum(gap.missing for gap in found)
        reports.append(
            GapReport(dataset=one, gaps=found, missing_ratio=missing / (missing + max(len(bars), 1)))
        )
    return reports


def nothing_fits(*, venue: str, symbol: str, timeframe: str) -> MissingHistoryError:
    """What to say when a filter leaves nothing."""
    said = " ".join(part for part in (venue, symbol, timeframe) if part)
    return MissingHistoryError(
        f"no candles{f' of {said}' if said else ''} are stored; `neuratrade candles list` shows what is"
    )


@dataclass(frozen=True, slots=True, kw_only=True)
class _Wanted:
    venue: str
    symbol: str
    timeframe: str
    since: datetime | None
    until: datetime | None

    @property
    def name(self) -> str:
        return f"{self.venue} {self.symbol}"

    @property
    def download(self) -> str:
        command = ["neuratrade", "candles", "download", "--venue", self.venue, "--instrument", self.symbol]
        command += ["--timeframe", self.timeframe]
        for option, at in (("--from", self.since), ("--to", self.until)):
            command += [] if at is None else [option, f"{at.astimezone(UTC):%Y-%m-%dT%H:%M}"]
        return f"`{shlex.join(command)}`".replace("T00:00", "")


def _remedy(wanted: _Wanted, *, known: Sequence[Dataset]) -> str:
    """What is there instead, and what to do; one line."""
    same = [one for one in known if (one.venue, one.symbol) == (wanted.venue, wanted.symbol)]
    usable = [
        one
        for one in same
        if one.timeframe == wanted.timeframe or resample.is_derivable(wanted.timeframe, source=one.timeframe)
    ]
    for one in usable:
        if one.first is not None and one.last is not None:
            return (
                f"no {wanted.timeframe} candles of {wanted.name} are stored for that period: {one.timeframe} reaches from "
                f"{dates.show(one.first)} to {dates.show(one.last)}; run {wanted.download}"
            )
    if same:
        there = ", ".join(one.timeframe for one in same)
        return f"{wanted.name} is stored as {there}, from which no {wanted.timeframe} can be built; run {wanted.download}"
    close = closest(wanted.name, [f"{one.venue} {one.symbol}" for one in known])
    if close:
        return f"no candles of {wanted.name} are stored; did you mean {close}? Else run {wanted.download}"
    return (
        f"no candles of {wanted.name} are stored; run {wanted.download}, or `neuratrade candles import FILE` with the same "
        "--venue, --instrument and --timeframe"
    )


def closest(name: str, names: Sequence[str]) -> str:
    """The name most like it, or empty: BTCUSDT for BTC/USDT, a mistyped letter, another spelling."""
    by_plain = {re.sub(r"[^a-z0-9]", "", one.lower()): one for one in names}
    wanted = re.sub(r"[^a-z0-9]", "", name.lower())
    found = difflib.get_close_matches(wanted, list(by_plain), n=1, cutoff=0.75)
    return by_plain[found[0]] if found else ""


def _tell_shortfall(bars: Bars, *, since: datetime | None, until: datetime | None) -> None:
    step = timedelta(seconds=TIMEFRAME_S[bars.timeframe])
    first, last = (datetime.fromtimestamp(int(at_ms) / 1000, UTC) for at_ms in bars.open_time_ms[[0, -1]])
    if since is not None and first - since >= step:
        log.warning(
            "%s %s %s begins at %s, after the start asked for",
            bars.venue,
            bars.symbol,
            bars.timeframe,
            dates.show(first),
        )
    if until is not None and until - last > step:
        log.warning(
            "%s %s %s ends at %s, before the end asked for",
            bars.venue,
            bars.symbol,
            bars.timeframe,
            dates.show(last),
        )


def _series(
    kind: str, *, venue: str, symbol: str, since: datetime | None, until: datetime | None
) -> tuple[IntArray, FloatArray]:
    times, values = store.load_series(root(), kind=kind, venue=venue, symbol=symbol, since=since, until=until)
    if not times.size:
        names = [f"{one.venue} {one.symbol}" for one in store.datasets(root(), kind=kind)]
        close = closest(f"{venue} {symbol}", names)
        if close == f"{venue} {symbol}":
            raise MissingHistoryError(
                f"no {kind} of {close} is stored for that period; `neuratrade candles list` shows what is"
            )
        raise MissingHistoryError(
            f"no {kind} of {venue} {symbol} is stored{f'; did you mean {close}? Else run' if close else '; run'} "
            f"`neuratrade candles import FILE --kind {kind} --venue {venue} --instrument {shlex.quote(symbol)}`"
        )
    return times, values
