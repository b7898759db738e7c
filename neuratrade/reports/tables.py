"""A report's tables as text cells, the same for the terminal and the page."""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field

from neuratrade.reports import words
from trading.backtest.report.refusals import in_words
from trading.backtest.report.values import Figures, Report, Slice, Spread, Trade, Unit
from trading.types.research import ExitKind

MONTHS = ("Jan", "Feb", "Mar", "Apr", "May", "Jun", "Jul", "Aug", "Sep", "Oct", "Nov", "Dec")
BEST_POINTS = 15


@dataclass(frozen=True, slots=True, kw_only=True)
class Cell:
    """`tone` is good, bad or empty."""

    text: str
    tone: str = ""


@dataclass(frozen=True, slots=True, kw_only=True)
class Table:
    """`columns` ending in |n are numbers, set to the right; `empty` says what no row means."""

    key: str
    title: str
    columns: tuple[str, ...]
    rows: tuple[tuple[Cell, ...], ...]
    note: str = ""
    empty: str = field(default="None.")


def instruments(report: Report) -> Table:
    return _slices(report, report.instruments, key="instruments", title="By instrument", first="Instrument")


def exits(report: Report) -> Table:
    return _slices(report, report.exits, key="exits", title="By exit reason", first="Reason")


def days(report: Report) -> Table:
    return _slices(report, report.days, key="days", title="By day of exit", first="Day")


def weeks(report: Report) -> Table:
    return _slices(report, report.weeks, key="weeks", title="By week of exit", first="Week from")


def months(report: Report) -> Table:
    return _slices(report, report.months, key="months", title="By month of exit", first="Month")


def monthly(report: Report) -> Table:
    """Returns on equity, a year per row."""
    return Table(
        key="monthly",
        title="Monthly returns",
        columns=("Year", *(f"{month}|n" for month in MONTHS), "Year|n"),
        rows=tuple(
            (Cell(text=str(year.year)), *map(_bare, year.months), _bare(year.total_ratio))
            for year in report.monthly
        ),
        note="change of equity over each calendar month in per cent, open positions included",
        empty="No month can be told: there are no bars, or equity was zero or less.",
    )


def drawdowns(report: Report) -> Table:
    """The deepest falls."""
    return Table(
        key="drawdowns",
        title="Drawdown periods",
        columns=("Depth|n", "Peak", "Low", "Recovered", "Length|n", "From low|n"),
        rows=tuple(
            (
                Cell(text=words.percent(fall.depth_ratio), tone="bad"),
                *(Cell(text=words.moment(at)) for at in (fall.start_ms, fall.low_ms)),
                Cell(text=words.moment(fall.end_ms) if fall.end_ms is not None else "not yet"),
                Cell(text=words.span(fall.length_s)),
                Cell(text=words.span(fall.recovery_s)),
            )
            for fall in report.drawdowns
        ),
        note="the five deepest, times in UTC",
        empty="Equity never fell below an earlier peak.",
    )


def left_open(report: Report) -> Table:
    return trades(report, report.left_open, key="left_open", title="Left open at the end")


def extremes(report: Report, *, each: int = 5) -> Table:
    """The best and the worst trades."""
    ordered = sorted(report.trades, key=lambda trade: -trade.return_ratio)
    kept = ordered if len(ordered) <= 2 * each else [*ordered[:each], *ordered[-each:]]
    return trades(report, kept, key="extremes", title="Best and worst trades")


def trades(report: Report, listed: Iterable[Trade], *, key: str, title: str) -> Table:
    return Table(
        key=key,
        title=title,
        columns=(
            *("Instrument", "Entry", "Exit", "Reason", "Price in|n", "Price out|n"),
            "Size|n",
            "Profit|n",
            "|n",
        ),
        rows=tuple(_trade(report, trade) for trade in listed),
        empty="None.",
    )


def refusals(report: Report) -> Table:
    ordered = sorted(report.refusals.items(), key=lambda item: -item[1])
    return Table(
        key="refusals",
        title="Entries refused",
        columns=("Reason", "Entries|n"),
        rows=tuple((Cell(text=in_words(name)), Cell(text=f"{count:,}")) for name, count in ordered),
        empty="None was refused.",
    )


def folds(report: Report) -> Table:
    """The steps of a walk-forward; empty without one."""
    walked = report.walk_forward
    return Table(
        key="folds",
        title="Walk-forward",
        columns=(
            "Trained on",
            "Tested on",
            "Parameters",
            "Trained|n",
            "Tested|n",
            "Sharpe|n",
            "Drawdown|n",
            "Trades|n",
        ),
        rows=tuple(
            (
                Cell(text=f"{words.day(fold.train_from_ms)} to {words.day(fold.train_to_ms)}"),
                Cell(text=f"{words.day(fold.test_from_ms)} to {words.day(fold.test_to_ms)}"),
                Cell(text=", ".join(f"{name} {value:g}" for name, value in fold.parameters.items())),
                _ratio(fold.train.total_return_ratio),
                _ratio(fold.test.total_return_ratio),
                Cell(text=words.number(fold.test.sharpe)),
                Cell(text=words.percent(fold.test.max_drawdown_ratio)),
                Cell(text=f"{fold.test.trades:,}"),
            )
            for fold in (walked.folds if walked else ())
        ),
        note=f"parameters chosen by {words.plain_name(walked.objective)} on the first span, judged on the second"
        if walked
        else "",
        empty="No step had enough candles.",
    )


def sweep(report: Report) -> Table:
    """The best combinations of a sweep; empty without one."""
    tried = report.sweep
    points = sorted(
        tried.points if tried else (),
        key=lambda point: (point.score is None, -(point.score or 0.0)),
    )
    return Table(
        key="sweep",
        title="Best combinations",
        columns=(
            *(tried.names if tried else ()),
            "Score|n",
            "Profit|n",
            "Sharpe|n",
            "Drawdown|n",
            "Trades|n",
        ),
        rows=tuple(
            (
                *(Cell(text=f"{value:g}") for value in point.values),
                Cell(text=words.number(point.score)),
                *_figures(point.figures),
            )
            for point in points[:BEST_POINTS]
        ),
        note=f"{min(len(points), BEST_POINTS)} of {len(points)}, by {words.plain_name(tried.objective)}"
        if tried
        else "",
    )


def montecarlo(report: Report) -> Table:
    """The spread of the simulation; empty without one."""
    found = report.montecarlo
    return Table(
        key="montecarlo",
        title="Monte Carlo over the trades",
        columns=("", "5 %|n", "25 %|n", "50 %|n", "75 %|n", "95 %|n", "This run|n"),
        rows=(
            (
                _spread("Total profit, other draws", found.bootstrap_return, is_toned=True),
                _spread("Max drawdown, other draws", found.bootstrap_drawdown),
                _spread("Max drawdown, other order", found.shuffle_drawdown),
            )
            if found
            else ()
        ),
        note=f"{found.paths:,} paths, seed {found.seed}: a loss in {words.percent(found.loss_probability_ratio)} of them,"
        f" {words.percent(found.ruin_ratio)} of the start gone in {words.percent(found.ruin_probability_ratio)}"
        if found
        else "",
        empty="It needs at least two trades.",
    )


def _spread(name: str, spread: Spread, *, is_toned: bool = False) -> tuple[Cell, ...]:
    values = (spread.p5, spread.p25, spread.p50, spread.p75, spread.p95, spread.actual)
    tones = (words.tone(value) if is_toned else "" for value in values)
    return (
        Cell(text=name),
        *(Cell(text=words.percent(value), tone=tone) for value, tone in zip(values, tones, strict=True)),
    )


def _slices(report: Report, lines: Sequence[Slice], *, key: str, title: str, first: str) -> Table:
    columns = (
        first,
        *("Trades|n", "Profit|n", "Of start|n", "Average|n", "Win rate|n"),
        "W / D / L|n",
        "Duration|n",
    )
    return Table(
        key=key,
        title=title,
        columns=columns,
        rows=tuple(
            (
                Cell(text=words.plain_name(line.name)),
                Cell(text=f"{line.trades:,}"),
                Cell(
                    text=words.shown(line.profit_quote, unit=Unit.QUOTE, asset=report.quote_asset),
                    tone=words.tone(line.profit_quote),
                ),
                _ratio(line.return_ratio),
                _ratio(line.avg_return_ratio),
                Cell(text=words.percent(line.win_rate_ratio)),
                Cell(text=f"{line.wins} / {line.draws} / {line.losses}"),
                Cell(text=words.span(line.avg_duration_s)),
            )
            for line in lines
        ),
        empty="No trade was made.",
    )


def _trade(report: Report, trade: Trade) -> tuple[Cell, ...]:
    reason = "open" if trade.exit_kind == ExitKind.END else trade.reason
    return (
        Cell(text=report.symbols[trade.instrument] + (" short" if trade.side < 0 else "")),
        Cell(text=words.moment(trade.entry_time_ms)),
        Cell(text=words.moment(trade.exit_time_ms)),
        Cell(text=reason),
        Cell(text=f"{trade.entry_price:.8g}"),
        Cell(text=f"{trade.exit_price:.8g}"),
        Cell(text=f"{trade.size_base:.6g}"),
        Cell(
            text=words.shown(trade.pnl, unit=Unit.QUOTE, asset=report.quote_asset), tone=words.tone(trade.pnl)
        ),
        _ratio(trade.return_ratio),
    )


def _figures(figures: Figures) -> tuple[Cell, ...]:
    return (
        _ratio(figures.total_return_ratio),
        Cell(text=words.number(figures.sharpe)),
        Cell(text=words.percent(figures.max_drawdown_ratio)),
        Cell(text=f"{figures.trades:,}"),
    )


def _bare(value: float | None) -> Cell:
    """Per cent without the sign, for narrow columns."""
    return Cell(text="" if value is None else f"{value * 100:.2f}", tone=words.tone(value))


def _ratio(value: float | None) -> Cell:
    return Cell(text="" if value is None else words.percent(value), tone=words.tone(value))
