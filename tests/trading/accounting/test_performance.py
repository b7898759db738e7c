"""Figures over closed round trips."""

from datetime import UTC, datetime, timedelta
from decimal import Decimal

from hypothesis import given
from hypothesis import strategies as st

from trading.accounting.performance import (
    RoundTrip,
    Step,
    consecutive_losses,
    max_drawdown,
    max_drawdown_ratio,
    measure,
    round_trips,
)
from trading.types import ZERO

START = datetime(2026, 11, 20, 12, 0, tzinfo=UTC)


def _trip(pnl: str, *, minute: int = 0, turnover: str = "1000") -> RoundTrip:
    at = START + timedelta(minutes=minute)
    return RoundTrip(opened_at=at, closed_at=at, pnl=Decimal(pnl), turnover=Decimal(turnover))


def _step(minute: int, base: str, pnl: str = "0") -> Step:
    return Step(
        base=Decimal(base), pnl=Decimal(pnl), turnover=Decimal(100), at=START + timedelta(minutes=minute)
    )


def test_partial_exits_are_one_trip() -> None:
    trips = round_trips([_step(0, "2"), _step(1, "-1", "5"), _step(2, "-1", "-8"), _step(3, "1")])
    assert [(trip.pnl, trip.opened_at, trip.closed_at, trip.turnover) for trip in trips] == [
        (Decimal(-3), START, START + timedelta(minutes=2), Decimal(300))
    ]


def test_a_turn_from_long_to_short_closes_one_trip_and_opens_the_next() -> None:
    trips = round_trips([_step(0, "1"), _step(1, "-3", "4"), _step(2, "2", "-1")])
    assert [trip.pnl for trip in trips] == [Decimal(4), Decimal(-1)]
    assert trips[1].opened_at == START + timedelta(minutes=1)


def test_a_trip_under_way_at_the_start_ends_where_it_gets_flat() -> None:
    assert [t.pnl for t in round_trips([_step(0, "-1", "7")], start_base=Decimal(1))] == [Decimal(7)]


def test_break_even_neither_counts_nor_ends_a_row_of_losses() -> None:
    assert (
        consecutive_losses(
            [_trip("5"), _trip("-5", minute=1), _trip("0.05", minute=2), _trip("-5", minute=3)]
        )
        == 2
    )
    assert consecutive_losses([_trip("-5"), _trip("5", minute=1)]) == 0
    assert consecutive_losses([_trip("-0.1")]) == 0
    assert consecutive_losses([_trip("-0.11")]) == 1


def test_drawdown_is_the_deepest_fall_below_an_earlier_peak() -> None:
    curve = [Decimal(value) for value in (100, 120, 90, 130, 110)]
    assert max_drawdown(curve) == Decimal(30)
    assert max_drawdown_ratio(curve) == Decimal("0.25")
    assert max_drawdown([]) == max_drawdown_ratio([ZERO, ZERO]) == ZERO


def test_figures_of_a_mixed_series() -> None:
    figures = measure([_trip("30"), _trip("-10", minute=1), _trip("-5", minute=2), _trip("0", minute=3)])
    assert (figures.trips, figures.wins, figures.losses) == (4, 1, 2)
    assert figures.win_rate_ratio == Decimal(1) / 3
    assert figures.profit_factor == Decimal(2)
    assert figures.max_drawdown == Decimal(15)
    assert figures.consecutive_losses == 2


def test_without_trades_ratios_are_unknown() -> None:
    figures = measure([])
    assert figures.win_rate_ratio is None
    assert figures.profit_factor is None


@given(st.lists(st.tuples(st.integers(-5, 5).filter(bool), st.integers(-100, 100)), max_size=40))
def test_every_pnl_is_in_exactly_one_trip_or_still_open(raw: list[tuple[int, int]]) -> None:
    steps = [_step(minute, str(base), str(pnl)) for minute, (base, pnl) in enumerate(raw)]
    back = -sum(base for base, _ in raw)
    if back:
        steps.append(_step(len(raw), str(back)))
    assert sum((trip.pnl for trip in round_trips(steps)), ZERO) == sum(pnl for _, pnl in raw)


def test_a_rest_too_small_to_sell_does_not_keep_a_trip_open():
    """Buy 1, pay 0.001 of it as fee, sell 0.99: without the dust size three losses would never be counted."""
    steps = []
    for trip in range(3):
        steps += [_step(2 * trip, "0.999"), _step(2 * trip + 1, "-0.99", "-5")]
    assert round_trips(steps) == []
    trips = round_trips(steps, dust_base=Decimal("0.1"))
    assert [trip.pnl for trip in trips] == [Decimal(-5)] * 3
    assert consecutive_losses(trips) == 3
