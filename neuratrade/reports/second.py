"""vectorbt's second opinion in words, as a table and as a chart."""

from neuratrade.reports import words
from neuratrade.reports.figures import Figure
from neuratrade.reports.html import Part
from neuratrade.reports.tables import Cell, Table
from trading.backtest.report.opinion import SecondOpinion, Stat

_NAMES = {
    "final_equity": "final equity",
    "equity": "curve",
    "max_drawdown_ratio": "drawdown",
}
_ORDER = ("final_equity", "equity", "fees", "trades", "max_drawdown_ratio")


def verdict(opinion: SecondOpinion) -> str:
    """One line: agreement, or every figure that differs."""
    figures = sorted(opinion.figures, key=lambda figure: _ORDER.index(figure.figure))
    if opinion.agrees:
        looked = ", ".join(_name(figure.figure) for figure in figures)
        without = (
            "" if len(figures) == len(_ORDER) else " (with funding its curve and drawdown cannot be compared)"
        )
        return f"vectorbt agrees: {looked} to 1e-9{without}"
    told = [
        f"{_name(figure.figure)} {figure.theirs:.10g}, ours {figure.ours:.10g}"
        for figure in figures
        if not figure.agrees
    ]
    return f"vectorbt differs: {'; '.join(told)}"


def table(opinion: SecondOpinion, *, asset: str) -> Table:
    """Its own statistics beside ours."""
    return Table(
        key="vectorbt",
        title=f"vectorbt {opinion.version} on the same fills",
        columns=("", "vectorbt|n", "ours|n", "where its definition differs"),
        rows=tuple(_row(stat, asset=asset) for stat in opinion.stats),
        note=verdict(opinion),
    )


def card(opinion: SecondOpinion, *, asset: str) -> Part:
    """Chart and table for the page."""
    return Part(
        key="vectorbt",
        title="A second opinion",
        figures=(_chart(opinion),),
        tables=(table(opinion, asset=asset),),
    )


def _chart(opinion: SecondOpinion) -> Figure:
    return Figure(
        key="vectorbt",
        title="Equity by vectorbt",
        note="drawn by vectorbt from its own books, its five deepest drawdowns marked",
        data=opinion.data,
        layout=opinion.layout,
        is_tall=True,
    )


def _row(stat: Stat, *, asset: str) -> tuple[Cell, ...]:
    theirs = words.shown(stat.theirs, unit=stat.unit, asset=asset)
    ours = words.shown(stat.ours, unit=stat.unit, asset=asset) if stat.has_ours else ""
    return tuple(Cell(text=text) for text in (stat.label, theirs, ours, stat.differs))


def _name(figure: str) -> str:
    return _NAMES.get(figure, figure)
