"""What freqtrade would print for the same trades, by its own formulas, so that its users can compare like with like.

Formulas after `freqtrade/data/metrics.py` and `optimize_reports.py` (2025): everything there is made of closed trades, in order of exit,
over whole days between the first and last candle; -100 and 100 stand for "cannot be told".
"""

import math
from dataclasses import dataclass

import numpy as np

from trading.backtest.report.curve import DAY_MS
from trading.backtest.report.ratios import finite, part
from trading.types.research import FloatArray, IntArray

_UNDEFINED = -100.0


@dataclass(frozen=True, slots=True, kw_only=True)
class Freqtrade:
    """freqtrade's figures under freqtrade's names. Without a trade: what it prints then, mostly zero."""

    cagr: float | None
    sharpe: float | None
    sortino: float | None
    calmar: float | None
    sqn: float | None
    profit_factor: float | None
    expectancy_ratio: float
    max_relative_drawdown: float
    max_drawdown_abs: float
    max_drawdown_account: float
    max_drawdown_high: float
    max_drawdown_low: float
    drawdown_start_ms: int | None
    drawdown_end_ms: int | None
    csum_min: float
    csum_max: float
    winning_days: int
    draw_days: int
    losing_days: int
    best_day_quote: float
    worst_day_quote: float
    trades_per_day: float


@dataclass(frozen=True, slots=True, kw_only=True)
class _Fall:
    size: float
    account: float
    high: float
    low: float
    high_at: int
    low_at: int


def figures(pnl: FloatArray, exit_ms: IntArray, *, start: float, first_ms: int, last_ms: int) -> Freqtrade:
    """From profits in order of exit; `first_ms` and `last_ms` are the opening times of the first and last candle."""
    days = max(1, (last_ms - first_ms) // DAY_MS)
    parts = pnl / start
    total = float(parts.sum())
    falls = _falls(pnl, start=start)
    fall, deepest = (_worst(falls, relative=relative) for relative in (False, True))
    daily = _daily(pnl, exit_ms)
    losses, wins = pnl[pnl < 0], pnl[pnl > 0]
    running = start + np.cumsum(pnl)
    known = bool(pnl.size) and last_ms > first_ms

    def scaled(spread: float, *, factor: float = 1.0) -> float | None:
        if not known:
            return 0.0
        return finite(factor * total / days / spread * math.sqrt(365)) if spread > 0 else _UNDEFINED

    return Freqtrade(
        cagr=_cagr(1 + total, days=days),
        sharpe=scaled(float(parts.std()) if parts.size else 0.0),
        sortino=scaled(float((losses / start).std()) if losses.size else 0.0),
        calmar=scaled(fall.account, factor=100.0),
        sqn=_sqn(parts),
        profit_factor=part(float(wins.sum()), -float(losses.sum())) if losses.size else 0.0,
        expectancy_ratio=_expectancy_ratio(wins, losses, count=pnl.size),
        max_relative_drawdown=deepest.account,
        max_drawdown_abs=fall.size,
        max_drawdown_account=fall.account,
        max_drawdown_high=fall.high,
        max_drawdown_low=fall.low,
        drawdown_start_ms=int(exit_ms[max(fall.high_at - 1, 0)]) if fall.size else None,
        drawdown_end_ms=int(exit_ms[max(fall.low_at - 1, 0)]) if fall.size else None,
        csum_min=float(running.min()) if running.size else 0.0,
        csum_max=float(running.max()) if running.size else 0.0,
        winning_days=int((daily > 0).sum()),
        draw_days=int((daily == 0).sum()),
        losing_days=int((daily < 0).sum()),
        best_day_quote=float(daily.max()) if daily.size else 0.0,
        worst_day_quote=float(daily.min()) if daily.size else 0.0,
        trades_per_day=round(pnl.size / days, 2),
    )


def _cagr(growth: float, *, days: int) -> float | None:
    if growth < 0:
        return 0.0
    try:
        return finite(growth ** (365 / days) - 1)
    except OverflowError:
        return None


def _sqn(parts: FloatArray) -> float | None:
    if not parts.size:
        return 0.0
    spread = float(parts.std(ddof=1)) if parts.size > 1 else 0.0
    return finite(round(math.sqrt(parts.size) * float(parts.mean()) / spread, 4)) if spread else _UNDEFINED


def _expectancy_ratio(wins: FloatArray, losses: FloatArray, *, count: int) -> float:
    if not losses.size:
        return 100.0
    reward = float(wins.mean()) / -float(losses.mean()) if wins.size else 0.0
    return (1 + reward) * wins.size / count - 1


def _falls(pnl: FloatArray, *, start: float) -> tuple[FloatArray, FloatArray, FloatArray]:
    """Cumulative profit, its highest so far, and the fall as a part of the account; a zero before the first trade."""
    running = np.concatenate(([0.0], np.cumsum(pnl)))
    high = np.maximum.accumulate(np.maximum(running, 0))
    return running, high, (high - running) / (start + high)


def _worst(falls: tuple[FloatArray, FloatArray, FloatArray], *, relative: bool) -> _Fall:
    running, high, account = falls
    low_at = int(np.argmax(account if relative else high - running))
    high_at = int(np.argmax(high[: low_at + 1]))
    return _Fall(
        size=float(high[low_at] - running[low_at]),
        account=float(account[low_at]),
        high=float(running[high_at]),
        low=float(running[low_at]),
        high_at=high_at,
        low_at=low_at,
    )


def _daily(pnl: FloatArray, exit_ms: IntArray) -> FloatArray:
    """Profit by day of exit, days without an exit between the first and last included as zero."""
    if not pnl.size:
        return np.zeros(0)
    day = exit_ms // DAY_MS
    return np.round(np.bincount(day - day.min(), weights=pnl), 10)
