"""Every trigger plug-in: the contract all must keep, then each one's own measure."""

import random
from datetime import timedelta

import pytest

from neuratrade.lib.plugins import discover
from quests.protocols import Trigger
from quests.triggers.rsi import LENGTH, RsiGauge
from quests.triggers.volatility import RangeGauge
from quests.triggers.volume_spike import BARS, VolumeGauge
from tests.quests.samples import START, candle
from trading import indicators

TRIGGERS = discover("quests.triggers", "TRIGGER")


@pytest.mark.parametrize("name", TRIGGERS)
def test_a_trigger_names_itself_a_quest_that_exists_and_a_real_hysteresis(name: str) -> None:
    trigger: Trigger = TRIGGERS[name]
    assert trigger.name == name
    assert trigger.quest in discover("quests.catalog", "QUEST")
    assert trigger.fire_at != trigger.rearm_at
    assert trigger.cooldown_s >= 60
    assert trigger.unit


@pytest.mark.parametrize("name", TRIGGERS)
def test_a_gauge_survives_any_market_and_a_bar_that_comes_twice(name: str) -> None:
    gauge, rng, price = TRIGGERS[name].gauge(), random.Random(7), 100.0
    for minute in range(200):
        price *= 1 + rng.uniform(-0.02, 0.02)
        bar = candle(minute, round(price, 4), volume=rng.choice([0, 0.5, 3]))
        for value in (gauge.on_candle(bar), gauge.on_candle(bar)):
            assert value is None or value == pytest.approx(value)
        live = gauge.on_price(price, at=START + timedelta(minutes=minute + 1, seconds=rng.uniform(0, 59)))
        assert live is None or live == pytest.approx(live)


def test_rsi_is_wilders() -> None:
    # The closes and results of StockCharts' public RSI worksheet.
    closes = [
        44.3389, 44.0902, 44.1497, 43.6124, 44.3278, 44.8264, 45.0955, 45.4245, 45.8433, 46.0826,
        45.8931, 46.0328, 45.6140, 46.2820, 46.2820, 46.0028, 46.0328, 46.4116, 46.2222, 45.6439,
    ]  # fmt: skip
    gauge = RsiGauge()
    values = [gauge.on_candle(candle(i, close)) for i, close in enumerate(closes)]
    assert values[:LENGTH] == [None] * LENGTH
    assert values[LENGTH:] == pytest.approx([70.53, 66.32, 66.55, 69.41, 66.36, 57.97], abs=0.01)


def test_live_rsi_equals_that_of_the_bar_if_it_closed_there() -> None:
    gauge = RsiGauge()
    for minute in range(30):
        gauge.on_candle(candle(minute, 100 + (minute % 7) - minute * 0.2))
    live = gauge.on_price(93.0, at=START)
    assert live == pytest.approx(gauge.on_candle(candle(30, 93.0)))


def test_rsi_is_the_one_that_strategies_and_backtests_use() -> None:
    gauge, rng = RsiGauge(), random.Random(3)
    closes = [100.0]
    for _ in range(1500):
        closes.append(round(closes[-1] * (1 + rng.choice([0, rng.gauss(0, 0.002)])), 2))
    values = [gauge.on_candle(candle(i, close)) for i, close in enumerate(closes)]
    assert values[:LENGTH] == [None] * LENGTH
    assert values[LENGTH:] == indicators.rsi(closes)[LENGTH:].tolist()


def test_a_market_that_never_moved_is_not_oversold() -> None:
    gauge = RsiGauge()
    for minute in range(20):
        value = gauge.on_candle(candle(minute, 100.0))
    assert value == gauge.on_price(100.0, at=START) == 50.0
    assert indicators.rsi([100.0] * 20)[-1] == 0.0  # TA-Lib's answer, which would fire
    assert gauge.on_price(99.0, at=START) == 0.0  # the first move there ever was, and it is down
    assert gauge.on_price(101.0, at=START) == 100.0
    gauge.on_candle(candle(20, 99.0))
    assert gauge.on_price(99.0, at=START) == 0.0


def test_volume_is_compared_with_the_twenty_bars_before() -> None:
    gauge = VolumeGauge()
    for minute in range(BARS):
        assert gauge.on_candle(candle(minute, 100, volume=2)) is None
    assert gauge.on_candle(candle(BARS, 100, volume=12)) == pytest.approx(500)


def test_a_market_that_did_not_trade_has_no_usual_volume() -> None:
    gauge = VolumeGauge()
    for minute in range(BARS):
        gauge.on_candle(candle(minute, 100, volume=0))
    assert gauge.on_candle(candle(BARS, 100, volume=5)) is None


def test_range_forgets_what_is_older_than_an_hour() -> None:
    gauge = RangeGauge()
    assert gauge.on_price(100, at=START) == pytest.approx(0)
    assert gauge.on_price(106, at=START + timedelta(minutes=30)) == pytest.approx(6)
    assert gauge.on_price(106, at=START + timedelta(minutes=59)) == pytest.approx(6)
    assert gauge.on_price(106, at=START + timedelta(minutes=60)) == pytest.approx(0)


def test_a_closed_bar_adds_the_extremes_that_quotes_missed() -> None:
    gauge = RangeGauge()
    gauge.on_price(100, at=START + timedelta(seconds=59))
    gauge.on_price(100, at=START + timedelta(seconds=61))
    assert gauge.on_candle(candle(0, 100, open_=107)) == pytest.approx(7)
