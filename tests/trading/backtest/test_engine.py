"""vectorbt's own accounting of our fills: the second opinion on equity, fees and drawdown."""

from dataclasses import replace

import numpy as np
import pytest

from tests.trading.backtest.worlds import STOPS, bars, pair_world, world
from trading.backtest import run
from trading.backtest.capital import unlimited
from trading.backtest.engine import portfolio, second_opinion
from trading.errors import InvalidValueError
from trading.types.research import ExitKind, MarketTerms, Signals

pytest.importorskip("vectorbt", reason="vectorbt is not installed (./install.sh --research)")


@pytest.mark.parametrize("stops", STOPS)
def test_vectorbt_agrees_with_our_books(stops):
    compared = 0
    for seed in range(6):
        made = world(seed, stops=stops)
        done = made.run(run.run)
        assert second_opinion(done, markets=made.markets).differences == ()
        compared += done.trades.size
    assert compared > 15


def test_a_wrong_book_is_told():
    made = world(3, stops="wide")
    done = made.run(run.run)
    wrong = done.trades.copy()
    wrong["exit_fee"][0] += 1.0
    told = second_opinion(replace(done, trades=wrong), markets=made.markets).differences
    assert {one.figure for one in told} >= {"final_equity", "equity"}


def test_several_fills_of_one_bar_are_all_orders():
    """Out at an open, in again at the same open elsewhere, out again inside the bar: nothing is lost."""
    made = world(5, stops="tightest")
    done = made.run(run.run)
    orders = portfolio(done, markets=made.markets).orders.records
    sold = int((done.trades["exit_kind"] != ExitKind.END).sum())
    assert done.trades["is_entry_bar"].any()
    assert len(orders) == done.trades.size + sold
    np.testing.assert_allclose(
        np.sort(orders["price"]),
        np.sort(
            np.concatenate(
                (
                    done.trades["entry_price"],
                    done.trades["exit_price"][done.trades["exit_kind"] != ExitKind.END],
                )
            )
        ),
    )


def test_the_markets_must_be_the_runs_own():
    made = world(3, stops="wide")
    with pytest.raises(InvalidValueError, match="run's own"):
        portfolio(made.run(run.run), markets=made.markets[:-1])


def test_vectorbts_own_signals_trade_the_same_where_no_stop_meets_its_entry_bar():
    """Its simulator skips stops on the entry bar, so only stops far wider than the bars can be compared: 2 %."""
    import vectorbt

    rng = np.random.default_rng(11)
    market = bars(rng, length=4000, width=0.001)
    enter, leave = rng.random(4000) < 0.05, rng.random(4000) < 0.01
    shift = np.r_[False, np.ones(3999, dtype=np.bool_)]
    theirs = vectorbt.Portfolio.from_signals(
        market.close.reshape(-1, 1),
        (np.roll(enter & ~leave, 1) & shift).reshape(-1, 1),
        (np.roll(leave, 1) & shift).reshape(-1, 1),
        price=market.open.reshape(-1, 1),
        open=market.open.reshape(-1, 1),
        high=market.high.reshape(-1, 1),
        low=market.low.reshape(-1, 1),
        stop_entry_price="fillprice",
        sl_stop=0.02,
        tp_stop=0.04,
        fees=0.001,
        init_cash=1000.0,
        engine="rust",
    )
    said = Signals(
        enter=enter,
        exit=leave,
        stop_ratio=np.array([0.02]),
        target_ratio=np.array([0.04]),
        trailing_ratio=np.array([np.nan]),
        confidence_ratio=np.array([0.5]),
    )
    terms = MarketTerms(
        venue=market.venue, symbol=market.symbol, maker_fee_ratio=0.001, taker_fee_ratio=0.001
    )
    ours = run.run([market], [said], terms=[terms], capital=unlimited(start_equity=1000.0))
    assert int(theirs.trades.count().iloc[0]) == ours.trades.size > 20
    assert float(theirs.final_value().iloc[0]) == pytest.approx(ours.equity[-1], rel=1e-9)


def test_vectorbt_agrees_on_pairs():
    compared = 0
    for seed in range(6):
        made = pair_world(seed, stops="wide")
        done = made.run(run.run_pair)
        assert second_opinion(done, markets=[made.long, made.short]).differences == ()
        compared += done.trades.size
    assert compared > 8
