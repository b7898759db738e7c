"""The few numbers a sweep ranks by, in one pass over the equity curve; the same definitions as the report's rows."""

from dataclasses import dataclass

import numpy as np

from neuratrade.lib.jit import compiled
from trading.backtest.inputs import shown
from trading.backtest.report.curve import DAY_MS
from trading.backtest.report.ratios import part, sharpe, sortino
from trading.backtest.report.trips import trips
from trading.types.research import BacktestRun, FloatArray


@dataclass(frozen=True, slots=True, kw_only=True)
class QuickMetrics:
    """None is what cannot be told: a ratio without trades, without a losing trade, or with less than two days.

    `trades` counts round trips, those still open at the end included; a pair's two legs are one. Sharpe and Sortino are over
    daily returns of equity (open positions included, UTC days, days without bars unchanged) × √365, risk-free rate zero.
    `max_drawdown_ratio` is the deepest fall below the highest equity so far, looked at on every bar's close.
    """

    trades: int
    total_return_ratio: float
    sharpe: float | None
    sortino: float | None
    max_drawdown_ratio: float
    profit_factor: float | None
    win_rate_ratio: float | None
    expectancy_quote: float | None
    final_equity: float


def quick(run: BacktestRun) -> QuickMetrics:
    """The numbers of one run."""
    start = run.capital.start_equity
    pnl = np.asarray(
        trips(run).pnl if np.any(run.trades["side"] < 0) else run.trades["pnl"], dtype=np.float64
    )
    final = float(run.equity[-1])
    daily = daily_returns(run)
    won, lost = float(pnl[pnl > 0].sum()), -float(pnl[pnl < 0].sum())
    return QuickMetrics(
        trades=int(pnl.size),
        total_return_ratio=final / start - 1,
        sharpe=None if daily is None else sharpe(daily),
        sortino=None if daily is None else sortino(daily),
        max_drawdown_ratio=_deepest(shown(run.equity), start),
        profit_factor=part(won, lost),
        win_rate_ratio=part(int((pnl > 0).sum()), pnl.size),
        expectancy_quote=part(float(pnl.sum()), pnl.size),
        final_equity=final,
    )


def daily_returns(run: BacktestRun) -> FloatArray | None:
    """Each UTC day's return on the equity it began with; None once equity was zero or less, when returns mean nothing."""
    days = np.arange(run.time_ms[0] // DAY_MS, run.time_ms[-1] // DAY_MS + 1)
    last = np.searchsorted(run.time_ms, (days + 1) * DAY_MS) - 1
    value = np.concatenate(([run.capital.start_equity], run.equity[last]))
    return value[1:] / value[:-1] - 1 if bool(np.all(value[:-1] > 0)) else None


@compiled
def _deepest(equity: FloatArray, start: float) -> float:
    """The deepest fall from a peak, as a part of it. Divides only where a fall is deeper than all before."""
    peak, worst, floor = start, 0.0, start
    for value in equity:
        if value > peak:
            peak = value
            floor = peak * (1.0 - worst)
        elif value < floor:
            worst = 1.0 - value / peak
            floor = value
    return worst
