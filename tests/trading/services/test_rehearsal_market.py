"""The path of a simulated bar is the cautious one, and what the desk sees of it is what it would see of a live market."""

from datetime import timedelta
from decimal import Decimal

import numpy as np
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from neuratrade.lib.clock import from_epoch_ms
from tests.trading.services import tape
from trading.errors import InvalidValueError
from trading.services import market
from trading.services.market_bars import derive, fill_flat
from trading.services.rehearsal_candles import FIVE_MS, five_minutes
from trading.services.rehearsal_market import Depth, SimulatedMarket
from trading.types import Candle, round_down
from trading.types.research import Bars

D = Decimal
DEPTH = Depth(spread_bps=D(2), level_quote=D(1_000_000))
WITH_REDIS = settings(
    suppress_health_check=[HealthCheck.function_scoped_fixture], deadline=None, max_examples=60
)


def one_bar(
    open_: float, high: float, low: float, close: float, *, timeframe: str = "1m", step_ms: int = 60_000
) -> Bars:
    return Bars(
        venue="kraken",
        symbol="BTC/USDT",
        timeframe=timeframe,
        open_time_ms=np.array([tape.START_MS]),
        open=np.array([open_]),
        high=np.array([high]),
        low=np.array([low]),
        close=np.array([close]),
        volume_base=np.array([1.0]),
    )


def opened(bars: Bars) -> SimulatedMarket:
    simulated = SimulatedMarket(bars, spec=tape.SPEC, depth=DEPTH)
    simulated.open_bar(0)
    return simulated


def cents(low: int, high: int) -> st.SearchStrategy[float]:
    return st.integers(low, high).map(lambda value: value / 100)


@given(
    prices=st.tuples(*[cents(9_500, 10_500)] * 4),
    stop=cents(9_400, 9_990),
    target=cents(10_010, 10_600),
)
@WITH_REDIS
def test_a_stop_is_met_before_a_target(redis_client, prices, stop, target) -> None:
    """At the first trade at or under it; the target at the first bid at or over it. The open comes before both."""
    open_, _, _, close = prices
    bars = one_bar(open_, max(prices), min(prices), close)
    simulated = opened(bars)
    is_met = simulated.seek(stop_price=D(str(stop)), target_price=D(str(target)), until=None)
    bid_at_open = round_down(D(str(open_)) * (1 - DEPTH.half_ratio), step=tape.SPEC.price_tick)
    best_bid = round_down(D(str(max(prices))) * (1 - DEPTH.half_ratio), step=tape.SPEC.price_tick)
    if bid_at_open >= D(str(target)):
        assert simulated.newest.bid == bid_at_open
    elif min(prices) <= stop:
        assert simulated.price == min(D(str(open_)), D(str(stop)))
    elif best_bid >= D(str(target)):
        assert simulated.newest.bid == D(str(target))
    else:
        assert not is_met
        assert simulated.price == D(str(close))
        return
    assert is_met
    assert from_epoch_ms(tape.START_MS) <= simulated.clock() < from_epoch_ms(tape.START_MS + 60_000)


def test_a_time_comes_on_the_way(redis_client) -> None:
    """Ten seconds in, half of the way to the low is gone."""
    simulated = opened(one_bar(100, 101, 98, 100.5))
    until = simulated.clock() + timedelta(seconds=10)
    assert simulated.seek(stop_price=None, target_price=None, until=until)
    assert simulated.clock() == until
    assert simulated.price == D(99)


def test_the_gate_reads_what_the_venue_fills_against(redis_client) -> None:
    simulated = opened(one_bar(100, 101, 98, 100.5))
    simulated.wait(1.0)
    quote = market.latest_quote(venue="kraken", symbol="BTC/USDT")
    book = market.latest_book(venue="kraken", symbol="BTC/USDT")
    assert quote == simulated.newest
    assert (quote.bid, quote.ask) == (D("99.99"), D("100.01"))
    assert quote.as_of == simulated.clock() == from_epoch_ms(tape.START_MS + 1_000)
    assert book is not None
    assert [level.price for level in book.asks[:3]] == [D("100.01"), D("100.02"), D("100.03")]
    assert len(book.bids) == len(book.asks) == 5


@pytest.mark.parametrize(("spread", "level"), [("0", "1"), ("1001", "1"), ("2", "0")])
def test_an_impossible_book_is_refused(spread: str, level: str) -> None:
    with pytest.raises(InvalidValueError):
        Depth(spread_bps=D(spread), level_quote=D(level))


# --- the candles that volatility is measured with ---------------------------------------------------------------------------


def minutes_of(bars: Bars) -> list[Candle]:
    return [
        Candle(
            open_time=from_epoch_ms(int(bars.open_time_ms[i])),
            open=D(str(bars.open[i])),
            high=D(str(bars.high[i])),
            low=D(str(bars.low[i])),
            close=D(str(bars.close[i])),
            volume_base=D(0),
        )
        for i in range(len(bars))
    ]


def test_minutes_give_the_desks_own_five_minute_candles() -> None:
    """With some minutes missing, which stood still."""
    whole = tape.Tape(seed=3).bars()
    kept = np.ones(len(whole), bool)
    kept[[7, 8, 20, 21, 22, 23, 24, 25, 61]] = False
    bars = Bars(
        venue="kraken",
        symbol="BTC/USDT",
        timeframe="1m",
        **{
            name: getattr(whole, name)[kept]
            for name in ("open_time_ms", "open", "high", "low", "close", "volume_base")
        },
    )
    found = five_minutes(bars, since_ms=0, until_ms=tape.START_MS + 10**9)
    assert found == derive(fill_flat(minutes_of(bars)), timeframe="5m")


def test_only_what_is_closed_is_told() -> None:
    bars = tape.Tape().bars()
    until_ms = tape.START_MS + 9 * 60_000 + 59_999
    found = five_minutes(bars, since_ms=0, until_ms=until_ms)
    assert [candle.open_time for candle in found] == [from_epoch_ms(tape.START_MS)]


@pytest.mark.parametrize(("timeframe", "minutes"), [("5m", 5), ("15m", 15), ("1h", 60), ("4h", 240)])
def test_long_bars_are_cut_along_their_path(timeframe: str, minutes: int) -> None:
    bars = one_bar(100, 104, 97, 101, timeframe=timeframe, step_ms=minutes * 60_000)
    found = five_minutes(bars, since_ms=0, until_ms=tape.START_MS + minutes * 60_000)
    assert len(found) * FIVE_MS == minutes * 60_000
    assert (found[0].open, found[-1].close) == (D(100), D(101))
    assert (max(c.high for c in found), min(c.low for c in found)) == (D(104), D(97))
    assert all(one.close == other.open for one, other in zip(found, found[1:], strict=False))
