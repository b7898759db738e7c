"""Trades put together by what they share: instrument, side, exit reason, day, week, month; and the returns of each month."""

from collections.abc import Callable, Sequence
from datetime import UTC, date, datetime, timedelta

import numpy as np

from trading.backtest.report.curve import DAY_MS, Curve
from trading.backtest.report.ratios import part
from trading.backtest.report.trips import Trips
from trading.backtest.report.values import Slice, YearOfMonths
from trading.types.research import ExitKind, IntArray

_EPOCH = date(1970, 1, 1)
# 1970-01-01 was a Thursday: three days after a Monday.
_DAYS_FROM_MONDAY = 3


def by_instrument(trips: Trips, *, symbols: Sequence[str], start: float) -> tuple[Slice, ...]:
    """One slice per instrument, those without a trade too; a pair is one line. Best profit first."""
    if trips.is_pair:
        return _slices(trips, np.zeros(len(trips), dtype=np.int64), names=[" / ".join(symbols)], start=start)
    lines = _slices(trips, trips.instrument, names=symbols, start=start)
    return tuple(sorted(lines, key=lambda line: -line.profit_quote))


def by_exit(trips: Trips, *, start: float) -> tuple[Slice, ...]:
    """One slice per exit reason that occurred."""
    names = ["open at the end" if kind is ExitKind.END else kind.name.lower() for kind in ExitKind]
    return tuple(line for line in _slices(trips, trips.kind, names=names, start=start) if line.trades)


def by_day(trips: Trips, *, start: float) -> tuple[Slice, ...]:
    """By day of exit in UTC, days with an exit only."""
    return _by_period(trips, trips.exit_ms // DAY_MS, name=lambda day: _day(day).isoformat(), start=start)


def by_week(trips: Trips, *, start: float) -> tuple[Slice, ...]:
    """By week of exit, named by its Monday."""
    monday = (trips.exit_ms // DAY_MS + _DAYS_FROM_MONDAY) // 7 * 7 - _DAYS_FROM_MONDAY
    return _by_period(trips, monday, name=lambda day: _day(day).isoformat(), start=start)


def by_month(trips: Trips, *, start: float) -> tuple[Slice, ...]:
    """By calendar month of exit, as 2026-11."""
    return _by_period(trips, _month(trips.exit_ms // DAY_MS), name=_month_name, start=start)


def monthly_returns(curve: Curve) -> tuple[YearOfMonths, ...]:
    """Each calendar month's return on the equity it began with, by year; empty once equity was zero or less."""
    if curve.day_return is None or not curve.day.size:
        return ()
    month = _month(curve.day)
    last = np.flatnonzero(np.diff(month, append=month[-1] + 1))
    equity = curve.day_equity[last]
    returns = equity / np.concatenate(([curve.start], equity[:-1])) - 1
    told = dict(zip(month[last].tolist(), returns.tolist(), strict=True))
    years = range(min(told) // 12, max(told) // 12 + 1)
    return tuple(
        _year(1970 + year, tuple(told.get(year * 12 + month) for month in range(12))) for year in years
    )


def _year(year: int, months: tuple[float | None, ...]) -> YearOfMonths:
    growth = 1.0
    for ratio in months:
        growth *= 1 + (ratio or 0.0)
    return YearOfMonths(year=year, months=months, total_ratio=growth - 1)


def _by_period(
    trips: Trips, period: IntArray, *, name: Callable[[int], str], start: float
) -> tuple[Slice, ...]:
    periods, group = np.unique(period, return_inverse=True)
    names = [name(int(value)) for value in periods]
    return _slices(trips, np.asarray(group), names=names, start=start)


def _slices(trips: Trips, group: IntArray, *, names: Sequence[str], start: float) -> tuple[Slice, ...]:
    """One slice per name; `group` has the index into `names` of each trip."""
    pnl = trips.pnl

    def sums(weights: np.ndarray[tuple[int], np.dtype[np.float64]]) -> list[float]:
        values: list[float] = np.bincount(group, weights=weights, minlength=len(names)).tolist()
        return values

    columns = zip(
        names,
        *(sums(mask.astype(np.float64)) for mask in (pnl == pnl, pnl > 0, pnl < 0)),
        *map(sums, (pnl, trips.return_ratio, trips.duration_s, np.maximum(pnl, 0), np.maximum(-pnl, 0))),
        strict=True,
    )
    return tuple(
        Slice(
            name=name,
            trades=int(trades),
            wins=int(wins),
            draws=int(trades - wins - losses),
            losses=int(losses),
            profit_quote=profit,
            return_ratio=profit / start,
            win_rate_ratio=part(wins, trades),
            avg_return_ratio=part(returns, trades),
            avg_duration_s=part(durations, trades),
            profit_factor=part(won, lost),
        )
        for name, trades, wins, losses, profit, returns, durations, won, lost in columns
    )


def _day(day: int) -> date:
    return _EPOCH + timedelta(days=day)


def _month(day: IntArray) -> IntArray:
    """Months since January 1970 of days since 1970."""
    return day.astype("datetime64[D]").astype("datetime64[M]").astype(np.int64)


def _month_name(month: int) -> str:
    return f"{1970 + month // 12}-{month % 12 + 1:02d}"


def moment(at_ms: int) -> str:
    """ISO 8601 in UTC."""
    return datetime.fromtimestamp(at_ms / 1000, UTC).isoformat()
