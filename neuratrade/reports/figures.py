"""A report's charts as Plotly figures: plain data for the page's script to draw.

Colours are names with an @ (`@good`), looked up in the page's style sheet when drawn, so that a chart follows light and dark.
"""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import Any

from neuratrade.reports import words
from trading.backtest.report.values import Candles, Line, Report, Trade

Plain = dict[str, Any]
# More marks than this cannot be told apart on a screen; the best and the worst are kept.
MOST_MARKS = 600
FEW_MARKS = 150
DAY_MS = 86_400_000


@dataclass(frozen=True, slots=True, kw_only=True)
class Figure:
    """One chart. `words` say what is seen, for those who do not see it; `tall` charts get more room."""

    key: str
    title: str
    note: str
    data: list[Plain]
    layout: Plain
    is_tall: bool = False


def equity(report: Report) -> Figure:
    """Equity and doing nothing above, drawdown below, on one time axis."""
    lines = [line(report.equity, name="This run", colour="@accent", width=2)]
    if report.benchmark.values:
        lines.insert(0, line(report.benchmark, name="Buy and hold", colour="@soft", width=1, dash="dot"))
    under = line(report.underwater, name="Drawdown", colour="@bad", width=1)
    under |= {"yaxis": "y2", "fill": "tozeroy", "fillcolor": "@badtint", "hovertemplate": "%{y:.2%}"}
    return Figure(
        key="equity",
        title="Equity and drawdown",
        note=f"{report.quote_asset or 'money'} at each bar's close, open positions included; below, how far it stands under its peak",
        data=[*lines, under],
        layout={
            "xaxis": {"type": "date", "anchor": "y2"},
            "yaxis": {"domain": [0.34, 1], "tickformat": "~s"},
            "yaxis2": {"domain": [0, 0.26], "tickformat": ".2~%", "rangemode": "tozero", "nticks": 4},
            "hovermode": "x unified",
        },
        is_tall=True,
    )


def overlay(reports: Sequence[tuple[str, Report]]) -> Figure:
    """Several runs' equity as multiples of their start, by name; runs of different times are laid over one another by their age."""
    colours = ("@accent", "@warn", "@bad", "@soft")
    starts = [min(report.equity.time_ms, default=0) for _, report in reports]
    is_same_time = max(starts) - min(starts) <= DAY_MS
    lines = []
    for (name, report), colour, start_ms in zip(reports, colours, starts, strict=False):
        start = report.number("start_equity_quote") or 1.0
        drawn = line(report.equity, name=name, colour=colour, width=2)
        drawn |= {"y": [value / start for value in report.equity.values], "hovertemplate": "%{y:.4f}"}
        if not is_same_time:
            drawn["x"] = [(at - start_ms) / DAY_MS for at in report.equity.time_ms]
        lines.append(drawn)
    across = {"type": "date"} if is_same_time else {"title": {"text": "days since each run's start"}}
    return Figure(
        key="overlay",
        title="Equity, side by side",
        note="as multiples of each run's start" + ("" if is_same_time else "; their times differ"),
        data=lines,
        layout={"xaxis": across, "yaxis": {"tickformat": ".4~f"}, "hovermode": "x unified"},
        is_tall=True,
    )


def prices(report: Report) -> Iterator[Figure]:
    """One chart per instrument: candles with each entry and exit."""
    for number, candles in enumerate(report.candles):
        mine = [trade for trade in report.trades if trade.instrument == number]
        kept = _marked(mine)
        several = (
            f"each candle is {candles.timeframe}"
            if candles.bars_per_candle > 1
            else f"{candles.timeframe} candles"
        )
        left_out = (
            f"; of {len(mine):,} trades the best and worst {len(kept):,} are marked"
            if len(kept) < len(mine)
            else ""
        )
        yield Figure(
            key=f"price-{number}",
            title=f"Trades on {candles.symbol}",
            note=f"{several}{left_out}",
            data=[_candlestick(candles), *_marks(kept)],
            layout={
                "xaxis": {"type": "date", "rangeslider": {"visible": False}},
                "yaxis": {"tickformat": "~g"},
                "hovermode": "closest",
            },
            is_tall=True,
        )


def line(line: Line, *, name: str, colour: str, width: int, dash: str = "solid") -> Plain:
    return {
        "type": "scatter",
        "mode": "lines",
        "name": name,
        "x": list(line.time_ms),
        "y": list(line.values),
        "line": {"color": colour, "width": width, "dash": dash},
        "hovertemplate": "%{y:,.6~g}",
    }


def _candlestick(candles: Candles) -> Plain:
    return {
        "type": "candlestick",
        "name": candles.symbol,
        "x": list(candles.time_ms),
        **{name: list(getattr(candles, name)) for name in ("open", "high", "low", "close")},
        "increasing": {"line": {"color": "@good", "width": 1}, "fillcolor": "@goodtint"},
        "decreasing": {"line": {"color": "@bad", "width": 1}, "fillcolor": "@badtint"},
        "opacity": 0.65,
        "showlegend": False,
    }


def _marked(trades: list[Trade]) -> list[Trade]:
    if len(trades) <= MOST_MARKS:
        return trades
    ordered = sorted(trades, key=lambda trade: trade.return_ratio)
    return ordered[: MOST_MARKS // 2] + ordered[-MOST_MARKS // 2 :]


def _marks(trades: list[Trade]) -> Iterator[Plain]:
    entries = [
        (trade.entry_time_ms, trade.entry_price, "short" if trade.side < 0 else "in", trade)
        for trade in trades
    ]
    won = [(trade.exit_time_ms, trade.exit_price, trade.reason, trade) for trade in trades if trade.pnl > 0]
    lost = [(trade.exit_time_ms, trade.exit_price, trade.reason, trade) for trade in trades if trade.pnl <= 0]
    for name, points, symbol, colour in (
        ("Entry", entries, "triangle-up", "@ink"),
        ("Exit with profit", won, "circle", "@good"),
        ("Exit with loss", lost, "x", "@bad"),
    ):
        yield {
            "type": "scatter",
            "mode": "markers",
            "name": name,
            "x": [at for at, _, _, _ in points],
            "y": [float(f"{price:.8g}") for _, price, _, _ in points],
            "text": [f"{what} {words.percent(trade.return_ratio)}" for _, _, what, trade in points],
            "marker": {"symbol": symbol, "color": colour, "size": 7 if len(trades) <= FEW_MARKS else 5},
            "hovertemplate": "%{x|%Y-%m-%d %H:%M}<br>%{y:,.8~g} %{text}<extra></extra>",
        }
