"""What the strategies really say on recorded candles, here and in backtesting.py: every trade must be the same, and end the same way."""

from collections import Counter
from collections.abc import Mapping
from dataclasses import replace
from datetime import UTC, datetime
from functools import cache
from pathlib import Path
from typing import NamedTuple

import numpy as np
import pytest

from tests.trading.backtest.backtesting_py import assert_equal, peer_trades
from trading import indicators
from trading.backtest.capital import unlimited
from trading.backtest.run import run
from trading.history import formats
from trading.history.resample import resample
from trading.services import strategies
from trading.types.research import Bars, ExitKind, MarketTerms, Signals

START, FEE = 1_000.0, 0.0002
SIGNAL, STOP, TARGET, TRAILING, TIME = (
    ExitKind.SIGNAL,
    ExitKind.STOP,
    ExitKind.TARGET,
    ExitKind.TRAILING,
    ExitKind.TIME,
)
BTC = "btc-perp-1m-2022-01.csv.gz"
ETH, XLM = "ETH_BTC-5m-2018-01.feather", "XLM_BTC-5m-2018-01.feather"


class Case(NamedTuple):
    """A strategy on a recorded file; `changed` parameters differ from its page's. `least` trades must end in each way."""

    strategy: str
    file: str
    timeframe: str
    least: Mapping[ExitKind, int]
    changed: Mapping[str, float] = {}

    def __str__(self) -> str:
        changed = " ".join(f"{name}={value:g}" for name, value in self.changed.items())
        return f"{self.strategy} {self.file[:3]} {self.timeframe} {changed}".strip()


CASES = [
    Case("mean-reversion", BTC, "1m", {SIGNAL: 200, STOP: 150, TARGET: 1, TIME: 1}),
    Case("mean-reversion", BTC, "5m", {SIGNAL: 40, STOP: 20, TARGET: 1}),
    Case("mean-reversion", XLM, "5m", {SIGNAL: 25, STOP: 10}),
    Case(
        "mean-reversion",
        ETH,
        "5m",
        {SIGNAL: 10, STOP: 10, TARGET: 5, TIME: 5},
        {"rsi_below": 40, "stop_atr": 1, "target_atr": 1, "max_hold_bars": 6},
    ),
    Case("sentiment-momentum", BTC, "5m", {SIGNAL: 15, STOP: 20, TARGET: 1}),
    Case("sentiment-momentum", XLM, "5m", {SIGNAL: 5, STOP: 10, TARGET: 2}),
    Case(
        "sentiment-momentum",
        ETH,
        "5m",
        {SIGNAL: 5, STOP: 5, TARGET: 5, TIME: 5},
        {"enter_score": 0.8, "target_atr": 2, "max_hold_bars": 12},
    ),
    Case("scalping", BTC, "1m", {STOP: 60, TARGET: 15, TIME: 10, SIGNAL: 1}),
    Case("scalping", BTC, "1m", {STOP: 40, TRAILING: 25, TARGET: 10, TIME: 5}, {"trailing_ratio": 0.0015}),
    Case("scalping", BTC, "1m", {TRAILING: 80, TARGET: 5}, {"trailing_ratio": 0.0008}),
]


@pytest.mark.parametrize("case", CASES, ids=str)
def test_every_trade_of_a_strategy_is_backtesting_pys(recorded, case):
    bars = candles(recorded / case.file, timeframe=case.timeframe)
    engine, play = strategies.find(case.strategy)
    if "sentiment" in engine.features:
        bars = with_seeded_sentiment(bars)
    values = play.values(case.changed)
    assert engine.objection(values, terms=[terms(bars)]) == ""
    signals = engine.signals(bars, parameters=values, indicators=indicators.provider())
    done = run([bars], [signals], terms=[terms(bars)], capital=unlimited(start_equity=START))
    assert_equal(done.trades, peer_trades(bars, signals, fee_ratio=FEE, start_equity=START))
    ended = Counter(ExitKind(kind) for kind in done.trades["exit_kind"])
    assert {kind: ended[kind] for kind, least in case.least.items() if ended[kind] < least} == {}, ended


def test_the_one_known_difference_is_a_bar_that_opens_above_the_target_and_falls_to_the_stop():
    """Bought at 100 with a stop at 95 and a target at 110; the next bar opens at 112 and falls to 94."""
    bars = Bars(
        venue="recorded",
        symbol="BTC/USDT",
        timeframe="1m",
        open_time_ms=np.arange(6) * 60_000,
        open=np.array([100.0, 100.0, 100.0, 112.0, 95.0, 95.0]),
        high=np.array([101.0, 101.0, 101.0, 113.0, 96.0, 96.0]),
        low=np.array([99.0, 99.0, 99.0, 94.0, 94.0, 94.0]),
        close=np.array([100.0, 100.0, 100.0, 95.0, 95.0, 95.0]),
        volume_base=np.ones(6),
    )
    signals = Signals(
        enter=np.arange(6) == 1,
        exit=np.zeros(6, dtype=np.bool_),
        stop_ratio=np.array([0.05]),
        target_ratio=np.array([0.1]),
        trailing_ratio=np.array([np.nan]),
        confidence_ratio=np.array([0.5]),
    )
    (ours,) = run([bars], [signals], terms=[terms(bars)], capital=unlimited(start_equity=START)).trades
    (theirs,) = peer_trades(bars, signals, fee_ratio=FEE, start_equity=START)
    assert (ours["exit_kind"], ours["exit_bar"], ours["exit_price"]) == (TARGET, 3, 112)
    assert (theirs.kind, theirs.exit_bar, theirs.exit_price) == (STOP, 3, 95)


def terms(bars: Bars) -> MarketTerms:
    return MarketTerms(venue=bars.venue, symbol=bars.symbol, maker_fee_ratio=FEE, taker_fee_ratio=FEE)


def candles(file: Path, *, timeframe: str) -> Bars:
    if not file.is_file():
        pytest.skip(f"../shared/data/{file.name} is not on this machine")
    return resample(read(file), timeframe=timeframe)


@cache
def read(file: Path) -> Bars:
    symbol, timeframe = (
        ("BTC/USDT", "1m") if file.name == BTC else ("", "")
    )  # the others say so in their names
    at = datetime(2026, 1, 1, tzinfo=UTC)
    return formats.read(file, venue="recorded", symbol=symbol, timeframe=timeframe, at=at).bars


def with_seeded_sentiment(bars: Bars) -> Bars:
    """No news was recorded: a made-up sentiment, drawn anew every 36 bars."""
    held, random = 36, np.random.default_rng(7)
    drawn = np.repeat(random.uniform(-1, 1, len(bars) // held + 1), held)
    return replace(bars, features={"sentiment": drawn[: len(bars)]})
