"""History as the desk reads it: what is stored comes, and what is not is one line with the command that brings it."""

from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from tests.trading.history.builders import START_MS, make_bars
from trading.errors import InvalidValueError
from trading.history import store
from trading.history.errors import MissingHistoryError
from trading.services import history

DAY = datetime(2022, 1, 1, tzinfo=UTC)


@pytest.fixture
def root(tmp_path: Path, settings: Any) -> Path:
    settings.HOME = tmp_path
    return history.root()


def load(**other: Any) -> Any:
    return history.load(**{"venue": "binance", "symbol": "BTC/USDT", "timeframe": "5m", **other})


def test_what_is_stored_comes(root: Path) -> None:
    bars = make_bars(500, timeframe="5m")
    store.save(root, bars)

    assert load().digest == bars.digest
    assert load(since=DAY.replace(hour=1), until=DAY.replace(hour=2)).digest == bars.part(12, 24).digest
    assert len(load(timeframe="15m")) == 500 // 3


@pytest.mark.parametrize(
    ("asked", "line"),
    [
        (
            {"symbol": "BTCUSDT"},
            r"no candles of binance BTCUSDT are stored; did you mean binance BTC/USDT\? Else run "
            r"`neuratrade candles download --venue binance --instrument BTCUSDT --timeframe 5m`",
        ),
        ({"venue": "binanec"}, r"did you mean binance BTC/USDT\?"),
        (
            {"venue": "kraken", "symbol": "ADA/EUR"},
            r"no candles of kraken ADA/EUR are stored; run `neuratrade candles download --venue kraken --instrument ADA/EUR "
            r"--timeframe 5m`, or `neuratrade candles import FILE`",
        ),
        ({"timeframe": "1m"}, r"binance BTC/USDT is stored as 5m, from which no 1m can be built; run"),
        (
            {"since": datetime(2023, 1, 1, tzinfo=UTC), "until": datetime(2023, 1, 2, 6, 30, tzinfo=UTC)},
            r"5m reaches from 2022-01-01 to 2022-01-02 17:35; run `neuratrade candles download --venue binance --instrument "
            r"BTC/USDT --timeframe 5m --from 2023-01-01 --to 2023-01-02T06:30`",
        ),
    ],
)
def test_what_is_missing_is_said_with_its_remedy(root: Path, asked: dict[str, Any], line: str) -> None:
    store.save(root, make_bars(500, timeframe="5m"))
    with pytest.raises(MissingHistoryError, match=line) as caught:
        load(**asked)
    assert "\n" not in str(caught.value)


def test_bad_questions_are_one_line(root: Path) -> None:
    with pytest.raises(InvalidValueError, match="the period from 2022-01-01 to 2022-01-01 is empty"):
        load(since=DAY, until=DAY)
    with pytest.raises(InvalidValueError, match="timeframe '7m' is unknown; give one of: 1m, 3m"):
        load(timeframe="7m")
    with pytest.raises(MissingHistoryError, match=r"`neuratrade candles list` shows what is"):
        history.gaps(venue="kraken")


def test_a_period_stored_in_part_is_said(root: Path, caplog: pytest.LogCaptureFixture) -> None:
    store.save(root, make_bars(500, timeframe="5m"))
    load(since=DAY, until=DAY.replace(hour=20))
    assert not caplog.messages

    load(since=datetime(2021, 12, 1, tzinfo=UTC), until=datetime(2022, 2, 1, tzinfo=UTC))

    assert caplog.messages == [
        "binance BTC/USDT 5m begins at 2022-01-01, after the start asked for",
        "binance BTC/USDT 5m ends at 2022-01-02 17:35, before the end asked for",
    ]


def test_gaps_are_reported_per_dataset(root: Path) -> None:
    bars = make_bars(500, keep=0.8)
    store.save(root, bars)
    store.save(root, make_bars(10, symbol="ETH/USDT"))

    btc, eth = history.gaps()

    assert (btc.dataset.symbol, sum(gap.missing for gap in btc.gaps)) == ("BTC/USDT", 500 - len(bars))
    assert btc.missing_ratio == pytest.approx(1 - len(bars) / 500)
    assert (eth.gaps, eth.missing_ratio) == ((), 0.0)


def test_series_come_or_say_how(root: Path) -> None:
    times, values = START_MS + np.arange(3) * 28_800_000, np.array([1e-4, -2e-4, 3e-4])
    where: dict[str, Any] = {"venue": "binance", "symbol": "BTC/USDT"}
    for kind in ("funding", "sentiment"):
        store.save_series(root, kind=kind, **where, time_ms=times, values=values)

    assert np.array_equal(history.funding(**where)[1], values)
    assert np.array_equal(history.sentiment(**where, since=DAY.replace(hour=8))[1], values[1:])
    with pytest.raises(
        MissingHistoryError, match=r"did you mean binance BTC/USDT\? Else run `neuratrade candles import"
    ):
        history.funding(venue="binance", symbol="BTC-USDT")
    with pytest.raises(MissingHistoryError, match="no funding of binance BTC/USDT is stored for that period"):
        history.funding(**where, since=datetime(2025, 1, 1, tzinfo=UTC))
    with pytest.raises(MissingHistoryError, match="--kind sentiment --venue kraken --instrument X/Y"):
        history.sentiment(venue="kraken", symbol="X/Y")
