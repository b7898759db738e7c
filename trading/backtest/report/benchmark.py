"""Doing nothing: the same instruments bought in equal parts with the first bar and held."""

from collections.abc import Sequence

import numpy as np

from trading.backtest.report.curve import Curve, of_marks
from trading.types.research import TIMEFRAME_S, BacktestRun, Bars, FloatArray, IntArray


def market_change(markets: Sequence[Bars]) -> float | None:
    """Mean over the instruments of (last close - first close) / first close; None without bars."""
    changes = [float(bars.close[-1] / bars.close[0] - 1) for bars in markets if len(bars)]
    return sum(changes) / len(changes) if changes else None


def buy_and_hold(run: BacktestRun, *, markets: Sequence[Bars]) -> Curve | None:
    """Equity of the same start money, in equal parts, bought at each instrument's first close with its taker fee and slippage and
    valued at every close of the run; a part is cash until its instrument has a bar. None without bars."""
    held = [
        (bars, terms)
        for bars, terms in zip(markets, run.terms, strict=True)
        if len(bars) and bars.close[0] > 0
    ]
    if not held or not run.time_ms.size:
        return None
    share = run.capital.start_equity / len(held)
    equity = np.zeros(run.time_ms.size)
    for bars, terms in held:
        price = float(bars.close[0]) * (1 + terms.slippage_bps / 10_000) * (1 + terms.taker_fee_ratio)
        equity += _valued(run.time_ms, bars, share=share, price=price)
    return of_marks(
        run.time_ms, equity, start=run.capital.start_equity, step_ms=TIMEFRAME_S[run.timeframe] * 1000
    )


def _valued(time_ms: IntArray, bars: Bars, *, share: float, price: float) -> FloatArray:
    if np.array_equal(time_ms, bars.open_time_ms):
        return bars.close * (share / price)
    last = np.searchsorted(bars.open_time_ms, time_ms, side="right") - 1
    return np.where(last < 0, share, bars.close[np.maximum(last, 0)] * (share / price))
