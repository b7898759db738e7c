"""The equity curve of a run, looked at by day and against its own peaks."""

from dataclasses import dataclass

import numpy as np

from trading.types.research import TIMEFRAME_S, BacktestRun, FloatArray, IntArray

DAY_MS = 86_400_000


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class Curve:
    """Equity at the close of each bar. `close_ms` are those moments; `peak` is the highest equity so far, the start included.

    `day` counts days since 1970, one per calendar day of the run; `day_equity` is the equity at that day's last close (a day without
    bars keeps the one before), `day_change` what the day added, in quote.
    """

    start: float
    start_ms: int
    close_ms: IntArray
    equity: FloatArray
    peak: FloatArray
    drawdown: FloatArray
    day: IntArray
    day_equity: FloatArray
    days: float

    @property
    def final(self) -> float:
        return float(self.equity[-1]) if self.equity.size else self.start

    @property
    def day_change(self) -> FloatArray:
        return np.diff(self.day_equity, prepend=self.start)

    @property
    def day_return(self) -> FloatArray | None:
        """Each day's return on the equity it began with; None once equity was zero or less, when returns mean nothing."""
        before = np.concatenate(([self.start], self.day_equity[:-1]))[: self.day_equity.size]
        return self.day_equity / before - 1 if bool(np.all(before > 0)) else None


def curve(run: BacktestRun) -> Curve:
    """The curve of `run`; a run without bars has no marks and ends where it began."""
    return of_marks(
        run.time_ms, run.equity, start=run.capital.start_equity, step_ms=TIMEFRAME_S[run.timeframe] * 1000
    )


def of_marks(open_ms: IntArray, equity: FloatArray, *, start: float, step_ms: int) -> Curve:
    """A curve from equity at the closes of the bars that open at `open_ms` and last `step_ms`."""
    peak = np.maximum.accumulate(np.maximum(equity, start))
    day, day_equity = _daily(open_ms, equity)
    return Curve(
        start=start,
        start_ms=int(open_ms[0]) if open_ms.size else 0,
        close_ms=open_ms + step_ms,
        equity=equity,
        peak=peak,
        drawdown=1 - equity / peak,
        day=day,
        day_equity=day_equity,
        days=(int(open_ms[-1]) + step_ms - int(open_ms[0])) / DAY_MS if open_ms.size else 0.0,
    )


def _daily(open_ms: IntArray, equity: FloatArray) -> tuple[IntArray, FloatArray]:
    """A bar belongs to the day it opens in: no bar is longer than a day."""
    if not open_ms.size:
        return np.zeros(0, dtype=np.int64), np.zeros(0)
    day = np.arange(open_ms[0] // DAY_MS, open_ms[-1] // DAY_MS + 1)
    last = np.searchsorted(open_ms, (day + 1) * DAY_MS) - 1
    return day, equity[last]
