"""Candles in SQL: gaps are seen, corrections reach the longer candles, the desk reads closed ones only."""

from datetime import timedelta
from decimal import Decimal

import pytest

from tests.factories import AT, Desk
from trading.models import CandleRow
from trading.services import market, market_store
from trading.services.market_bars import MINUTE
from trading.types import Candle, InstrumentSpec

START = AT - timedelta(hours=12)


def bars(count: int, *, start: int = 0, price: str = "100") -> list[Candle]:
    base = Decimal(price)
    return [
        Candle(
            open_time=START + (start + step) * MINUTE,
            open=base + step,
            high=base + step + 2,
            low=base + step - 2,
            close=base + step + 1,
            volume_base=Decimal("0.5"),
        )
        for step in range(count)
    ]


@pytest.fixture
def pk(desk: Desk) -> int:
    return desk.instrument().pk


def count(timeframe: str) -> int:
    return CandleRow.objects.filter(timeframe=timeframe).count()


def test_longer_candles_appear_when_their_last_minute_does(desk: Desk, pk: int) -> None:
    assert market_store.store({pk: bars(64)}) == 64
    assert (count("1m"), count("5m"), count("1h")) == (64, 12, 1)
    assert market_store.store({pk: bars(1, start=64)}) == 1
    assert count("5m") == 13
    hour = CandleRow.objects.get(timeframe="1h")
    assert [hour.open, hour.close, hour.high, hour.low] == [Decimal(x) for x in (100, 160, 161, 98)]
    assert hour.volume_base == 30


def test_the_same_again_changes_nothing_and_a_correction_reaches_5m_and_1h(desk: Desk, pk: int) -> None:
    market_store.store({pk: bars(120)})
    assert market_store.store({pk: bars(120)}) == 0
    wrong = bars(120)[7]
    spike = Candle(
        open_time=wrong.open_time,
        open=wrong.open,
        high=Decimal(999),
        low=wrong.low,
        close=wrong.close,
        volume_base=Decimal(7),
    )
    assert market_store.store({pk: [spike]}) == 1
    five = CandleRow.objects.get(timeframe="5m", open_time=START + 5 * MINUTE)
    hour = CandleRow.objects.get(timeframe="1h", open_time=START)
    assert (five.high, five.volume_base) == (Decimal(999), Decimal(9))
    assert (hour.high, hour.volume_base) == (Decimal(999), Decimal("36.5"))
    assert (count("1m"), count("5m"), count("1h")) == (120, 24, 2)


def test_the_first_gap_is_found_and_filling_it_completes_the_longer_candles(desk: Desk, pk: int) -> None:
    market_store.store({pk: bars(60)[:20] + bars(60)[23:]})
    assert market_store.missing_since(pk, start=START, end=START + 60 * MINUTE) == START + 20 * MINUTE
    assert (count("5m"), count("1h")) == (11, 0)
    market_store.store({pk: bars(60)[20:23]})
    assert market_store.missing_since(pk, start=START, end=START + 60 * MINUTE) is None
    assert (count("5m"), count("1h")) == (12, 1)


def test_many_instruments_go_in_one_batch(desk: Desk) -> None:
    one, other = desk.instrument().pk, desk.instrument("kraken").pk
    assert market_store.store({one: bars(5), other: bars(5, price="200")}) == 10
    assert count("5m") == 2
    assert market_store.store({one: [], other: []}) == 0


def test_the_desk_reads_closed_candles_only_oldest_first(desk: Desk, pk: int) -> None:
    market_store.store({pk: bars(30)})
    instrument = desk.instrument()
    just_before = START + 10 * MINUTE - timedelta(seconds=1)
    got = market.candles(instrument=instrument, timeframe="1m", before=just_before, limit=3)
    assert [candle.open_time for candle in got] == [START + step * MINUTE for step in (6, 7, 8)]
    got = market.candles(instrument=instrument, timeframe="5m", before=START + 10 * MINUTE, limit=9)
    assert [candle.open_time for candle in got] == [START, START + 5 * MINUTE]


def test_atr_needs_fifteen_fresh_five_minute_candles(desk: Desk, pk: int) -> None:
    instrument = desk.instrument()
    market_store.store({pk: bars(70)})
    end = START + 70 * MINUTE
    assert market.atr(instrument=instrument, at=end) is None
    market_store.store({pk: bars(75)})
    end = START + 75 * MINUTE
    # every 5m bar spans low 98+5i .. high 106+5i: a true range of 8
    assert market.atr(instrument=instrument, at=end) == Decimal("8.0")
    assert market.atr(instrument=instrument, at=end + timedelta(minutes=30)) is None


def test_the_venues_steps_and_fees_replace_ours(desk: Desk) -> None:
    instrument = desk.instrument()
    spec = InstrumentSpec(
        venue="binance",
        symbol="BTC/USDT",
        base="BTC",
        quote="USDT",
        price_tick=Decimal("0.5"),
        size_step=Decimal("0.001"),
        min_size=Decimal("0.002"),
        max_size=Decimal(50),
        min_notional=Decimal(11),
        maker_fee_ratio=Decimal("0.0002"),
        taker_fee_ratio=Decimal("0.0007"),
        is_active=False,
    )
    market_store.refresh_specs([spec], venue="binance")
    instrument.refresh_from_db()
    assert instrument.spec == spec
    other = desk.instrument("kraken")
    other.refresh_from_db()
    assert other.price_tick == Decimal("0.01")


def test_a_venues_own_candles_fill_holes_and_replace_nothing(pk: int) -> None:
    market_store.store({pk: bars(60)})
    length, known = timedelta(minutes=5), CandleRow.objects.filter(timeframe="5m")
    theirs = [
        Candle(
            open_time=START + step * length,
            open=Decimal(1),
            high=Decimal(1),
            low=Decimal(1),
            close=Decimal(1),
            volume_base=Decimal(9),
        )
        for step in range(-4, 6)
    ]
    start, end = START - 4 * length, START + 12 * length
    lacking = market_store.missing(pk, timeframe="5m", start=start, end=end)
    assert lacking == [candle.open_time for candle in theirs[:4]]
    assert market_store.add(pk, timeframe="5m", candles=theirs) == 4
    assert market_store.add(pk, timeframe="5m", candles=theirs) == 0
    assert market_store.add(pk, timeframe="5m", candles=[]) == 0
    assert [row.open_time for row in known.filter(volume_base=9).order_by("open_time")] == lacking
    assert market_store.missing(pk, timeframe="5m", start=start, end=end) == []
