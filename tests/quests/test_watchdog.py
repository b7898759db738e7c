from dataclasses import dataclass
from datetime import datetime, timedelta

from hypothesis import given
from hypothesis import strategies as st

from neuratrade.lib.plugins import discover
from quests.watchdog import Latch, Watchdog
from tests.quests.samples import START, candle, quote
from trading.types import Candle


@dataclass(frozen=True)
class PriceGauge:
    def on_price(self, price: float, *, at: datetime) -> float | None:
        return price

    def on_candle(self, candle: Candle) -> float | None:
        return None


@dataclass(frozen=True)
class Below:
    """Fires at 90, comes back at 95, rests a minute."""

    name: str = "below"
    quest: str = "weigh_setup"
    skill_name: str = "mean-reversion"
    unit: str = "price"
    fire_at: float = 90.0
    rearm_at: float = 95.0
    cooldown_s: int = 60

    def gauge(self) -> PriceGauge:
        return PriceGauge()


def run(prices: list[float], *, step_s: float = 1.0) -> tuple[Watchdog, list[int]]:
    """The watchdog after the prices, and at which of them it fired."""
    watchdog, fired = Watchdog(triggers={"below": Below()}), []
    for index, price in enumerate(prices):
        at = START + timedelta(seconds=index * step_s)
        if watchdog.on_quote(quote(price, at=at), at=at):
            fired.append(index)
    return watchdog, fired


def test_fires_once_while_the_price_dances_around_the_threshold() -> None:
    watchdog, fired = run([100, 90, 91, 89.9, 92, 88, 94.9, 89])
    assert fired == [1]
    assert watchdog.stats.wakes == 1
    assert watchdog.stats.updates == 8


def test_fires_again_after_it_came_back_and_the_cooldown_passed() -> None:
    assert run([90, 96, 90], step_s=60)[1] == [0, 2]


def test_a_return_within_the_cooldown_is_suppressed_and_counted() -> None:
    watchdog, fired = run([90, 96, 90, 89, 96, 90])
    assert fired == [0]
    assert watchdog.stats.suppressed == 2


def test_each_instrument_has_its_own_latch() -> None:
    watchdog = Watchdog(triggers={"below": Below()})
    assert len(watchdog.on_quote(quote(80, at=START), at=START)) == 1
    assert len(watchdog.on_quote(quote(80, at=START, venue="kraken"), at=START)) == 1
    assert watchdog.on_quote(quote(80, at=START), at=START) == ()


def test_what_fired_says_what_was_seen() -> None:
    watchdog = Watchdog(triggers={"below": Below()})
    (fired,) = watchdog.on_quote(quote(80, at=START), at=START)
    assert fired.as_facts() == {
        "trigger": "below",
        "skill_name": "mean-reversion",
        "venue": "binance",
        "symbol": "BTC/USDT",
        "value": 80.0,
        "threshold": 90.0,
        "unit": "price",
        "at": START.isoformat(),
    }


def test_a_large_move_that_woke_nobody_counts_as_missed() -> None:
    watchdog, fired = run([100, 100.5, 101.6, 101.7])
    assert fired == []
    assert watchdog.stats.missed == 1


def test_a_large_move_after_a_wake_is_not_missed() -> None:
    watchdog, fired = run([90, 92, 94])
    assert fired == [0]
    assert watchdog.stats.missed == 0


def test_what_happened_before_the_start_fires_nothing() -> None:
    watchdog = Watchdog(triggers=discover("quests.triggers", "TRIGGER"))
    falling = [candle(i, 100 - i * 0.1, open_=100.1 - i * 0.1) for i in range(40)]
    watchdog.prime(falling, venue="binance", symbol="BTC/USDT")
    at = START + timedelta(minutes=41)
    assert watchdog.on_quote(quote(96, at=at), at=at) == ()
    assert watchdog.stats.wakes == 0


@given(
    values=st.lists(st.floats(min_value=-10, max_value=10), max_size=200),
    gaps=st.lists(st.integers(min_value=0, max_value=30), min_size=200, max_size=200),
    thresholds=st.tuples(st.floats(-5, 5), st.floats(-5, 5)).filter(lambda pair: pair[0] != pair[1]),
)
def test_a_latch_never_fires_twice_without_a_return_and_a_cooldown(
    values: list[float], gaps: list[int], thresholds: tuple[float, float]
) -> None:
    fire_at, rearm_at = thresholds
    cooldown = timedelta(seconds=20)
    latch = Latch(fire_at, rearm_at, cooldown)
    at, last, came_back = START, None, True
    for value, gap in zip(values, gaps, strict=False):
        at += timedelta(seconds=gap)
        if latch.fires(value, at=at):
            assert latch.is_beyond(value)
            assert came_back
            assert last is None or at - last >= cooldown
            last, came_back = at, False
        elif latch.is_back(value):
            came_back = True


@given(prices=st.lists(st.floats(min_value=50, max_value=150), min_size=1, max_size=150))
def test_wakes_are_bounded_by_the_cooldown_whatever_the_prices_do(prices: list[float]) -> None:
    watchdog, fired = run(prices)
    assert len(fired) <= 1 + len(prices) // 60
    assert watchdog.stats.updates == len(prices)
