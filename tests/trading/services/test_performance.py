"""Realised results from booked fills."""

from datetime import timedelta
from decimal import Decimal

import pytest

from tests.factories import AT, Desk
from tests.trading.services.test_ledger import book, make_fill, make_order
from trading.errors import ConfigurationError
from trading.models import Instrument
from trading.services import performance
from trading.types import Side

HOUR = 3600


def _trade(desk: Desk, *, first: int, bought: str, sold: str, second: int) -> None:
    book(desk, make_fill(first, Side.BUY, "1", bought, order="buy", second=second))
    book(desk, make_fill(first + 1, Side.SELL, "0.5", sold, order="sell", second=second + 1))
    book(desk, make_fill(first + 2, Side.SELL, "0.5", sold, order="sell", second=second + 2))


@pytest.fixture
def traded(desk: Desk) -> Desk:
    """A loss yesterday, then today a win, a break-even and a loss; AT is noon."""
    make_order(desk, name="buy", side=Side.BUY)
    make_order(desk, name="sell", side=Side.SELL)
    _trade(desk, first=1, bought="100", sold="90", second=-20 * HOUR)
    _trade(desk, first=11, bought="100", sold="103", second=-3 * HOUR)
    _trade(desk, first=21, bought="100", sold="95", second=-2 * HOUR)
    _trade(desk, first=31, bought="100", sold="100.001", second=-HOUR)
    _trade(desk, first=41, bought="100", sold="99", second=-HOUR // 2)
    return desk


def test_the_day_starts_at_midnight_utc_and_ends_at_the_asked_time(traded: Desk) -> None:
    def pnl(**back: int) -> Decimal:
        return performance.daily_realised_pnl(
            operator=traded.operator, mode="paper", at=AT - timedelta(**back)
        )

    assert pnl() == Decimal("-2.999")
    assert pnl(hours=2, minutes=30) == Decimal(3)
    assert pnl(hours=10) == 0
    assert pnl(hours=18) == Decimal(-10)


def test_losses_in_a_row_pass_over_break_even(traded: Desk) -> None:
    def losses(**back: int) -> int:
        return performance.consecutive_losses(
            operator=traded.operator, mode="paper", at=AT - timedelta(**back)
        )

    assert losses() == 2
    assert losses(hours=2, minutes=59, seconds=50) == 0
    assert losses(hours=5) == 1


def test_a_partial_exit_is_not_yet_a_trip(traded: Desk) -> None:
    book(traded, make_fill(51, Side.BUY, "1", "100", order="buy", second=-60))
    book(traded, make_fill(52, Side.SELL, "0.5", "10", order="sell", second=-50))
    assert performance.consecutive_losses(operator=traded.operator, mode="paper", at=AT) == 2


def test_a_position_open_at_the_windows_start_ends_as_a_trip(traded: Desk) -> None:
    trips = performance.round_trips(
        operator=traded.operator, mode="paper", since=AT - timedelta(seconds=HOUR // 2 - 2), until=AT
    )
    assert [trip.pnl for trip in trips] == [Decimal("-0.5")]


def test_figures_over_a_window(traded: Desk) -> None:
    figures = performance.measure(
        operator=traded.operator, mode="paper", since=AT - timedelta(days=2), until=AT
    )
    assert (figures.trips, figures.wins, figures.losses) == (5, 1, 3)
    assert figures.realised_pnl == Decimal("-12.999")
    assert figures.profit_factor == Decimal(3) / Decimal(16)


def test_other_modes_are_another_book(traded: Desk) -> None:
    assert performance.daily_realised_pnl(operator=traded.operator, mode="live", at=AT) == 0
    assert performance.consecutive_losses(operator=traded.operator, mode="live", at=AT) == 0


def test_a_quote_that_is_no_reporting_currency_is_refused(traded: Desk) -> None:
    Instrument.objects.update(quote="EUR")
    with pytest.raises(ConfigurationError, match="EUR cannot be counted in USD"):
        performance.daily_realised_pnl(operator=traded.operator, mode="paper", at=AT)
