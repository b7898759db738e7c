"""A report for the terminal: the answer first, then what makes it doubtful, then every figure and table.

Without colour it is plain text of the same layout. Names and words from outside lose their control characters.
"""

from collections.abc import Iterator, Sequence

from rich import box
from rich.console import Group, RenderableType
from rich.padding import Padding
from rich.panel import Panel
from rich.rule import Rule
from rich.table import Table as RichTable
from rich.text import Text

from neuratrade.lib import terminal
from neuratrade.lib.text import clean
from neuratrade.reports import comparison, headline, tables, words
from neuratrade.reports.tables import Table
from trading.backtest.report.values import Level, Report, Row, Section

NARROWEST = 48
# From this width on each figure's definition stands beside it.
WIDE = 118
BREAKDOWNS = {"day": tables.days, "week": tables.weeks, "month": tables.months}
_STYLES = {"good": "green", "bad": "red", "warn": "yellow", "": ""}
_LEVELS = {Level.FATAL: "bold red", Level.WARNING: "yellow", Level.NOTE: "dim"}
_MARKS = {Level.FATAL: "✗", Level.WARNING: "!", Level.NOTE: "·"}


def render(
    report: Report,
    *,
    width: int,
    colour: bool = False,
    breakdowns: Sequence[str] = (),
    extra: Sequence[Table] = (),
) -> str:
    """The report as text `width` columns wide, ending in a line break. `breakdowns` are names of BREAKDOWNS; `extra` tables come last."""
    return terminal.rendered(
        lambda room: _parts(report, width=room, breakdowns=breakdowns, extra=extra),
        width=max(width, NARROWEST),
        has_colour=colour,
    )


def side_by_side(reports: Sequence[comparison.Named], *, width: int, colour: bool = False) -> str:
    """Named reports beside each other: what decides, what was asked otherwise, then every figure."""
    found = (comparison.headlines(reports), comparison.differences(reports), *comparison.figures(reports))
    return terminal.rendered(
        lambda room: (_titled(table.title, _tabled(table, width=room)) for table in found),
        width=max(width, NARROWEST),
        has_colour=colour,
    )


def _parts(
    report: Report, *, width: int, breakdowns: Sequence[str], extra: Sequence[Table]
) -> Iterator[RenderableType]:
    yield _head(report)
    yield from _flags(report)
    for section in Section:
        rows = [row for row in report.rows if row.section is section]
        yield _titled(section.value, _figures(rows, report=report, width=width))
    for table in (*_tables(report, breakdowns=breakdowns), *extra):
        yield _titled(table.title, _tabled(table, width=width))
    if report.provenance is not None:
        yield _titled("Made from", _provenance(report))


def _tables(report: Report, *, breakdowns: Sequence[str]) -> Iterator[Table]:
    yield from (tables.instruments(report), tables.exits(report))
    if report.left_open:
        yield tables.left_open(report)
    if report.refusals:
        yield tables.refusals(report)
    yield from (tables.drawdowns(report), tables.monthly(report))
    yield from (BREAKDOWNS[name](report) for name in breakdowns)
    if report.montecarlo is not None:
        yield tables.montecarlo(report)
    if report.sweep is not None:
        yield tables.sweep(report)
    if report.walk_forward is not None:
        yield tables.folds(report)


def _head(report: Report) -> RenderableType:
    body = [
        Text(clean(headline.title(report)), style="bold"),
        Text(clean(headline.subtitle(report)), style="dim"),
        Text(),
    ]
    grid = RichTable.grid(padding=(0, 2))
    for part in headline.headlines(report):
        grid.add_row(
            Text(part.label),
            Text(part.text, style=f"bold {_STYLES[part.tone]}"),
            Text(clean(part.note), style="dim"),
        )
    return Panel(Group(*body, grid), box=box.ROUNDED, border_style="cyan", expand=False, padding=(0, 2))


def _flags(report: Report) -> Iterator[RenderableType]:
    for flag in report.flags:
        line = Text(f"{flag.title}: ", style=_LEVELS[flag.level])
        # what wraps stands below its own words
        parts = RichTable.grid(padding=(0, 1, 0, 0))
        parts.add_row(
            Text(f" {_MARKS[flag.level]}", style=_LEVELS[flag.level]),
            line.append(clean(flag.words), style="not bold"),
        )
        yield parts
    if report.flags:
        yield Text()


def _titled(title: str, body: RenderableType) -> RenderableType:
    rule = Rule(Text(f"{title} ", style="bold"), align="left", style="grey37")
    return Group(rule, Padding(body, (0, 0, 1, 1)))


def _figures(rows: Sequence[Row], *, report: Report, width: int) -> RenderableType:
    has_theirs = any(row.freqtrade_definition for row in rows)
    grid = RichTable(
        box=None, pad_edge=False, padding=(0, 2, 0, 0), show_header=has_theirs, header_style="dim"
    )
    grid.add_column("", overflow="fold", max_width=max(18, width // 2 - 8))
    grid.add_column("", justify="right", overflow="fold")
    if has_theirs:
        grid.add_column("freqtrade", justify="right", style="dim", overflow="fold")
    if width >= WIDE:
        grid.add_column("", style="dim", overflow="fold")
    for row in rows:
        cells = [row.label, clean(words.row_value(row, asset=report.quote_asset))]
        if has_theirs:
            cells.append(words.row_theirs(row))
        if width >= WIDE:
            cells.append(row.definition if row.value is not None else f"{row.reason}: {row.definition}")
        grid.add_row(*cells)
    return grid


def _tabled(table: Table, *, width: int) -> RenderableType:
    if not table.rows:
        return Text(table.empty, style="dim")
    shown = RichTable(box=box.SIMPLE_HEAD, pad_edge=False, header_style="dim", padding=(0, 1))
    kept = _fitting(table, width=width)
    for number in kept:
        column = table.columns[number]
        shown.add_column(
            column.removesuffix("|n"), justify="right" if column.endswith("|n") else "left", overflow="fold"
        )
    for row in table.rows:
        shown.add_row(*(Text(clean(row[number].text), style=_STYLES[row[number].tone]) for number in kept))
    parts: list[RenderableType] = [Text(table.note, style="dim")] if table.note else []
    if len(kept) < len(table.columns):
        parts.append(Text("(more columns in a wider window)", style="dim"))
    return Group(*parts, shown)


def _fitting(table: Table, *, width: int) -> list[int]:
    """The leading columns that fit beside one another without breaking their cells; all of them when they do."""
    kept: list[int] = []
    used = 2
    for number, column in enumerate(table.columns):
        widest = max(len(column.removesuffix("|n")), *(len(row[number].text) for row in table.rows))
        used += min(widest, 30) + 2
        if used > width and len(kept) >= 2:
            break
        kept.append(number)
    return kept


def _provenance(report: Report) -> RenderableType:
    grid = RichTable.grid(padding=(0, 2))
    grid.add_column(style="dim", no_wrap=True)
    grid.add_column(overflow="fold")
    for name, text in provenance(report):
        grid.add_row(clean(name), clean(text))
    return grid


def provenance(report: Report) -> Iterator[tuple[str, str]]:
    """Name and text of all that made the result."""
    made = report.provenance
    if made is not None:
        yield "strategy", f"{made.strategy} {made.strategy_digest[:16]}".rstrip()
        if made.parameters:
            yield "parameters", ", ".join(f"{name} {value:g}" for name, value in made.parameters.items())
    for data in report.datasets:
        gaps = f", {data.missing_bars:,} missing" if data.missing_bars else ""
        yield (
            f"{data.venue} {data.symbol}",
            f"{data.bars:,} {data.timeframe} candles{gaps}, {words.moment(data.first_ms)} to {words.moment(data.last_ms)}, {data.digest[:16]}",
        )
    if made is not None:
        for name, value in made.settings.items():
            yield words.plain_name(name), str(value)
        for name, text in (("code", made.code_version), ("command", made.command), ("made at", made.made_at)):
            if text:
                yield name, text
