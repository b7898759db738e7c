"""The kernel's rules are the desk's: the same bars through both, trade by trade."""

import gzip
from dataclasses import replace
from datetime import UTC, datetime
from decimal import Decimal
from itertools import islice
from pathlib import Path

import numpy as np
import pytest

from neuratrade.lib.clock import from_epoch_ms, to_epoch_ms
from tests.trading.services import tape
from trading.services import agreement, invariants, rehearsal
from trading.services.agreement import Agreement
from trading.services.rehearsal_desk import Setting
from trading.types.research import Bars, Signals

pytestmark = pytest.mark.django_db

STRATEGY = "agreement"


def both(bars: Bars, signals: Signals, setting: Setting) -> Agreement:
    played = rehearsal.play(bars, signals, setting=setting, strategy=STRATEGY)
    end = from_epoch_ms(int(bars.open_time_ms[-1]) + bars.step_ms)
    assert invariants.check(at=end) == []
    return agreement.check(bars, signals, played=played, setting=setting, strategy=STRATEGY)


def kinds(found: Agreement) -> list[str]:
    """How the backtest left its trades, in the order of entry."""
    return [item.backtest.exit_kind for item in found.drift.differences if item.backtest]


def test_every_way_a_trade_can_end_is_the_same_in_the_kernel_and_at_the_desk(redis_client) -> None:
    written = tape.every_ending()
    found = both(written.bars(), written.signals(), tape.SETTING)
    assert found.breaches == ()
    assert found.vetoes == ()
    assert found.agreed == len(written.entries) == 13
    assert kinds(found) == [
        *("STOP", "TARGET", "STOP", "TARGET", "STOP", "TARGET", "STOP", "SIGNAL", "TIME"),
        *("TRAILING", "TRAILING", "SIGNAL", "END"),
    ]
    assert len(found.explained) == 1
    assert "the stop that rests at the venue was first" in found.explained[0]


def recorded_minutes(folder: Path, *, first: int, last: int) -> Bars:
    with gzip.open(folder / "btc-perp-1m-2022-01.csv.gz", "rt") as file:
        rows = [line.rstrip().split(",") for line in islice(file, 1 + first, 1 + last)]
    columns = np.array([row[1:] for row in rows], dtype=float).T
    times = [datetime.fromisoformat(row[0]).replace(tzinfo=UTC) for row in rows]
    return Bars(
        venue="binance",
        symbol="BTC/USDT",
        timeframe="1m",
        open_time_ms=np.array([to_epoch_ms(at) for at in times]),
        open=columns[0],
        high=columns[1],
        low=columns[2],
        close=columns[3],
        volume_base=columns[4],
    )


def test_recorded_minutes_agree_too(redis_client, recorded: Path) -> None:
    """The sell-off of 22 January 2022, with the fee taken in what was bought; what the gate refuses is listed, all else agrees."""
    bars = recorded_minutes(recorded, first=30_750, last=31_100)
    enter = np.zeros(len(bars), bool)
    enter[100::40] = True
    stops = np.full(len(bars), 0.006)
    stops[100] = 0.0006  # inside the noise: the gate refuses it, and then so must the backtest
    signals = Signals(
        enter=enter,
        exit=np.zeros(len(bars), bool),
        stop_ratio=stops,
        target_ratio=np.array([0.012]),
        trailing_ratio=np.array([np.nan]),
        confidence_ratio=np.array([0.9]),
        max_hold_bars=120,
    )
    spec = replace(tape.SPEC, venue="binance", price_tick=Decimal("0.1"))
    found = both(bars, signals, tape.setting(spec=spec, client="binance"))
    assert found.breaches == ()
    assert found.agreed >= 4
    assert set(kinds(found)) >= {"STOP", "TARGET"}
    (refused,) = found.vetoes
    assert refused.bar == 100
    assert "stop_volatility" in refused.reason
