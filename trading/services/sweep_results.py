"""What a sweep gave: its points read back, ranked by the objective, and the best of them run in full."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import TYPE_CHECKING

from trading.errors import InvalidValueError
from trading.models import Backtest, SweepPoint
from trading.services import backtests
from trading.services.backtests import Origin, Outcome
from trading.services.sweeps import OBJECTIVES, Metrics, OpenSweep

if TYPE_CHECKING:
    from trading.backtest.report.values import Figures
    from trading.backtest.report.values import Sweep as SweepReport


# A point with fewer trades says nothing: it is ranked behind all others.
LEAST_TRADES = 5


@dataclass(frozen=True, slots=True, kw_only=True)
class Result:
    """What one combination gave, per stretch of bars. `objection` says why it was not run; its metrics are empty then."""

    index: int
    parameters: Mapping[str, float]
    metrics: tuple[Metrics, ...]
    objection: str = ""


def results(sweep: OpenSweep) -> tuple[Result, ...]:
    """Every stored point in order of its index."""
    stored = SweepPoint.objects.filter(sweep=sweep.row).values_list("index", "metrics")
    return tuple(
        Result(
            index=index,
            parameters=sweep.grid.point(index),
            metrics=() if "objection" in metrics[0] else tuple(metrics),
            objection=metrics[0].get("objection", ""),
        )
        for index, metrics in stored
    )


def score(metrics: Metrics, *, objective: str) -> float | None:
    """How good a point is by the objective, more being better; None when it cannot be told or rests on too few trades."""
    value = metrics.get(objective)
    if value is None or metrics["trades"] < LEAST_TRADES:
        return None
    return float(value) if OBJECTIVES[objective] else -float(value)


def ranked(found: Sequence[Result], *, objective: str, window: int = 0) -> list[Result]:
    """Points with a score, best first; among equals the one with the lower index."""
    scored = [(score(item.metrics[window], objective=objective), item) for item in found if item.metrics]
    kept = [(value, item) for value, item in scored if value is not None]
    return [item for _, item in sorted(kept, key=lambda pair: (-pair[0], pair[1].index))]


def best(sweep: OpenSweep, *, objective: str, at: datetime, started_s: float) -> Outcome:
    """The best point in full, stored, with all points in its report. InvalidValueError when no point can be ranked."""
    found = results(sweep)
    order = ranked(found, objective=objective)
    if not order:
        reasons = sorted({item.objection for item in found if item.objection})
        why = reasons[0] if reasons else f"none made {LEAST_TRADES} trades and has a {objective}"
        raise InvalidValueError(f"none of the {len(found):,} combinations can be ranked: {why}")
    origin = Origin(
        kind=Backtest.Kind.BEST,
        sweep=sweep.row,
        tried=as_report(found, names=tuple(sweep.grid.axes), objective=objective, best=order[0].index),
    )
    return backtests.run_on(
        sweep.bench, parameters=order[0].parameters, at=at, started_s=started_s, origin=origin
    )


def as_report(
    found: Sequence[Result], *, names: tuple[str, ...], objective: str, best: int | None
) -> "SweepReport":
    """The points as a report shows them."""
    from trading.backtest.report.values import Sweep as SweepReport
    from trading.backtest.report.values import SweepPoint as Point

    return SweepReport(
        names=names,
        objective=objective,
        best=next((place for place, item in enumerate(found) if item.index == best), None),
        points=tuple(
            Point(
                values=tuple(item.parameters[name] for name in names),
                score=score(item.metrics[0], objective=objective) if item.metrics else None,
                figures=figures(item.metrics[0] if item.metrics else {}),
                problem=item.objection,
            )
            for item in found
        ),
    )


def figures(metrics: Metrics) -> "Figures":
    """Quick metrics as a report shows them; nothing is known of a point that was not run."""
    from trading.backtest.report.values import Figures

    def number(name: str) -> float | None:
        value = metrics.get(name)
        return None if value is None else float(value)

    return Figures(
        trades=int(metrics.get("trades", 0)),
        total_return_ratio=number("total_return_ratio"),
        sharpe=number("sharpe"),
        max_drawdown_ratio=number("max_drawdown_ratio"),
        profit_factor=number("profit_factor"),
        win_rate_ratio=number("win_rate_ratio"),
    )
