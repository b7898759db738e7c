"""Quick metrics are the report's own figures, and textbook ones."""

import math
from dataclasses import replace

import numpy as np
import pytest

from tests.trading.backtest.worlds import pair_world, world
from trading.backtest import run
from trading.backtest.metrics import QuickMetrics, quick
from trading.backtest.report.statistics import describe

DAY_MS = 86_400_000


def test_every_figure_is_the_reports():
    for seed in range(25):
        made, pair = world(seed, stops="wide"), pair_world(seed, stops="wide")
        for done, markets in (
            (made.run(run.run), made.markets),
            (pair.run(run.run_pair), [pair.long, pair.short]),
        ):
            rows = {row.key: row.value for row in describe(done, markets=markets).rows}
            found = quick(done)
            for name in set(QuickMetrics.__slots__) & set(rows):
                ours, theirs = getattr(found, name), rows[name]
                assert (ours is None) == (theirs is None), (seed, name)
                assert ours is None or ours == pytest.approx(theirs, rel=1e-9, abs=1e-12), (seed, name)
            assert found.final_equity == done.equity[-1]


def test_textbook_numbers_by_hand():
    """Four days of equity 110, 99, 99, 120 from 100; inside the second day it once stood at 80."""
    made = world(0, stops="wide").run(run.run)
    times = np.array([0, DAY_MS, DAY_MS + 60_000, 3 * DAY_MS])
    done = replace(
        made,
        time_ms=times,
        equity=np.array([110.0, 80.0, 99.0, 120.0]),
        trades=made.trades[:0],
        capital=replace(made.capital, start_equity=100.0),
    )
    found = quick(done)
    returns = np.array([0.1, -0.1, 0.0, 120 / 99 - 1])
    assert found.total_return_ratio == pytest.approx(0.2)
    assert found.max_drawdown_ratio == pytest.approx(30 / 110)
    assert found.sharpe == pytest.approx(returns.mean() / returns.std(ddof=1) * math.sqrt(365))
    assert found.sortino == pytest.approx(returns.mean() / math.sqrt(0.01 / 4) * math.sqrt(365))
    assert (found.trades, found.profit_factor, found.win_rate_ratio, found.expectancy_quote) == (
        0,
        None,
        None,
        None,
    )
