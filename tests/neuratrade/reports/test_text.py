"""The report in a terminal: everything there, at any width, as plain text unless colours are wanted."""

import re
from dataclasses import replace

import pytest

from neuratrade.reports import text
from tests.neuratrade.reports.samples import full_report, plain_report
from tests.trading.backtest.runs import bars, run
from trading.backtest.report.statistics import describe
from trading.backtest.report.values import Flag, Level, Report


@pytest.fixture(scope="module")
def report() -> Report:
    return full_report()


def test_every_figure_and_table_is_printed(report: Report) -> None:
    told = text.render(report, width=140, breakdowns=("month", "week", "day"))
    for row in report.rows:
        assert row.label in told
    for title in (
        *("By instrument", "By exit reason", "Left open at the end", "Entries refused", "Drawdown periods"),
        *(
            "Monthly returns",
            "By month of exit",
            "By week of exit",
            "Monte Carlo",
            "Best combinations",
            "Walk-forward",
        ),
    ):
        assert title in told, title
    assert "mean-reversion on BTC/USDT" in told
    assert "neuratrade backtest mean-reversion" in told
    assert "freqtrade" in told


@pytest.mark.parametrize("width", [48, 60, 80, 140])
def test_no_line_is_wider_than_the_terminal(report: Report, width: int) -> None:
    for line in text.render(report, width=width).splitlines():
        assert len(line) <= width, line
        assert line == line.rstrip()


def test_definitions_stand_beside_the_figures_where_there_is_room(report: Report) -> None:
    definition = "CAGR / maximum drawdown"
    assert definition in text.render(report, width=140)
    assert definition not in text.render(report, width=80)


def test_colours_are_only_for_terminals(report: Report) -> None:
    assert "\x1b[" not in text.render(report, width=80)
    assert "\x1b[" in text.render(report, width=80, colour=True)


def test_doubts_come_before_the_tables(report: Report) -> None:
    flag = Flag(key="one_day", level=Level.FATAL, title="Doubtful", words="All on one day.")
    told = text.render(replace(report, flags=(flag,)), width=100)
    assert told.index("Doubtful: All on one day.") < told.index("Absolute profit")


def test_words_from_outside_cannot_repaint_the_screen() -> None:
    told = text.render(plain_report(symbol="BTC\x1b[2J/USDT", strategy="evil\x1b]0;x\x07"), width=100)
    assert "\x1b" not in told
    assert "\x07" not in told


def test_an_empty_run_has_reasons_instead_of_figures() -> None:
    market = bars([])
    told = text.render(describe(run([market]), markets=[market]), width=140)
    assert "no bars" in told
    assert "No trade was made." in told
    assert not re.search(r"\bnan\b|\binf\b", told)
