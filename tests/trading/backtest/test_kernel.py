"""The compiled loop against the same rules in plain Python, trade by trade; and what no run may break."""

from dataclasses import replace

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from tests.trading.backtest.worlds import STOPS, world
from trading.backtest import reference, run
from trading.backtest.capital import unlimited
from trading.backtest.inputs import union
from trading.errors import InvalidValueError
from trading.types.research import Bars, ExitKind, MarketTerms, Signals

WORLDS = st.integers(min_value=0, max_value=2**63 - 1)


def assert_same(ours, theirs):
    assert ours.refusals == theirs.refusals
    assert len(ours.trades) == len(theirs.trades)
    for name in ours.trades.dtype.names:
        if np.issubdtype(ours.trades.dtype[name], np.floating):
            np.testing.assert_allclose(
                ours.trades[name], theirs.trades[name], rtol=1e-9, atol=1e-9, err_msg=name
            )
        else:
            np.testing.assert_array_equal(ours.trades[name], theirs.trades[name], err_msg=name)
    np.testing.assert_array_equal(ours.time_ms, theirs.time_ms)
    np.testing.assert_allclose(ours.equity, theirs.equity, rtol=1e-9)


@pytest.mark.parametrize("stops", STOPS)
@settings(max_examples=90, deadline=None)
@given(seed=WORLDS)
def test_the_kernel_equals_plain_python_trade_by_trade(stops, seed):
    made = world(seed, stops=stops)
    assert_same(made.run(run.run), made.run(reference.run))


@settings(max_examples=40, deadline=None)
@given(seed=WORLDS)
def test_money_is_kept(seed):
    """Equity ends at the start plus all pnl, cash is never spent twice, an instrument holds one position, sizes are on the step."""
    made = world(seed, stops="wide")
    done = made.run(run.run)
    trades, start = done.trades, made.capital.start_equity
    assert done.equity[-1] == pytest.approx(start + trades["pnl"].sum(), rel=1e-9)
    assert cash_after_each_fill(done, markets=made.markets).min() >= -1e-6 * start
    for number, terms in enumerate(made.terms):
        own = trades[trades["instrument"] == number]
        assert np.all(own["entry_bar"][1:] > own["exit_bar"][:-1])
        if terms.size_step:
            steps = own["size_base"] / terms.size_step
            np.testing.assert_allclose(steps, np.round(steps), rtol=1e-9)
        assert np.all(own["size_base"] >= terms.min_size * (1 - 1e-9))


def cash_after_each_fill(done, *, markets):
    """Buys at an open come after the sells of that open, and before those inside the bar."""
    flows = [(-1, 0, done.capital.start_equity)]
    for trade in done.trades:
        flows.append((trade["entry_bar"], 1, -trade["size_base"] * trade["entry_price"] - trade["entry_fee"]))
        if trade["exit_kind"] != ExitKind.END:
            own = markets[trade["instrument"]]
            opened_at = own.open[np.searchsorted(own.open_time_ms, trade["exit_time_ms"])]
            at_open = opened_at * (1 - done.terms[trade["instrument"]].slippage_bps / 10_000)
            is_inside = trade["is_entry_bar"] or not np.isclose(trade["exit_price"], at_open, rtol=1e-12)
            brought = trade["size_base"] * trade["exit_price"] - trade["exit_fee"]
            flows.append((trade["exit_bar"], 2 if is_inside else 0, brought))
    return np.cumsum([flow for _, _, flow in sorted(flows, key=lambda flow: flow[:2])])


def test_the_random_worlds_hold_what_they_are_for():
    kinds, entry_bars, both, refusals = set(), 0, 0, set()
    for seed in range(200):
        done = world(seed, stops="scalping").run(run.run)
        kinds |= set(done.trades["exit_kind"].tolist())
        entry_bars += int(done.trades["is_entry_bar"].sum())
        both += int(done.trades["is_both_hit"].sum())
        refusals |= set(done.refusals)
    assert kinds == {int(kind) for kind in ExitKind}
    assert min(entry_bars, both) > 5
    assert refusals >= {"kelly", "no_stop", "balance", "min_size", "min_notional", "open_positions"}


CALM = (100.0, 100.5, 99.5, 100.0)


def one(
    *rows, enter=(0,), leave=(), stop=0.02, target=0.04, trailing=np.nan, hold=0, slippage_bps=0.0, fee=0.0
):
    """One instrument's bars (open, high, low, close); all the money in at every entry."""
    open_, high, low, close = np.array(rows).T.copy()
    said = np.arange(len(rows))
    market = Bars(
        venue="alpha",
        symbol="BTC/USDT",
        timeframe="1m",
        open_time_ms=said * 60_000,
        open=open_,
        high=high,
        low=low,
        close=close,
        volume_base=np.ones(len(rows)),
    )
    signals = Signals(
        enter=np.isin(said, enter),
        exit=np.isin(said, leave),
        stop_ratio=np.array([stop]),
        target_ratio=np.array([target]),
        trailing_ratio=np.array([trailing]),
        confidence_ratio=np.array([0.5]),
        max_hold_bars=hold,
    )
    terms = MarketTerms(
        venue="alpha",
        symbol="BTC/USDT",
        maker_fee_ratio=0.0,
        taker_fee_ratio=fee,
        slippage_bps=slippage_bps,
    )
    capital = unlimited(start_equity=1000.0, max_slippage_bps=slippage_bps)
    return run.run([market], [signals], terms=[terms], capital=capital)


def told(done):
    return [
        (
            ExitKind(int(t["exit_kind"])).name,
            int(t["entry_bar"]),
            int(t["exit_bar"]),
            round(float(t["exit_price"]), 9),
        )
        for t in done.trades
    ]


@pytest.mark.parametrize(
    ("name", "rows", "given", "expected"),
    [
        (
            "entered at the next open, never earlier",
            [CALM, (101, 102, 100, 101), CALM],
            {},
            ("END", 1, 2, 100.0),
        ),
        ("stopped on the entry bar", [CALM, (100, 101, 97, 98)], {}, ("STOP", 1, 1, 98.0)),
        ("target on the entry bar", [CALM, (100, 105, 99, 101)], {}, ("TARGET", 1, 1, 104.0)),
        ("stop before target", [CALM, (100, 105, 97, 98)], {}, ("STOP", 1, 1, 98.0)),
        (
            "a gap through the stop fills at the open",
            [CALM, CALM, (95, 105, 94, 95)],
            {},
            ("STOP", 1, 2, 95.0),
        ),
        (
            "a gap above the target fills at the open",
            [CALM, CALM, (107, 107, 90, 95)],
            {},
            ("TARGET", 1, 2, 107.0),
        ),
        (
            "an exit comes before the gap",
            [CALM, CALM, (95, 96, 94, 95)],
            {"leave": (1,)},
            ("SIGNAL", 1, 2, 95.0),
        ),
        ("the time stop", [CALM, CALM, CALM, (101, 101, 99, 100)], {"hold": 2}, ("TIME", 1, 3, 101.0)),
        (
            "trailing moves at a close and works from the next bar",
            [CALM, (100, 103, 99.5, 102), (102, 102, 101, 101)],
            {"trailing": 0.01},
            ("TRAILING", 1, 2, 101.97),
        ),
        (
            "a fill that slips beyond its stop is sold at the open it had",
            [CALM, CALM],
            {"stop": 0.001, "slippage_bps": 20.0},
            ("STOP", 1, 1, 99.8),
        ),
        (
            "slippage on the way out",
            [CALM, (100, 101, 90, 91)],
            {"slippage_bps": 10.0},
            ("STOP", 1, 1, 98.0 * 1.001 * 0.999),
        ),
    ],
)
def test_each_rule(name, rows, given, expected):
    kind, entry_bar, exit_bar, price = expected
    assert told(one(*rows, **given)) == [(kind, entry_bar, exit_bar, round(price, 9))], name


@pytest.mark.parametrize(
    ("name", "given", "expected"),
    [
        ("enter and exit at one close: no entry", {"enter": (0,), "leave": (0,)}, []),
        (
            "an enter while in position is ignored",
            {"enter": (0, 1), "leave": (2,)},
            [("SIGNAL", 1, 3, 100.0)],
        ),
        (
            "an enter at the close an exit is said is no flip",
            {"enter": (0, 2), "leave": (2,)},
            [("SIGNAL", 1, 3, 100.0)],
        ),
        (
            "in again at the open after the bar of the exit",
            {"enter": (0, 3), "leave": (2,)},
            [("SIGNAL", 1, 3, 100.0), ("END", 4, 5, 100.0)],
        ),
        ("said at the last close, done never", {"enter": (5,)}, []),
    ],
)
def test_what_is_said_and_what_is_done(name, given, expected):
    assert told(one(*[CALM] * 6, **given)) == expected, name


def test_a_trade_by_hand():
    """1000 in at 100 x 1.001, bound 0.1 % above it, fee 0.1 %: 9.97 coins, out at the target of 4 % once the bid is there."""
    done = one(CALM, (100, 101, 99.9, 100.5), (100.5, 105, 99, 104), slippage_bps=10.0, fee=0.001)
    (trade,) = done.trades
    size = 1000 / (100.1 * 1.001 * 1.001)
    out = 100.1 * 1.04
    assert trade["size_base"] == pytest.approx(size)
    assert trade["exit_price"] == pytest.approx(out)
    assert trade["pnl"] == pytest.approx(size * (out * 0.999 - 100.1 * 1.001))
    assert trade["stop_price"] == pytest.approx(100.1 * 0.98)
    assert trade["mae_ratio"] == pytest.approx(1 - 99.9 / 100.1)
    assert trade["mfe_ratio"] == pytest.approx(out / 100.1 - 1)
    assert done.equity.tolist() == pytest.approx(
        [1000, 1000 - size * 100.1 * 1.001 + size * 100.5, 1000 + trade["pnl"]]
    )


def test_a_bar_that_is_none_is_named():
    with pytest.raises(
        InvalidValueError, match=r"alpha BTC/USDT: the bar at 1970-01-01T00:01:00\+00:00 is none"
    ):
        one(CALM, (100, 99, 98, 97), CALM)


def test_what_does_not_fit_together_is_one_clear_line():
    good = world(1, stops="wide")
    markets, signals, terms = good.markets[:1], good.signals[:1], good.terms[:1]
    for message, changes in (
        ("needs at least one instrument", {"markets": []}),
        ("need as many terms", {"terms": []}),
        ("need as many signals", {"signals": []}),
        ("terms of elsewhere", {"terms": [replace(terms[0], venue="elsewhere")]}),
        ("has no bars", {"markets": [markets[0].part(0, 0)]}),
        ("bars need as many signals", {"markets": [markets[0].part(0, 1)]}),
        ("given twice", {"markets": markets * 2, "signals": signals * 2, "terms": terms * 2}),
        ("no entry would fill", {"terms": [replace(terms[0], slippage_bps=50.0)]}),
        ("start_equity must be", {"capital": replace(good.capital, start_equity=float("nan"))}),
        ("risk_per_trade_ratio must be", {"capital": replace(good.capital, risk_per_trade_ratio=-1.0)}),
    ):
        asked = {"markets": markets, "signals": signals, "terms": terms, "capital": good.capital, **changes}
        with pytest.raises(InvalidValueError, match=message):
            run.run(asked["markets"], asked["signals"], terms=asked["terms"], capital=asked["capital"])


def test_times_of_different_bars_become_one_timeline():
    on_grid = [np.array([60_000, 180_000]), np.array([0, 60_000, 600_000])]
    beside = [np.array([60_000, 180_000]), np.array([1_000, 61_000])]
    for times in (on_grid, beside):
        timeline, is_aligned = union(times, step_ms=60_000)
        assert timeline.tolist() == sorted({*times[0].tolist(), *times[1].tolist()})
        assert not is_aligned
    same, is_aligned = union([on_grid[0], on_grid[0].copy()], step_ms=60_000)
    assert is_aligned
    assert same is on_grid[0]
