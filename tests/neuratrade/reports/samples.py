"""A report with everything in it, small enough to make in milliseconds."""

from dataclasses import replace

import numpy as np

from tests.trading.backtest.runs import Deal, bars, run
from trading.backtest.report.review import review
from trading.backtest.report.values import (
    Figures,
    Fold,
    Line,
    Provenance,
    Report,
    Sweep,
    SweepPoint,
    WalkForward,
)
from trading.types.research import BacktestRun, Bars, ExitKind

HOSTILE = "<img src=x onerror=\"document.title='owned'\"></script><script>document.title='owned'</script>"
DAY_MS = 86_400_000


def figures(score: float) -> Figures:
    return Figures(
        trades=20,
        total_return_ratio=score / 10,
        sharpe=score,
        max_drawdown_ratio=0.1,
        profit_factor=1 + score,
        win_rate_ratio=0.5,
    )


def plain_market(*, seed: int = 3, symbol: str = "BTC/USDT") -> Bars:
    """Three months of hours."""
    random = np.random.default_rng(seed)
    return bars(100 * np.exp(np.cumsum(random.normal(0, 0.004, 2200))), symbol=symbol)


def plain_run(*, seed: int = 3, symbol: str = "BTC/USDT") -> BacktestRun:
    """Some sixty trades on them, one left open."""
    kinds = (ExitKind.SIGNAL, ExitKind.STOP, ExitKind.TARGET)
    deals = [Deal(35 * i, 35 * i + 20, size=20, fee=0.001, kind=kinds[i % 3]) for i in range(60)]
    deals.append(Deal(2150, 2199, size=20, fee=0.001, kind=ExitKind.END))
    return run([plain_market(seed=seed, symbol=symbol)], deals, refusals={"free_cash": 3})


def plain_report(*, seed: int = 3, symbol: str = "BTC/USDT", strategy: str = "mean-reversion") -> Report:
    """That run, reviewed."""
    made = Provenance(
        strategy=strategy,
        strategy_digest="ab" * 32,
        parameters={"rsi_period": 14.0},
        code_version="0.2.0",
        command="neuratrade backtest mean-reversion",
        made_at="2026-11-22T11:00:00+00:00",
        settings={"profile": "balanced"},
    )
    result = plain_run(seed=seed, symbol=symbol)
    return review(result, markets=[plain_market(seed=seed, symbol=symbol)], provenance=made, paths=200)


def full_report() -> Report:
    """With a sweep of three parameters and a walk-forward."""
    points = tuple(
        SweepPoint(
            values=(float(period), float(low), float(stop)),
            score=None if period == 10 and low == 20 else period / 10 - abs(low - 25) / 10 + stop,
            figures=figures(period / 10),
        )
        for period in (10, 12, 14)
        for low in (20, 25, 30)
        for stop in (0.01, 0.02)
    )
    start = 1_704_067_200_000
    folds = tuple(
        Fold(
            train_from_ms=start + step * 10 * DAY_MS,
            train_to_ms=start + (step * 10 + 20) * DAY_MS,
            test_from_ms=start + (step * 10 + 20) * DAY_MS,
            test_to_ms=start + (step * 10 + 30) * DAY_MS,
            parameters={"rsi_period": 14.0},
            train=figures(1.0),
            test=figures(-0.5),
        )
        for step in range(4)
    )
    return replace(
        plain_report(),
        sweep=Sweep(names=("rsi_period", "rsi_low", "stop"), objective="sharpe", points=points, best=4),
        walk_forward=WalkForward(
            objective="sharpe",
            folds=folds,
            equity=Line(time_ms=(start, start + DAY_MS), values=(1.0, 1.1)),
            combinations=18,
        ),
    )
