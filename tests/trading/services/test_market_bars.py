"""Longer candles are exactly what their minutes say; minutes are exactly what their trades say."""

from collections.abc import Sequence
from datetime import datetime, timedelta
from decimal import Decimal

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from tests.factories import AT
from trading.services.market_bars import MINUTE, TIMEFRAMES, MinuteBuilder, derive, fill_flat, flat, floor
from trading.types import Candle, PublicTrade

PRICE = st.decimals(min_value="0.01", max_value="100000", places=2)
SIZE = st.decimals(min_value="0", max_value="10", places=5)


@st.composite
def minutes(draw: st.DrawFn) -> list[Candle]:
    """Consecutive minutes with some left out, from an odd starting minute."""
    start = AT + draw(st.integers(0, 59)) * MINUTE
    candles = []
    for index in range(draw(st.integers(0, 130))):
        if draw(st.integers(0, 30)) == 0:
            continue
        low, a, b, high = sorted(draw(PRICE) for _ in range(4))
        first, last = (a, b) if draw(st.booleans()) else (b, a)
        candles.append(
            Candle(
                open_time=start + index * MINUTE,
                open=first,
                high=high,
                low=low,
                close=last,
                volume_base=draw(SIZE),
            )
        )
    return candles


@settings(max_examples=60, deadline=None)
@given(minutes(), st.sampled_from(["5m", "1h"]))
def test_derived_is_the_aggregate_of_every_minute_and_nothing_else(
    bars: list[Candle], timeframe: str
) -> None:
    length = TIMEFRAMES[timeframe]
    derived = {candle.open_time: candle for candle in derive(bars, timeframe=timeframe)}
    by_time = {bar.open_time: bar for bar in bars}
    starts = {floor(bar.open_time, length=length) for bar in bars}
    for start in starts:
        inside = [by_time.get(start + step * MINUTE) for step in range(length // MINUTE)]
        whole = [bar for bar in inside if bar is not None]
        if len(whole) < len(inside):
            assert start not in derived
            continue
        candle = derived.pop(start)
        assert candle.open == whole[0].open
        assert candle.close == whole[-1].close
        assert candle.high == max(bar.high for bar in whole)
        assert candle.low == min(bar.low for bar in whole)
        assert candle.volume_base == sum((bar.volume_base for bar in whole), Decimal(0))
    assert not derived


@settings(max_examples=60, deadline=None)
@given(st.lists(st.tuples(st.integers(0, 599), PRICE, SIZE.filter(bool)), min_size=1, max_size=80))
def test_built_minutes_are_the_aggregate_of_their_trades(raw: list[tuple[int, Decimal, Decimal]]) -> None:
    trades = [
        trade(second, price=price, size=size) for second, price, size in sorted(raw, key=lambda row: row[0])
    ]
    builder = MinuteBuilder.starting(AT - MINUTE)
    for one in trades:
        builder.add(one)
    closed = builder.close(until=AT + 10 * MINUTE)

    first = floor(trades[0].as_of, length=MINUTE)
    assert [candle.open_time for candle in closed] == [
        first + step * MINUTE for step in range((AT + 10 * MINUTE - first) // MINUTE)
    ]
    for candle in closed:
        inside = [one for one in trades if floor(one.as_of, length=MINUTE) == candle.open_time]
        if inside:
            assert (candle.open, candle.close) == (inside[0].price, inside[-1].price)
            assert (candle.low, candle.high) == (
                min(one.price for one in inside),
                max(one.price for one in inside),
            )
        assert candle.volume_base == sum((one.size for one in inside), Decimal(0))
    assert builder.close(until=AT + 10 * MINUTE) == []


def trade(second: float, *, price: Decimal | str = "100", size: Decimal | str = "1") -> PublicTrade:
    return PublicTrade(
        venue="binance",
        symbol="BTC/USDT",
        trade_id=str(second),
        price=Decimal(price),
        size=Decimal(size),
        side=None,
        as_of=AT + timedelta(seconds=second),
    )


def closed_at(builder: MinuteBuilder, second: float) -> list[datetime]:
    return [candle.open_time for candle in builder.close(until=AT + timedelta(seconds=second))]


def test_the_minute_of_the_start_and_of_a_lost_connection_are_never_built() -> None:
    builder = MinuteBuilder.starting(AT + timedelta(seconds=20))
    for second in (25, 70, 130, 190):
        builder.add(trade(second))
    assert closed_at(builder, 121) == [AT + MINUTE]
    builder.interrupt(at=AT + timedelta(seconds=140))
    builder.add(trade(150))
    builder.add(trade(195))
    assert closed_at(builder, 181) == []
    assert closed_at(builder, 241) == [AT + 3 * MINUTE]


def test_after_a_loss_quiet_minutes_wait_for_the_venues_word() -> None:
    builder = MinuteBuilder.starting(AT - MINUTE)
    builder.add(trade(1, price="100"))
    builder.interrupt(at=AT + timedelta(seconds=70))
    assert closed_at(builder, 185) == []
    builder.heal(flat(AT + 2 * MINUTE, price=Decimal(105)))
    quiet = builder.close(until=AT + timedelta(seconds=245))
    assert quiet == [flat(AT + 3 * MINUTE, price=Decimal(105))]


def test_a_trade_for_a_minute_already_closed_is_left_to_the_correction() -> None:
    builder = MinuteBuilder.starting(AT - MINUTE)
    builder.add(trade(10))
    assert closed_at(builder, 61) == [AT]
    builder.add(trade(59, price="500"))
    builder.add(trade(70, price="101"))
    (candle,) = builder.close(until=AT + timedelta(seconds=121))
    assert (candle.open_time, candle.high) == (AT + MINUTE, Decimal(101))


@pytest.mark.parametrize(("minutes_apart", "filled"), [([0, 1, 2], 3), ([0, 3], 4), ([], 0), ([5], 1)])
def test_minutes_the_venue_left_out_are_flat(minutes_apart: Sequence[int], filled: int) -> None:
    candles = [
        Candle(
            open_time=AT + step * MINUTE,
            open=Decimal(10),
            high=Decimal(12),
            low=Decimal(9),
            close=Decimal(11),
            volume_base=Decimal(1),
        )
        for step in minutes_apart
    ]
    whole = fill_flat(candles)
    assert len(whole) == filled
    extra = [candle for candle in whole if candle not in candles]
    assert all(candle.open == candle.high == candle.low == candle.close == Decimal(11) for candle in extra)
    assert all(candle.volume_base == 0 for candle in extra)
