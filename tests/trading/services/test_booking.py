"""Which fills are read, so that none is missed for good."""

from datetime import timedelta

import pytest

from tests.factories import AT, Desk
from tests.trading.services.test_ledger import book, make_fill, make_order
from trading.models import Fill, Order
from trading.services import booking
from trading.types import OrderState, Side

OVERLAP = timedelta(seconds=60)

pytestmark = pytest.mark.django_db


def test_a_fill_held_back_by_an_order_in_doubt_is_read_again_when_it_is_settled(desk: Desk) -> None:
    """A stranger's fill waits while an order is in doubt; meanwhile a later fill of ours is booked past it."""
    doubtful = make_order(
        desk, name="doubtful", side=Side.BUY, state=OrderState.UNKNOWN, venue_order_id="", sent_at=AT
    )
    make_order(desk, name="sell", side=Side.SELL, sent_at=AT)
    foreign, own = make_fill(1, Side.BUY, "1", "100"), make_fill(600, Side.SELL, "1", "100", order="sell")
    assert not book(desk, foreign)
    assert book(desk, own)
    end = AT + timedelta(seconds=630)
    Order.objects.filter(pk=doubtful.pk).update(state=OrderState.NOT_PLACED, changed_at=end)
    Order.objects.exclude(pk=doubtful.pk).update(state=OrderState.FILLED, sent_at=own.executed_at)

    later = end + timedelta(seconds=60)
    [(instrument, since)] = booking.fill_windows(account=desk.account(), overlap=OVERLAP, at=later)
    assert since <= foreign.executed_at
    assert book(desk, foreign, at=later)
    assert Fill.objects.get(trade_id="1").order is None
    assert instrument == desk.instrument()
