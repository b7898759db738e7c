"""A plan may only become stricter, and protection follows it."""

from datetime import timedelta
from decimal import Decimal

import pytest

from tests.factories import AT, Desk
from tests.trading.services import risk_desk
from trading.models import Event, Order, Position
from trading.risk.protection import Step
from trading.services import audit, protection, replanning
from trading.types import OrderState, Purpose

pytestmark = pytest.mark.django_db
D = Decimal
LATER = AT + timedelta(seconds=5)


@pytest.fixture
def position(desk: Desk) -> Position:
    return risk_desk.hold(desk)


def held() -> Position:
    return Position.objects.select_related(
        "instrument__venue", "decision", "account__venue", "account__operator"
    ).get()


def test_a_stop_moves_nearer_onto_the_tick_and_never_away(position: Position) -> None:
    before = held().stop_price
    assert before == D(49_000)
    assert replanning.tighten_stop(position=held(), stop_price=D("49500.001"), at=LATER)
    assert held().stop_price == D("49500.01")
    for wider in (D(49_400), D("49500.01"), D(0)):
        assert not replanning.tighten_stop(position=held(), stop_price=wider, at=LATER)
    assert held().stop_price == D("49500.01")
    event = Event.objects.get(kind=replanning.STOP_MOVED)
    assert (event.payload["old_stop_price"], event.payload["stop_price"]) == ("49000", "49500.01")
    audit.verify()


def test_a_stop_that_was_moved_elsewhere_in_between_is_left_alone(position: Position) -> None:
    stale = held()
    assert replanning.tighten_stop(position=stale, stop_price=D(49_500), at=LATER)
    assert not replanning.tighten_stop(position=stale, stop_price=D(49_600), at=LATER)
    assert held().stop_price == D(49_500)


def test_protection_replaces_a_stop_whose_price_has_moved(desk: Desk, position: Position) -> None:
    stop = risk_desk.order_row(desk, purpose=Purpose.PROTECT, state=OrderState.ACKED)

    def care() -> Step | None:
        return protection.care(position=held(), exit_price=D(50_000), has_stop_orders=True, at=LATER)

    step = care()
    assert step is not None
    assert step.is_protected
    replanning.tighten_stop(position=held(), stop_price=D(49_500), at=LATER)
    care()
    stop.refresh_from_db()
    assert stop.cancel_requested_at == LATER
    Order.objects.filter(pk=stop.pk).update(state=OrderState.CANCELED)
    care()
    new = Order.objects.get(purpose=Purpose.PROTECT, state=OrderState.PROPOSED)
    assert (new.stop_price, new.size_base) == (D(49_500), D("0.1"))


def test_a_plan_that_was_ended_is_left_for_its_reason(desk: Desk, position: Position) -> None:
    decision = risk_desk.reviewed(desk)
    Position.objects.update(decision=decision)
    assert replanning.leave(position=held(), reason=replanning.STRATEGY_LEAVES, at=LATER)
    assert not replanning.leave(position=held(), reason="again", at=LATER)
    assert held().close_by == LATER
    step = protection.care(position=held(), exit_price=D(50_000), has_stop_orders=True, at=LATER)
    assert step is not None
    assert step.reason == replanning.STRATEGY_LEAVES
    exit_order = Order.objects.get(purpose=Purpose.EXIT)
    assert exit_order.reason == replanning.STRATEGY_LEAVES
    audit.verify()


def test_what_is_not_held_cannot_be_left(position: Position) -> None:
    stale = held()
    Position.objects.update(size_base=D(0), opened_at=None)
    assert not replanning.leave(position=stale, reason="x", at=LATER)
    assert not Event.objects.filter(kind=replanning.LEAVE_ASKED).exists()
