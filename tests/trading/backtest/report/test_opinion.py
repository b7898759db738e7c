"""vectorbt's statistics beside ours: where both mean the same, they are the same; nothing in them is beyond JSON."""

import json
from dataclasses import replace

import pytest

from neuratrade.reports import second
from tests.trading.backtest.worlds import pair_world, world
from trading.backtest import run
from trading.backtest.report import opinion
from trading.backtest.report.review import review

pytest.importorskip("vectorbt", reason="vectorbt is not installed (./install.sh --research)")


@pytest.mark.parametrize("seed", [3, 5, 8])
def test_what_means_the_same_is_the_same(seed):
    made = world(seed, stops="wide")
    done = made.run(run.run)
    found = opinion.ask(done, markets=made.markets, report=review(done, markets=made.markets))
    assert found.agrees
    same = [stat for stat in found.stats if stat.has_ours and not stat.differs and stat.key != "from"]
    assert {"total_return_ratio", "market_change_ratio", "final_equity_quote"} <= {stat.key for stat in same}
    for stat in same:
        assert stat.theirs == pytest.approx(stat.ours, rel=1e-9, abs=1e-12), stat.key
    json.dumps(found.as_json(), allow_nan=False)
    json.dumps([found.data, found.layout], allow_nan=False)


def test_it_speaks_of_pairs_too():
    made = pair_world(4, stops="wide")
    done = made.run(run.run_pair)
    markets = [made.long, made.short]
    found = opinion.ask(done, markets=markets, report=review(done, markets=markets))
    assert second.verdict(found).startswith("vectorbt agrees: final equity, ")


def test_a_wrong_book_is_told_in_one_line():
    made = world(3, stops="wide")
    done = made.run(run.run)
    wrong = done.trades.copy()
    wrong["exit_fee"][0] += 1.0
    report = review(done, markets=made.markets)
    told = second.verdict(opinion.ask(replace(done, trades=wrong), markets=made.markets, report=report))
    assert told.startswith("vectorbt differs: final equity ")
    assert "fees" not in told
    assert "\n" not in told
