"""The compiled pair against plain Python, and its rules by hand."""

import numpy as np
import pytest
from hypothesis import given, settings

from tests.trading.backtest.test_kernel import WORLDS, assert_same
from tests.trading.backtest.worlds import STOPS, pair_world
from trading.backtest import reference, run
from trading.backtest.capital import unlimited
from trading.backtest.pairs import funding_flows
from trading.errors import InvalidValueError
from trading.types.research import Bars, ExitKind, MarketTerms, Signals


@pytest.mark.parametrize("stops", STOPS)
@settings(max_examples=50, deadline=None)
@given(seed=WORLDS)
def test_the_pair_equals_plain_python_trade_by_trade(stops, seed):
    made = pair_world(seed, stops=stops)
    assert_same(made.run(run.run_pair), made.run(reference.run_pair))


def leg(closes, *, symbol, venue="alpha", keep=None, opens=None):
    close = np.array(closes, dtype=float)
    open_ = close if opens is None else np.array(opens, dtype=float)
    kept = np.ones(close.size, dtype=np.bool_) if keep is None else np.array(keep, dtype=np.bool_)
    return Bars(
        venue=venue,
        symbol=symbol,
        timeframe="1h",
        open_time_ms=(np.arange(close.size) * 3_600_000)[kept],
        open=open_[kept],
        high=np.maximum(open_, close)[kept],
        low=np.minimum(open_, close)[kept],
        close=close[kept],
        volume_base=np.ones(int(kept.sum())),
    )


def pair(long, short, *, enter=(0,), leave=(), stop=0.05, target=np.nan, hold=0, funding=None, fee=0.0):
    said = np.arange(len(long))
    signals = Signals(
        enter=np.isin(said, enter),
        exit=np.isin(said, leave),
        stop_ratio=np.array([stop]),
        target_ratio=np.array([target]),
        trailing_ratio=np.array([np.nan]),
        confidence_ratio=np.array([0.5]),
        max_hold_bars=hold,
    )
    terms = [
        MarketTerms(venue=bars.venue, symbol=bars.symbol, maker_fee_ratio=0.0, taker_fee_ratio=fee)
        for bars in (long, short)
    ]
    capital = unlimited(start_equity=1000.0)
    return run.run_pair(long, short, signals, terms=terms, capital=capital, funding=funding)


SPOT, PERP = "BTC/USDT", "BTC/USDT:USDT"


def ends(done):
    return [
        (ExitKind(int(t["exit_kind"])).name, int(t["entry_bar"]), int(t["exit_bar"])) for t in done.trades
    ]


def test_a_hedged_coin_earns_the_funding_and_nothing_else():
    """5 coins each way; the price doubles, the perpetual with it; 0.1 % at three opens, of which two fall while it is held."""
    prices = [100, 100, 150, 200, 200]
    funding = np.array([0, 0.001, 0.001, np.nan, 0.001])
    done = pair(leg(prices, symbol=SPOT), leg(prices, symbol=PERP), funding=funding, leave=(3,))
    assert ends(done) == [("SIGNAL", 1, 4)] * 2
    assert done.trades["size_base"].tolist() == [5.0, 5.0]
    assert done.trades["side"].tolist() == [1, -1]
    received = 5 * (0.001 * 150 + 0.001 * 200)  # bar 1 opens as the pair is entered: not held before
    assert done.trades["pnl"].tolist() == pytest.approx([500, -500 + received])
    assert done.equity[-1] == pytest.approx(1000 + received)


def test_a_negative_rate_costs_the_short_leg():
    prices = [100.0] * 4
    done = pair(leg(prices, symbol=SPOT), leg(prices, symbol=PERP), funding=np.full(4, -0.01))
    assert done.equity[-1] == pytest.approx(1000 - 2 * 5 * 100 * 0.01)


def test_the_stop_looks_at_both_legs_together_and_at_closes():
    """The spread opens by 6 % of the long leg at a close; both legs are left at the next open."""
    done = pair(leg([100, 100, 97, 97], symbol=SPOT), leg([100, 100, 103, 103], symbol=PERP))
    assert ends(done) == [("STOP", 1, 3)] * 2
    assert done.trades["pnl"].sum() == pytest.approx(-5 * 6)


def test_the_target_and_the_time_stop():
    closing = leg([100, 100, 101, 101], symbol=SPOT), leg([110, 110, 105, 105], symbol=PERP)
    assert ends(pair(*closing, target=0.05)) == [("TARGET", 1, 3)] * 2
    assert ends(pair(*closing, hold=1)) == [("TIME", 1, 2)] * 2


def test_both_legs_wait_for_a_bar_of_both():
    short = leg([100] * 6, symbol=PERP, keep=[1, 0, 1, 1, 0, 1])
    done = pair(leg([100] * 6, symbol=SPOT), short, leave=(3,))
    assert ends(done) == [("SIGNAL", 2, 5)] * 2


def test_an_exit_said_while_waiting_cancels_the_entry():
    short = leg([100] * 5, symbol=PERP, keep=[1, 0, 0, 1, 1])
    assert not ends(pair(leg([100] * 5, symbol=SPOT), short, leave=(1,)))


def test_fees_are_paid_on_both_legs():
    done = pair(leg([100] * 4, symbol=SPOT), leg([100] * 4, symbol=PERP), leave=(1,), fee=0.001)
    size = 1000 / (2 * 100.1)
    assert done.trades["pnl"].tolist() == pytest.approx([-2 * size * 0.1] * 2)


def test_funding_is_put_on_the_bar_at_whose_open_it_is_due():
    hours = leg([100] * 6, symbol=PERP, keep=[1, 1, 0, 1, 1, 1])
    times = np.array([0, 2, 3, 5, 9]) * 3_600_000
    flows = funding_flows(times, np.array([1.0, 0.1, 0.2, 0.3, 9.0]), hours)
    np.testing.assert_allclose(flows, [0, 0, 0.1 + 0.2, 0, 0.3])


def test_what_is_no_pair_is_one_clear_line():
    coin = leg([100] * 3, symbol=SPOT)
    with pytest.raises(InvalidValueError, match="different base assets"):
        pair(coin, leg([100] * 3, symbol="ETH/USDT:USDT"))
    with pytest.raises(InvalidValueError, match="one rate per bar"):
        pair(coin, leg([100] * 3, symbol=PERP), funding=np.zeros(2))
    with pytest.raises(InvalidValueError, match="given twice"):
        pair(coin, coin)
