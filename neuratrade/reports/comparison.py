"""Reports side by side: what they were told, what they found, and where they differ."""

from collections.abc import Iterator, Sequence
from typing import TypeAlias

from neuratrade.reports import words
from neuratrade.reports.figures import Figure, overlay
from neuratrade.reports.tables import Cell, Table
from trading.backtest.report.values import Report, Row, Section, Unit

Named: TypeAlias = tuple[str, Report]

# Rows people decide by; True where more is better, False where less is.
_FIRST: dict[str, bool | None] = {
    "total_return_ratio": True,
    "excess_return_ratio": True,
    "cagr_ratio": True,
    "max_drawdown_ratio": False,
    "sharpe": True,
    "sortino": True,
    "calmar": True,
    "profit_factor": True,
    "win_rate_ratio": True,
    "expectancy_ratio": True,
    "sqn": True,
    "p_value": False,
    "trades": None,
    "exposure_time_ratio": None,
    "fees_quote": None,
}


def equity(reports: Sequence[Named]) -> Figure:
    return overlay(reports)


def headlines(reports: Sequence[Named]) -> Table:
    """The rows that decide, the best value of each marked."""
    return Table(
        key="headlines",
        title="In short",
        columns=("", *(f"{name}|n" for name, _ in reports)),
        rows=tuple(_line(key, reports, is_more_better=better) for key, better in _FIRST.items()),
        note="the best of each row is green; with different candles or spans no row can be compared",
    )


def differences(reports: Sequence[Named]) -> Table:
    """What was asked of each, where that differs."""
    told = [_asked(report) for _, report in reports]
    names = dict.fromkeys(name for one in told for name in one)
    return Table(
        key="differences",
        title="What differs",
        columns=("", *(name for name, _ in reports)),
        rows=tuple(
            (Cell(text=words.plain_name(name)), *(Cell(text=one.get(name, words.UNKNOWN)) for one in told))
            for name in names
            if len({one.get(name) for one in told}) > 1
        ),
        empty="They were asked the same.",
    )


def figures(reports: Sequence[Named]) -> Iterator[Table]:
    """Every row of every section."""
    for section in Section:
        keys = dict.fromkeys(
            row.key for _, report in reports for row in report.rows if row.section is section
        )
        yield Table(
            key="figures-all",
            title=section.value,
            columns=(section.value, *(f"{name}|n" for name, _ in reports)),
            rows=tuple(_line(key, reports, is_more_better=None) for key in keys),
        )


def _line(key: str, reports: Sequence[Named], *, is_more_better: bool | None) -> tuple[Cell, ...]:
    found = [_row(report, key) for _, report in reports]
    numbers = [row.value for row in found if row is not None and isinstance(row.value, float | int)]
    best = None
    if is_more_better is not None and len(set(numbers)) > 1:
        best = max(numbers) if is_more_better else min(numbers)
    label = next((row.label for row in found if row is not None), key)
    return (
        Cell(text=label),
        *(
            Cell(
                text=words.UNKNOWN if row is None else words.row_value(row, asset=report.quote_asset),
                tone="good" if row is not None and best is not None and row.value == best else "",
            )
            for row, (_, report) in zip(found, reports, strict=True)
        ),
    )


def _row(report: Report, key: str) -> Row | None:
    return next((row for row in report.rows if row.key == key), None)


def _asked(report: Report) -> dict[str, str]:
    made = report.provenance
    told = {
        "candles": ", ".join(f"{data.venue} {data.symbol} {data.timeframe}" for data in report.datasets),
        "from": words.shown(report.value("from"), unit=Unit.TIME),
        "to": words.shown(report.value("to"), unit=Unit.TIME),
        "data": ", ".join(data.digest[:10] for data in report.datasets),
    }
    if made is not None:
        told |= {
            "strategy": made.strategy,
            "strategy version": made.strategy_digest[:10],
            "code": made.code_version,
        }
        told |= {name: f"{value:g}" for name, value in made.parameters.items()}
        told |= {name: str(value) for name, value in made.settings.items()}
    return told
