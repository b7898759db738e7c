"""Walk-forward: in each window the best parameters of the stretch before are tried on a stretch they have not seen; the tries make one run.

Each try ends flat: its last position is left at the open of its last bar, with costs, so that a window neither inherits a position
nor gives one away. The next begins with the equity the one before ended with.
"""

from collections.abc import Sequence
from dataclasses import asdict, replace
from datetime import datetime
from functools import lru_cache
from typing import TYPE_CHECKING

import numpy as np

from trading.backtest.windows import Window
from trading.errors import InvalidValueError
from trading.models import Backtest
from trading.services import backtests, sweep_results
from trading.services.backtests import Origin, Outcome, Stretch
from trading.services.sweep_results import Result
from trading.services.sweeps import OpenSweep
from trading.types.research import BacktestRun, Bars, FloatArray, Signals

if TYPE_CHECKING:
    from trading.backtest.report.values import Fold

_KEPT_SIGNALS = 4


def finish(sweep: OpenSweep, *, objective: str, at: datetime, started_s: float) -> Outcome:
    """The stitched run of a sweep whose points are all there, stored, with its windows in the report."""
    from trading.backtest.report import thinning
    from trading.backtest.report.values import WalkForward

    found = sweep_results.results(sweep)
    signals_of = lru_cache(maxsize=_KEPT_SIGNALS)(lambda index: sweep.bench.signals(sweep.grid.point(index)))
    parts: list[Stretch] = []
    folds: list[Fold] = []
    equity = sweep.bench.capital.start_equity
    for number, window in enumerate(sweep.windows):
        best = next(iter(sweep_results.ranked(found, objective=objective, window=number)), None)
        signals = signals_of(best.index if best else 0)
        is_last = number == len(sweep.windows) - 1
        part = _try(sweep, window, signals=signals, equity=equity, trades=best is not None, is_last=is_last)
        if part is None:
            continue
        parts.append(part)
        folds.append(_fold(window, best=best, number=number, run=part.run))
        equity = float(part.run.equity[-1])
    if not parts:
        raise InvalidValueError("no walk-forward window has candles to try parameters on")
    whole = join(parts)
    walked = WalkForward(
        objective=objective,
        folds=tuple(folds),
        equity=thinning.line(whole.run.time_ms, whole.run.equity / sweep.bench.capital.start_equity),
        combinations=len(sweep.grid),
    )
    origin = Origin(kind=Backtest.Kind.WALK_FORWARD, sweep=sweep.row, walked=walked, varied=sweep.grid.varied)
    return backtests.keep(sweep.bench, whole, parameters={}, at=at, started_s=started_s, origin=origin)


def _try(
    sweep: OpenSweep,
    window: Window,
    *,
    signals: tuple[Signals, ...],
    equity: float,
    trades: bool,
    is_last: bool,
) -> Stretch | None:
    """The run on a window's unseen stretch; without a choice nothing is traded. None when it has no bars, or equity is used up."""
    markets, spoken = sweep.bench.cut(signals, since_ms=window.split_ms, until_ms=window.until_ms)
    if not all(len(bars) for bars in markets) or equity <= 0:
        return None
    if not trades:
        spoken = tuple(replace(item, enter=np.zeros_like(item.enter)) for item in spoken)
    elif not is_last:
        spoken = tuple(flat_at_end(item) for item in spoken)
    run = sweep.bench.run(markets, spoken, start_equity=equity)
    return Stretch(run=run, markets=markets, signals=spoken)


def flat_at_end(signals: Signals) -> Signals:
    """The same signals, with whatever is held left at the open of the last bar and nothing entered from there on."""
    enter, leave = signals.enter.copy(), signals.exit.copy()
    enter[-2:] = False
    leave[-2:] = True
    return replace(signals, enter=enter, exit=leave)


def _fold(window: Window, *, best: Result | None, number: int, run: BacktestRun) -> "Fold":
    from trading.backtest.metrics import quick
    from trading.backtest.report.values import Fold

    return Fold(
        train_from_ms=window.since_ms,
        train_to_ms=window.split_ms,
        test_from_ms=window.split_ms,
        test_to_ms=window.until_ms,
        parameters=best.parameters if best else {},
        train=sweep_results.figures(best.metrics[number] if best else {}),
        test=sweep_results.figures(asdict(quick(run))),
    )


def join(parts: Sequence[Stretch]) -> Stretch:
    """Stretches that follow one another as one: times and equity end to end, trades counted on the joined timeline."""
    trades, bars_before = [], 0
    for part in parts:
        moved = part.run.trades.copy()
        moved["entry_bar"] += bars_before
        moved["exit_bar"] += bars_before
        trades.append(moved)
        bars_before += part.run.time_ms.size
    refusals: dict[str, int] = {}
    for part in parts:
        for reason, count in part.run.refusals.items():
            refusals[reason] = refusals.get(reason, 0) + count
    run = replace(
        parts[0].run,
        time_ms=np.concatenate([part.run.time_ms for part in parts]),
        equity=np.concatenate([part.run.equity for part in parts]),
        trades=np.concatenate(trades),
        refusals=refusals,
    )
    markets = tuple(_join_bars(bars) for bars in zip(*(part.markets for part in parts), strict=True))
    signals = tuple(_join_signals(said) for said in zip(*(part.signals for part in parts), strict=True))
    return Stretch(run=run, markets=markets, signals=signals)


def _join_bars(parts: Sequence[Bars]) -> Bars:
    def end_to_end(name: str) -> FloatArray:
        return np.concatenate([getattr(part, name) for part in parts])

    return replace(
        parts[0],
        open_time_ms=np.concatenate([part.open_time_ms for part in parts]),
        open=end_to_end("open"),
        high=end_to_end("high"),
        low=end_to_end("low"),
        close=end_to_end("close"),
        volume_base=end_to_end("volume_base"),
        features={
            name: np.concatenate([part.features[name] for part in parts]) for name in parts[0].features
        },
    )


def _join_signals(parts: Sequence[Signals]) -> Signals:
    def end_to_end(name: str) -> FloatArray:
        return np.concatenate([np.broadcast_to(getattr(part, name), part.enter.shape) for part in parts])

    return Signals(
        enter=np.concatenate([part.enter for part in parts]),
        exit=np.concatenate([part.exit for part in parts]),
        stop_ratio=end_to_end("stop_ratio"),
        target_ratio=end_to_end("target_ratio"),
        trailing_ratio=end_to_end("trailing_ratio"),
        confidence_ratio=end_to_end("confidence_ratio"),
        max_hold_bars=max(part.max_hold_bars for part in parts),
    )
