"""What makes rows bars, where bars are missing, and which value was known when. Pure."""

from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, field, replace
from datetime import datetime
from typing import TypeAlias

import numpy as np

from neuratrade.lib.clock import from_epoch_ms, to_epoch_ms
from trading.errors import InvalidValueError
from trading.history.errors import BadFileError
from trading.types.research import PRICES, TIMEFRAME_S, Bars, BoolArray, FloatArray, IntArray

_SHOWN = "%Y-%m-%d %H:%M:%S"


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class Rows:
    """Candles as a file has them, not looked at yet: any order, any number. A time that could not be read is negative.

    `first_row` is what the operator calls the first of them (2 where a header stands above), `row_step` -1 when the file's last
    row comes first.
    """

    timeframe: str
    time_ms: IntArray
    open: FloatArray
    high: FloatArray
    low: FloatArray
    close: FloatArray
    volume_base: FloatArray
    first_row: int = 1
    row_step: int = 1

    @classmethod
    def of(cls, bars: Bars) -> "Rows":
        columns = {name: getattr(bars, name) for name in _VALUES}
        return cls(timeframe=bars.timeframe, time_ms=bars.open_time_ms, **columns)

    def __len__(self) -> int:
        return int(self.time_ms.size)

    @property
    def step_ms(self) -> int:
        return TIMEFRAME_S[self.timeframe] * 1000

    def reversed(self) -> "Rows":
        """The last row first; each keeps its number."""
        last_row = self.first_row + (len(self) - 1) * self.row_step
        return replace(self.take(slice(None, None, -1)), first_row=last_row, row_step=-self.row_step)

    def take(self, index: IntArray | BoolArray | slice) -> "Rows":
        columns = {name: getattr(self, name)[index] for name in _VALUES}
        return replace(self, time_ms=self.time_ms[index], **columns)


_VALUES = (*PRICES, "volume_base")
Fault: TypeAlias = tuple[
    str, BoolArray, Callable[[int], str]
]  # its name, which rows, and what to say of row i


@dataclass(frozen=True, slots=True, kw_only=True)
class Screened:
    """Rows fit to be bars, and how many were left out for which reason."""

    rows: Rows
    dropped: Mapping[str, int] = field(default_factory=dict)


@dataclass(frozen=True, slots=True, kw_only=True)
class Gap:
    """Bars that are not there: the first missing one opens at `since`, the next that is there at `until`."""

    since: datetime
    until: datetime
    missing: int


def gaps(bars: Bars) -> list[Gap]:
    """Every stretch of missing bars between the first and the last one, oldest first."""
    times, step_ms = bars.open_time_ms, bars.step_ms
    found = np.flatnonzero(np.diff(times) > step_ms)
    return [
        Gap(
            since=from_epoch_ms(int(times[index]) + step_ms),
            until=from_epoch_ms(int(times[index + 1])),
            missing=int(times[index + 1] - times[index]) // step_ms - 1,
        )
        for index in found
    ]


def align(times: IntArray, values: FloatArray, bars: Bars, *, most_age_s: float = np.inf) -> FloatArray:
    """One value per bar: the newest whose time (ms) is not after the bar's close; NaN before the first. Never the future.

    NaN, too, where the newest is older than `most_age_s` at the bar's close: what nobody renewed is not known any more.

    Raises InvalidValueError unless `times` are in order, one per value.
    """
    if times.size != values.size or not bool(np.all(np.diff(times) >= 0)):
        raise InvalidValueError(f"{bars.symbol}: a series to align needs one time per value, in order")
    closes = bars.open_time_ms + bars.step_ms
    known = np.searchsorted(times, closes, side="right")
    ages = closes - np.concatenate([[0], times])[known]
    return np.where(ages <= most_age_s * 1000, np.concatenate([[np.nan], values])[known], np.nan)


def first_problem(rows: Rows, *, at: datetime | None = None) -> str:
    """What is wrong with the first row that is no bar, in one line; empty when all are. `at`: bars must have ended by then."""
    faults = [(name, mask, say) for name, mask, say in _faults(rows, at=at) if mask.any()]
    if not faults:
        return ""
    index, say = min(((int(np.argmax(mask)), say) for _, mask, say in faults), key=lambda found: found[0])
    time_ms = int(rows.time_ms[index])
    when = f" ({from_epoch_ms(time_ms):{_SHOWN}})" if time_ms >= 0 else ""
    return f"row {rows.first_row + index * rows.row_step}{when}: {say(index)}"


def screen(rows: Rows, *, at: datetime, skip_bad: bool) -> Screened:
    """The rows in order of time, each time once, when every one is a closed bar.

    With `skip_bad` those that are not are left out and counted, and disorder is put right: of a repeated time the last row counts.
    Raises BadFileError otherwise, naming the first bad row.
    """
    if not skip_bad:
        problem = first_problem(rows, at=at)
        if problem:
            raise BadFileError(f"{problem}; --skip-bad leaves such rows out")
        return Screened(rows=rows)
    dropped: dict[str, int] = {}
    is_bad = np.zeros(len(rows), np.bool_)
    for name, mask, _ in _row_faults(rows, at=at):
        fresh = int((mask & ~is_bad).sum())
        if fresh:
            dropped[name] = fresh
        is_bad |= mask
    rows = rows.take(~is_bad)
    rows = rows.take(np.argsort(rows.time_ms, kind="stable"))
    is_last = np.diff(rows.time_ms, append=-1) != 0
    repeated = len(rows) - int(is_last.sum())
    if repeated:
        dropped["repeated times"] = repeated
    return Screened(rows=rows.take(is_last), dropped=dropped)


def _faults(rows: Rows, *, at: datetime | None) -> Iterator[Fault]:
    yield from _row_faults(rows, at=at)
    step = np.diff(rows.time_ms, prepend=-1)
    yield "repeated times", step == 0, lambda _: "the time of the row before it again"
    yield "disorder", step < 0, lambda _: "goes back in time; rows must be in order"


def _row_faults(rows: Rows, *, at: datetime | None) -> Iterator[Fault]:
    """What can be wrong with a row by itself."""
    times = rows.time_ms
    yield "unreadable times", times < 0, lambda _: "its time cannot be read"
    yield "times off the grid", (times >= 0) & (times % rows.step_ms != 0), lambda _: _off_grid(rows)
    if at is not None:
        is_open = times + rows.step_ms > to_epoch_ms(at)
        yield "bars that have not ended", is_open, lambda _: f"this bar has not ended at {at:{_SHOWN}} UTC"
    for name in _VALUES:
        yield _number_fault(name, getattr(rows, name))
    low, high = rows.low, rows.high
    yield (
        "high below low",
        high < low,
        lambda index: f"high {high[index]:.10g} is below low {low[index]:.10g}",
    )
    for name in ("open", "close"):
        price: FloatArray = getattr(rows, name)
        yield _outside_fault(name, price, low=low, high=high)


def _number_fault(name: str, column: FloatArray) -> Fault:
    is_bad = ~np.isfinite(column) | ((column < 0) if name == "volume_base" else (column <= 0))
    rule = "zero or more" if name == "volume_base" else "above zero"
    label = name.removesuffix("_base")
    return (
        f"bad {label}",
        is_bad,
        lambda index: (
            f"{label} is no number"
            if np.isnan(column[index])
            else f"{label} must be {rule}, not {column[index]:.10g}"
        ),
    )


def _outside_fault(name: str, price: FloatArray, *, low: FloatArray, high: FloatArray) -> Fault:
    return (
        f"{name} outside low and high",
        (price < low) | (price > high),
        lambda index: (
            f"{name} {price[index]:.10g} lies outside low {low[index]:.10g} to high {high[index]:.10g}"
        ),
    )


def _off_grid(rows: Rows) -> str:
    return f"no {rows.timeframe} bar opens at this time{apart(rows.time_ms, timeframe=rows.timeframe)}"


def apart(times: IntArray, *, timeframe: str) -> str:
    """A hint in brackets when the rows' usual distance is another timeframe than the one said; else empty."""
    steps = np.diff(np.sort(times[times >= 0]))
    steps = steps[steps > 0]
    if not steps.size:
        return ""
    usual_ms = int(np.median(steps))
    fitting = [name for name, length_s in TIMEFRAME_S.items() if length_s * 1000 == usual_ms]
    return (
        f" (the rows are {fitting[0]} apart: --timeframe {fitting[0]}?)"
        if fitting[:1] not in ([], [timeframe])
        else ""
    )
