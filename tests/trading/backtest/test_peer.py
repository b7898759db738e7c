"""A plain RSI strategy on recorded candles, here and in backtesting.py: every trade must be the same."""

import gzip
from functools import cache

import numpy as np
import pytest
import talib

from tests.trading.backtest.backtesting_py import assert_equal, peer_trades
from trading.backtest.capital import unlimited
from trading.backtest.run import run
from trading.types.research import Bars, MarketTerms, Signals

START, FEE = 1_000_000.0, 0.001
# Stop and target, and how often a trade must end on the bar it began on for the test to mean something.
WIDTHS = [(0.02, 0.04, 0), (0.001, 0.003, 20), (0.0005, 0.001, 60)]


@pytest.fixture
def minutes(recorded):
    return read_minutes(recorded / "btc-perp-1m-2022-01.csv.gz")


@cache
def read_minutes(file) -> Bars:
    """The first eight days of a recorded month of BTC minutes."""
    with gzip.open(file, "rt") as lines:
        rows = np.genfromtxt(lines, delimiter=",", skip_header=1, usecols=range(1, 6), max_rows=12_000)
    open_, high, low, close, volume = rows.T.copy()
    return Bars(
        venue="recorded",
        symbol="BTC/USDT",
        timeframe="1m",
        open_time_ms=np.arange(len(rows)) * 60_000,
        open=open_,
        high=high,
        low=low,
        close=close,
        volume_base=volume,
    )


@pytest.mark.parametrize(("stop", "target", "least_entry_bar"), WIDTHS)
def test_every_trade_is_backtesting_pys(minutes, stop, target, least_entry_bar):
    rsi = talib.RSI(minutes.close, 14)
    signals = Signals(
        enter=rsi < 30,
        exit=rsi > 70,
        stop_ratio=np.array([stop]),
        target_ratio=np.array([target]),
        trailing_ratio=np.array([np.nan]),
        confidence_ratio=np.array([0.5]),
    )
    terms = MarketTerms(venue="recorded", symbol="BTC/USDT", maker_fee_ratio=FEE, taker_fee_ratio=FEE)
    done = run([minutes], [signals], terms=[terms], capital=unlimited(start_equity=START))
    assert_equal(done.trades, peer_trades(minutes, signals, fee_ratio=FEE, start_equity=START))
    assert done.trades.size > 30
    assert done.trades["is_entry_bar"].sum() >= least_entry_bar
