"""What the charts hold, before a browser draws them."""

from dataclasses import replace

import pytest

from neuratrade.reports import comparison, figures, study_figures
from tests.neuratrade.reports.samples import full_report, plain_report
from trading.backtest.report.values import Report, Sweep


@pytest.fixture(scope="module")
def report() -> Report:
    return full_report()


def sweep(report: Report) -> Sweep:
    assert report.sweep is not None
    return report.sweep


def test_each_cell_of_a_map_is_the_best_over_the_other_parameters(report: Report) -> None:
    tried = sweep(report)
    across_low, *others = study_figures.sweep(tried)
    (heat, chosen) = across_low.data
    assert (heat["x"], heat["y"]) == (["10", "12", "14"], ["20", "25", "30"])
    for row, low in enumerate((20, 25, 30)):
        for column, period in enumerate((10, 12, 14)):
            scores = [
                point.score
                for point in tried.points
                if point.values[:2] == (period, low) and point.score is not None
            ]
            assert heat["z"][row][column] == (max(scores) if scores else None)
    best = tried.points[tried.best or 0]
    assert chosen["x"] == [f"{best.values[0]:g}"]
    assert len(others) == 2


def test_one_varied_parameter_is_a_line(report: Report) -> None:
    tried = sweep(report)
    alone = replace(
        tried, points=tuple(point for point in tried.points if point.values[1:] == (25.0, 0.01)), best=None
    )
    (figure,) = study_figures.sweep(alone)
    assert figure.data[0]["x"] == [10, 12, 14]
    assert figure.data[0]["y"] == sorted(figure.data[0]["y"])


def test_a_sweep_of_nothing_has_no_map(report: Report) -> None:
    tried = sweep(report)
    assert list(study_figures.sweep(replace(tried, points=tried.points[:1], best=None))) == []


def test_entries_and_exits_are_marked_where_they_were() -> None:
    report = plain_report()
    (figure,) = figures.prices(report)
    _, entries, won, lost = figure.data
    assert len(entries["x"]) == len(report.trades)
    assert len(won["x"]) == sum(trade.pnl > 0 for trade in report.trades)
    assert len(won["x"]) + len(lost["x"]) == len(report.trades)
    assert entries["x"][0] == report.trades[0].entry_time_ms


def test_of_very_many_trades_the_best_and_the_worst_are_marked() -> None:
    report = plain_report()
    many = tuple(report.trades[0]._replace(return_ratio=i / 1e4 - 0.1, pnl=i - 1e3) for i in range(2_000))
    (figure,) = figures.prices(replace(report, trades=many))
    assert len(figure.data[1]["x"]) == figures.MOST_MARKS
    assert "of 2,000 trades the best and worst 600 are marked" in figure.note
    assert "-10.00 %" in figure.data[1]["text"][0]


def test_runs_of_different_years_are_laid_over_one_another() -> None:
    one, other = plain_report(), plain_report(seed=4)
    together = comparison.equity([("a", one), ("b", other)])
    assert together.layout["xaxis"]["type"] == "date"
    later = replace(other.equity, time_ms=tuple(at + 400 * 86_400_000 for at in other.equity.time_ms))
    apart = comparison.equity([("a", one), ("b", replace(other, equity=later))])
    assert apart.data[0]["x"][0] == apart.data[1]["x"][0] == 0
    assert "days" in apart.layout["xaxis"]["title"]["text"]
    assert apart.data[1]["y"][0] == pytest.approx(other.equity.values[0] / 10_000)


def test_a_comparison_marks_the_best_and_names_what_differs() -> None:
    one, other = plain_report(), plain_report(seed=4, strategy="scalping")
    table = comparison.headlines([("1", one), ("2", other)])
    drawdown = next(row for row in table.rows if row[0].text == "Max drawdown")
    depths = [report.number("max_drawdown_ratio") or 0.0 for report in (one, other)]
    assert [cell.tone for cell in drawdown[1:]] == [
        "good" if depth == min(depths) else "" for depth in depths
    ]
    asked = {
        row[0].text: [cell.text for cell in row[1:]]
        for row in comparison.differences([("1", one), ("2", other)]).rows
    }
    assert asked["strategy"] == ["mean-reversion", "scalping"]
    assert "code" not in asked
    assert comparison.differences([("1", one), ("2", one)]).rows == ()
