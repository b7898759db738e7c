"""What `neuratrade backtest` does: asks the services, hires workers for a sweep, and puts the answer into words and JSON."""

import sys
import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import TYPE_CHECKING, Any

from neuratrade.lib import clock, memory
from neuratrade.lib.progress import progress
from neuratrade.reports import bench as tables
from trading.backtest import grid as grids
from trading.backtest import windows
from trading.backtest.report.values import Report
from trading.errors import InvalidValueError
from trading.services import backtests, second_opinion, strategies, sweep_results, sweeps
from trading.services.backtests import Outcome
from trading.services.bench import BacktestRequest, open_bench
from trading.services.sweeps import OpenSweep

if TYPE_CHECKING:
    from trading.backtest.report.opinion import SecondOpinion

MOST_WORKERS = 64
_NEWEST = 20


@dataclass(frozen=True, slots=True, kw_only=True)
class Ask:
    """What the operator wants tried."""

    request: BacktestRequest
    params: tuple[str, ...]
    objective: str
    walk_forward: str
    workers: int


@dataclass(frozen=True, slots=True, kw_only=True)
class View:
    """How the answer is wanted; `wants_vectorbt`: with its second opinion on the fills."""

    as_json: bool
    width: int
    has_colour: bool
    html: Path | None
    wants_vectorbt: bool


@dataclass(frozen=True, slots=True, kw_only=True)
class Shown:
    """An answer for a person or for a script, the one that was wanted at least; `is_bad` is the line of a check that failed."""

    text: str = ""
    plain: Any = None
    is_bad: str = ""


def timeframe_of(strategy: str) -> str:
    """The first timeframe its page names."""
    _, play = strategies.find(strategy)
    return play.timeframes[0]


def run(ask: Ask, *, view: View) -> Shown:
    """One backtest, or a sweep when a parameter has several values, or a walk-forward."""
    _require(view)
    memory.keep_freed()
    grid = grids.parse(ask.params)
    fixed = {name: values[0] for name, values in grid.axes.items() if name not in grid.varied}
    request = replace(ask.request, parameters=fixed)
    if not grid.varied and not ask.walk_forward:
        started_s = time.perf_counter()
        return _shown(backtests.run(request, at=clock.now()), view=view, started_s=started_s)
    sweep = sweeps.ask(
        request,
        grid=grids.Grid(axes={name: grid.axes[name] for name in grid.varied}),
        objective=ask.objective,
        plan=windows.parse(ask.walk_forward) if ask.walk_forward else None,
        at=clock.now(),
    )
    return _finish(sweep, workers=ask.workers, view=view)


def resume(number: int, *, workers: int, view: View) -> Shown:
    """An interrupted sweep, to its end."""
    _require(view)
    memory.keep_freed()
    return _finish(sweeps.reopen(number), workers=workers, view=view)


def _finish(sweep: OpenSweep, *, workers: int, view: View) -> Shown:
    from trading.services import walk_forward

    started_s = time.perf_counter()
    _compute(sweep, workers=workers)
    sweeps.finish(sweep.row, at=clock.now())
    finish = walk_forward.finish if sweep.windows else sweep_results.best
    outcome = finish(sweep, objective=sweep.row.objective, at=clock.now(), started_s=started_s)
    shown = _shown(outcome, view=view, started_s=started_s)
    if sweep.windows:
        walked = tables.walk_plain(outcome.report)
        return replace(shown, plain={**shown.plain, "walk_forward": walked}) if view.as_json else shown
    found = sweep_results.results(sweep)
    order = sweep_results.ranked(found, objective=sweep.row.objective)
    if view.as_json:
        tried = tables.sweep_plain(sweep.row, found=found, order=order)
        return replace(shown, plain={**shown.plain, "sweep": tried})
    return replace(shown, text=shown.text + tables.sweep_line(sweep.row, found=found, ranked=len(order)))


def _compute(sweep: OpenSweep, *, workers: int) -> None:
    """Every missing point, here or by hired workers. Interrupted, it says how to go on."""
    left = sweeps.missing(sweep.row)
    if not left:
        return
    total, stored = sweep.row.points_total, sweep.row.points_total - len(left)
    try:
        with progress(f"sweep {sweep.row.pk}", total=total, done=stored) as told:
            if workers == 1:
                sweeps.compute(sweep, indices=left, on_progress=lambda count: told(stored + count))
            else:
                _spread(sweep, workers=workers, told=told)
    except KeyboardInterrupt:
        sys.stderr.write(
            f"{sweeps.done(sweep.row):,} of {total:,} points are stored; `neuratrade backtest --resume {sweep.row.pk}` goes on\n"
        )
        raise


def _spread(sweep: OpenSweep, *, workers: int, told: Callable[[int], None]) -> None:
    from neuratrade.supervise import crew
    from trading.services import sweep_spread

    with crew.hired(workers) as hands:
        sweep_spread.spread(sweep, crew=hands, on_progress=told)


def _shown(outcome: Outcome, *, view: View, started_s: float) -> Shown:
    from trading.backtest.report import document

    outcome = backtests.simulated(outcome)
    opinion = _second_opinion(outcome) if view.wants_vectorbt else None
    _write_html(outcome.report, path=view.html, opinion=opinion)
    if view.as_json:
        plain = {"id": outcome.row.pk, **document.as_json(outcome.report), "notes": list(outcome.notes)}
        return Shown(plain={**plain, "vectorbt": opinion.as_json()} if opinion else plain)
    from neuratrade.reports import second, text

    extra = () if opinion is None else (second.table(opinion, asset=outcome.report.quote_asset),)
    told = text.render(outcome.report, width=view.width, colour=view.has_colour, extra=extra)
    notes = "".join(f"note: {note}\n" for note in outcome.notes)
    where = f"report: {view.html}\n" if view.html else ""
    footer = tables.footer(outcome.row, took_s=time.perf_counter() - started_s)
    return Shown(text=f"{told}\n{notes}{where}{footer}")


def _require(view: View) -> None:
    if view.wants_vectorbt:
        second_opinion.require()


def _second_opinion(outcome: Outcome) -> "SecondOpinion":
    with progress("vectorbt accounts for the fills", total=1):  # up to a minute: it compiles itself first
        return second_opinion.ask(outcome)


def _write_html(report: Report, *, path: Path | None, opinion: "SecondOpinion | None" = None) -> None:
    if path is not None:
        from neuratrade.reports import html, second

        extra = () if opinion is None else (second.card(opinion, asset=report.quote_asset),)
        page = html.render(report, extra=extra)
        try:
            path.write_text(page, encoding="utf-8")
        except OSError as error:
            raise InvalidValueError(
                f"--html {path} cannot be written ({error.strerror}); the run itself is stored: "
                "`neuratrade backtest --list` names it, `--show ID --html FILE` writes its page"
            ) from error


def checked(ask: Ask, *, check: str) -> Shown:
    """Whether the strategy looks ahead, or depends on where history began."""
    from trading.backtest import bias

    grid = grids.parse(ask.params)
    if grid.varied:
        raise InvalidValueError("--check looks at one set of parameters: give each --param one value")
    bench = open_bench(replace(ask.request, parameters=grid.point(0)))
    look = bias.lookahead if check == "lookahead" else bias.recursive
    reports = [
        look(bench.strategy, bars, parameters=bench.values({}), indicators=bench.indicators)
        for bars in (bench.markets[:1] if bench.strategy.is_pair else bench.markets)
    ]
    bad = (
        ""
        if all(report.is_clean for report in reports)
        else f"{ask.request.strategy} fails the {check} check"
    )
    text = "\n".join(line for report in reports for line in report.lines())
    return Shown(text=text, plain=[tables.bias_plain(report) for report in reports], is_bad=bad)


def listed(strategy: str) -> Shown:
    """The newest stored runs."""
    rows = backtests.newest(_NEWEST, strategy=strategy)
    return Shown(text=tables.runs_table(rows), plain=[tables.run_plain(row) for row in rows])


def compared(numbers: Sequence[int], *, view: View) -> Shown:
    """Stored runs side by side."""
    rows = backtests.find(numbers)
    if view.as_json:
        return Shown(plain=[tables.run_plain(row) for row in rows])
    from neuratrade.reports import text

    reports = [(f"#{row.pk} {row.strategy}", backtests.report_of(row)) for row in rows]
    return Shown(text=text.side_by_side(reports, width=view.width, colour=view.has_colour))


def stored(number: int, *, view: View) -> Shown:
    """One stored run as it was shown when it was made."""
    (row,) = backtests.find([number])
    report = backtests.report_of(row)
    _write_html(report, path=view.html)
    if view.as_json:
        return Shown(plain=tables.run_plain(row, trades=backtests.trades_of(row)))
    from neuratrade.reports import text

    return Shown(text=text.render(report, width=view.width, colour=view.has_colour))


def strategies_listed() -> Shown:
    """Every strategy with its first sentence."""
    plays = [play for _, play in strategies.all()]
    return Shown(
        text=tables.strategies_table(plays),
        plain=[
            {"name": play.name, "timeframes": list(play.timeframes), "description": play.description}
            for play in plays
        ],
    )
