"""Parameter sweeps: what is asked, which points are done, which one is best. SQL holds the truth, so a sweep may stop anywhere.

A point is one combination; what it gave is written once, whoever computes it and however often. The same question (strategy,
data, code, settings, grid) is the same row: asked again it goes on where it stopped.
"""

import json
import math
import time
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import asdict, dataclass
from datetime import datetime
from hashlib import sha256
from typing import Any

from trading.backtest import windows as walk
from trading.backtest.grid import MAX_POINTS, Grid
from trading.backtest.windows import Plan, Window
from trading.errors import ConfigurationError, InvalidValueError
from trading.models import Sweep, SweepPoint
from trading.services import bench as benches
from trading.services.bench import BacktestRequest, Bench
from trading.services.code_version import code_version

Status = Sweep.Status
Metrics = dict[str, Any]
Progress = Callable[[int], None]
# Whether more of a metric is better.
OBJECTIVES: Mapping[str, bool] = {
    "sharpe": True,
    "sortino": True,
    "total_return_ratio": True,
    "profit_factor": True,
    "expectancy_quote": True,
    "win_rate_ratio": True,
    "max_drawdown_ratio": False,
}
_SAVE_EVERY_S = 1.0


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class OpenSweep:
    """A sweep's row with everything in memory that its points need."""

    row: Sweep
    bench: Bench
    grid: Grid
    windows: tuple[Window, ...]


def ask(
    request: BacktestRequest, *, grid: Grid, objective: str, plan: Plan | None = None, at: datetime
) -> OpenSweep:
    """The sweep that answers this question: a new row, or the one that was asked before. TradingError for what cannot be run."""
    if objective not in OBJECTIVES:
        raise InvalidValueError(f"objective {objective!r} is unknown; give one of: {', '.join(OBJECTIVES)}")
    bench = benches.open_bench(request, points=grid.points(), is_sweep=True)
    windows = _windows(bench, plan)
    if len(grid) * max(1, len(windows)) > MAX_POINTS:
        raise InvalidValueError(
            f"{len(grid):,} combinations in {len(windows)} windows are more than {MAX_POINTS:,} runs; give fewer"
        )
    question = {
        "strategy": request.strategy,
        "skill_digest": bench.play.digest,
        "data_digest": bench.data_digest,
        "code_version": code_version(),
        "request": request.as_json(),
        "grid": [[name, list(values)] for name, values in grid.axes.items()],
        "windows": [[window.since_ms, window.split_ms, window.until_ms] for window in windows],
    }
    costs = [asdict(cost.terms) for cost in bench.costs]
    key = sha256(json.dumps([question, costs], sort_keys=True).encode()).hexdigest()
    row, _ = Sweep.objects.update_or_create(
        key=key,
        defaults={"objective": objective},
        create_defaults={**question, "objective": objective, "points_total": len(grid), "created_at": at},
    )
    return OpenSweep(row=row, bench=bench, grid=grid, windows=windows)


def _windows(bench: Bench, plan: Plan | None) -> tuple[Window, ...]:
    if plan is None:
        return ()
    since_ms, until_ms = bench.period_ms
    return walk.split(plan, since_ms=since_ms, until_ms=until_ms)


def reopen(number: int) -> OpenSweep:
    """An asked sweep with its data loaded anew; ConfigurationError when strategy, data or code are not what they were."""
    row = find(number)
    grid = Grid(axes={name: tuple(values) for name, values in row.grid})
    request = BacktestRequest.from_json(row.request)
    bench = benches.open_bench(request, points=grid.points(), is_sweep=True)
    now = {
        "the strategy's page": (row.skill_digest, bench.play.digest),
        "the candles": (row.data_digest, bench.data_digest),
        "the code": (row.code_version, code_version()),
    }
    for what, (then, today) in now.items():
        if then != today:
            raise ConfigurationError(
                f"sweep {number} cannot go on: {what} changed since it began; start it anew with its own command"
            )
    windows = tuple(
        Window(since_ms=since, split_ms=split, until_ms=until) for since, split, until in row.windows
    )
    return OpenSweep(row=row, bench=bench, grid=grid, windows=windows)


def find(number: int) -> Sweep:
    """A sweep's row; InvalidValueError naming the newest ones when there is none."""
    row = Sweep.objects.filter(pk=number).first()
    if row is None:
        known = ", ".join(map(str, Sweep.objects.values_list("pk", flat=True)[:5])) or "none"
        raise InvalidValueError(f"there is no sweep {number}; the newest are: {known}")
    return row


def done(row: Sweep) -> int:
    """How many points are stored."""
    return SweepPoint.objects.filter(sweep=row).count()


def missing(row: Sweep) -> list[int]:
    """Indices of points that are not stored yet, in order."""
    stored = set(SweepPoint.objects.filter(sweep=row).values_list("index", flat=True))
    return [index for index in range(row.points_total) if index not in stored]


def compute(sweep: OpenSweep, *, indices: Iterable[int], on_progress: Progress | None = None) -> None:
    """Computes and stores points in this process; saved every second, so that little is lost with it.
    `on_progress` hears how many of them are computed."""
    batch: list[SweepPoint] = []
    saved_s = time.monotonic()
    for count, index in enumerate(indices, start=1):
        batch.append(SweepPoint(sweep=sweep.row, index=index, metrics=evaluate(sweep, index=index)))
        if on_progress is not None:
            on_progress(count)
        if time.monotonic() - saved_s >= _SAVE_EVERY_S:
            _save(batch)
            batch, saved_s = [], time.monotonic()
    _save(batch)


def _save(batch: Sequence[SweepPoint]) -> None:
    """Points that someone else stored meanwhile stay as they are: they are equal."""
    SweepPoint.objects.bulk_create(batch, ignore_conflicts=True)


def evaluate(sweep: OpenSweep, *, index: int) -> list[Metrics]:
    """Quick metrics of one combination: of the whole period, or of each walk-forward window's choosing stretch."""
    from trading.backtest.metrics import quick

    parameters = sweep.grid.point(index)
    if objection := sweep.bench.objection(parameters):
        return [{"objection": objection}]
    signals = sweep.bench.signals(parameters)
    answers = []
    for since_ms, until_ms in _stretches(sweep):
        markets, spoken = sweep.bench.cut(signals, since_ms=since_ms, until_ms=until_ms)
        answers.append(_plain(asdict(quick(sweep.bench.run(markets, spoken)))))
    return answers


def _stretches(sweep: OpenSweep) -> Iterator[tuple[int, int]]:
    if not sweep.windows:
        yield sweep.bench.period_ms
    for window in sweep.windows:
        yield window.since_ms, window.split_ms


def _plain(metrics: Metrics) -> Metrics:
    """What JSON can hold: a number that is none (no trade, no loss) is null."""
    return {
        name: None if isinstance(value, float) and not math.isfinite(value) else value
        for name, value in metrics.items()
    }


def finish(row: Sweep, *, at: datetime) -> bool:
    """Marks the sweep done when every point is stored; false while some are missing."""
    if done(row) < row.points_total:
        return False
    Sweep.objects.filter(pk=row.pk, status=Status.OPEN).update(status=Status.DONE, finished_at=at)
    return True
