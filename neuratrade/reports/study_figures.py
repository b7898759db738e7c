"""Charts of what goes beyond one run: other draws of its trades, a sweep's combinations, a walk-forward's windows."""

from collections.abc import Iterator
from itertools import combinations
from typing import Any

from neuratrade.reports import words
from neuratrade.reports.figures import Figure, Plain, line
from trading.backtest.report.values import MonteCarlo, Sweep, SweepPoint, WalkForward

MOST_MAPS = 6


def montecarlo(found: MonteCarlo) -> Iterator[Figure]:
    """The fan of equities trade by trade, and the histogram of ends."""
    yield _fan(found)
    yield _ends(found)


def _fan(found: MonteCarlo) -> Figure:
    trades = list(found.fan_trades)

    def band(key: str, **style: Any) -> Plain:
        return {
            "type": "scatter",
            "mode": "lines",
            "x": trades,
            "y": list(found.fan[key]),
            "hoverinfo": "skip",
            **style,
        }

    hidden = {"line": {"width": 0}, "showlegend": False}
    return Figure(
        key="fan",
        title="Other draws of the same trades",
        note=f"equity in starts after each trade, {found.paths:,} paths: the bands hold 50 % and 90 % of them",
        data=[
            band("p95", **hidden),
            band("p5", name="90 %", line={"width": 0}, fill="tonexty", fillcolor="@tint"),
            band("p75", **hidden),
            band("p25", name="50 %", line={"width": 0}, fill="tonexty", fillcolor="@tint"),
            band("p50", name="Median", line={"color": "@soft", "width": 1, "dash": "dot"}),
            band("actual", name="This run", line={"color": "@accent", "width": 2}),
        ],
        layout={"xaxis": {"title": {"text": "trades"}}, "yaxis": {"tickformat": ".4~f"}},
    )


def _ends(found: MonteCarlo) -> Figure:
    edges = found.returns.edges
    middles = [(low + high) / 2 for low, high in zip(edges, edges[1:], strict=False)]
    actual = found.bootstrap_return.actual
    return Figure(
        key="ends",
        title="Where they end",
        note="paths by total profit; the line is this run",
        data=[
            {
                "type": "bar",
                "x": middles,
                "y": list(found.returns.counts),
                "name": "paths",
                "marker": {"color": ["@bad" if value < 0 else "@good" for value in middles]},
                "hovertemplate": "%{x:.1%}: %{y} paths<extra></extra>",
            }
        ],
        layout={
            "xaxis": {"tickformat": ".2~%"},
            "bargap": 0.05,
            "showlegend": False,
            "shapes": [
                {
                    "type": "line",
                    "x0": actual,
                    "x1": actual,
                    "y0": 0,
                    "y1": 1,
                    "yref": "paper",
                    "line": {"color": "@ink", "width": 2},
                }
            ],
        },
    )


def sweep(tried: Sweep) -> Iterator[Figure]:
    """A heat map per pair of parameters that varied, each cell the best over the others; a line where only one varied."""
    varied = [i for i in range(len(tried.names)) if len({point.values[i] for point in tried.points}) > 1]
    objective = words.plain_name(tried.objective)
    if len(varied) == 1:
        yield _score_line(tried, varied[0], objective=objective)
    pairs = list(combinations(varied, 2))
    for across, up in pairs[:MOST_MAPS]:
        others = "; each cell is the best over the other parameters" if len(varied) > 2 else ""
        yield Figure(
            key=f"map-{across}-{up}",
            title=f"{words.plain_name(tried.names[across])} × {words.plain_name(tried.names[up])}",
            note=f"colour is the {objective}{others}; a lone bright cell is luck, a bright region is a finding",
            data=[_heatmap(tried, across, up, objective=objective), *_chosen(tried, across, up)],
            layout={
                "xaxis": {"type": "category", "title": {"text": tried.names[across]}},
                "yaxis": {"type": "category", "title": {"text": tried.names[up]}},
                "showlegend": False,
            },
        )


def walk_forward(walked: WalkForward) -> Iterator[Figure]:
    """Each step's return on the candles it was chosen on and on those it was not; then the unseen ones end to end."""
    names = [words.day(fold.test_from_ms) for fold in walked.folds]

    def bars(part: str, name: str, colour: str) -> Plain:
        values = [getattr(fold, part).total_return_ratio for fold in walked.folds]
        return {
            "type": "bar",
            "x": names,
            "y": values,
            "name": name,
            "marker": {"color": colour},
            "hovertemplate": "%{y:.2%}",
        }

    yield Figure(
        key="folds",
        title="Chosen on, judged on",
        note="total profit per step; bars that are tall on the left only were fitted to the past",
        data=[bars("train", "Trained", "@soft"), bars("test", "Tested, unseen", "@accent")],
        layout={
            "barmode": "group",
            "xaxis": {"type": "category", "nticks": 8},
            "yaxis": {"tickformat": ".2~%"},
        },
    )
    if walked.equity.values:
        yield Figure(
            key="unseen",
            title="Unseen windows end to end",
            note="equity as a multiple of the start",
            data=[line(walked.equity, name="Tested", colour="@accent", width=2)],
            layout={"xaxis": {"type": "date"}, "yaxis": {"tickformat": ".4~f"}},
        )


def _best_by(tried: Sweep, *axes: int) -> dict[tuple[float, ...], SweepPoint]:
    """The best scored point for each combination of the values on `axes`."""
    best: dict[tuple[float, ...], SweepPoint] = {}
    for point in tried.points:
        key = tuple(point.values[axis] for axis in axes)
        held = best.get(key)
        if point.score is not None and (held is None or held.score is None or point.score > held.score):
            best[key] = point
    return best


def _heatmap(tried: Sweep, across: int, up: int, *, objective: str) -> Plain:
    columns, rows = (sorted({point.values[axis] for point in tried.points}) for axis in (across, up))
    best = _best_by(tried, across, up)
    scores = [[(best[x, y].score if (x, y) in best else None) for x in columns] for y in rows]
    trades = [[(best[x, y].figures.trades if (x, y) in best else 0) for x in columns] for y in rows]
    return {
        "type": "heatmap",
        "x": [f"{value:g}" for value in columns],
        "y": [f"{value:g}" for value in rows],
        "z": scores,
        "customdata": trades,
        "zmid": 0,
        "colorscale": [[0, "@bad"], [0.5, "@card"], [1, "@good"]],
        "colorbar": {"thickness": 10, "outlinewidth": 0},
        "xgap": 1,
        "ygap": 1,
        "hovertemplate": f"{tried.names[across]} %{{x}}, {tried.names[up]} %{{y}}<br>{objective} %{{z:.3f}}, %{{customdata}} trades<extra></extra>",
    }


def _chosen(tried: Sweep, across: int, up: int) -> Iterator[Plain]:
    if tried.best is None:
        return
    point = tried.points[tried.best]
    yield {
        "type": "scatter",
        "mode": "markers",
        "x": [f"{point.values[across]:g}"],
        "y": [f"{point.values[up]:g}"],
        "marker": {"symbol": "circle-open", "size": 14, "color": "@ink", "line": {"width": 2}},
        "hoverinfo": "skip",
    }


def _score_line(tried: Sweep, axis: int, *, objective: str) -> Figure:
    best = _best_by(tried, axis)
    values = sorted(best)
    name = tried.names[axis]
    return Figure(
        key=f"line-{axis}",
        title=f"{objective} by {words.plain_name(name)}",
        note="a lone peak is luck, a broad hill is a finding",
        data=[
            {
                "type": "scatter",
                "mode": "lines+markers",
                "x": [value for (value,) in values],
                "y": [best[value].score for value in values],
                "line": {"color": "@accent", "width": 2},
                "hovertemplate": f"{name} %{{x:g}}: %{{y:.3f}}<extra></extra>",
            }
        ],
        layout={"xaxis": {"title": {"text": name}}, "yaxis": {"tickformat": "~g"}},
    )
