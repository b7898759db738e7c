"""The order journal: states move along the machine's edges only, once each, with a transition and an event."""

import uuid
from datetime import timedelta
from decimal import Decimal

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from tests.factories import AT, Desk
from trading.errors import InvalidValueError
from trading.models import Decision, Event, Order
from trading.services import journal
from trading.types import OrderState

pytestmark = pytest.mark.postgres

S = OrderState


def make_order(desk: Desk, *, state: OrderState = S.PROPOSED, purpose: str = "entry", **columns) -> Order:
    decision = Decision.objects.create(
        operator=desk.operator,
        instrument=desk.instrument(),
        account=desk.account(),
        mode="paper",
        status=Decision.Status.APPROVED,
        source="test",
        opened_at=AT,
        changed_at=AT,
    )
    return Order.objects.create(
        decision=decision,
        account=desk.account(),
        instrument=desk.instrument(),
        purpose=purpose,
        mode="paper",
        client_order_id=str(uuid.uuid4()),
        side="buy",
        type="market",
        time_in_force="ioc",
        size_base=Decimal(1),
        price_bound=Decimal(100),
        state=state,
        created_at=AT,
        changed_at=AT,
        **columns,
    )


def test_a_move_writes_state_transition_and_event_together(desk: Desk):
    order = make_order(desk, state=S.APPROVED)
    assert journal.move(
        order_id=order.pk, from_states=(S.APPROVED,), to_state=S.SENDING, reason="used", at=AT, sent_at=AT
    )
    order.refresh_from_db()
    assert (order.state, order.version, order.sent_at) == (S.SENDING, 1, AT)
    transition = order.transitions.get()
    assert (transition.from_state, transition.to_state, transition.reason) == ("approved", "sending", "used")
    event = Event.objects.get(kind="order.sending")
    assert event.payload["order"] == str(order.pk)


def test_the_second_mover_does_nothing(desk: Desk):
    order = make_order(desk, state=S.UNKNOWN)

    def resolve(state: OrderState) -> bool:
        return journal.move(order_id=order.pk, from_states=(S.UNKNOWN,), to_state=state, reason="", at=AT)

    assert resolve(S.ACKED)
    assert not resolve(S.NOT_PLACED)
    order.refresh_from_db()
    assert order.state == S.ACKED
    assert order.transitions.count() == 1


@pytest.mark.parametrize(
    ("before", "after"),
    [(S.ACKED, S.NOT_PLACED), (S.FILLED, S.CANCELED), (S.UNKNOWN, S.ABORTED), (S.PROPOSED, S.SENDING)],
)
def test_the_machine_has_no_such_edge(desk: Desk, before: OrderState, after: OrderState):
    order = make_order(desk, state=before)
    with pytest.raises(InvalidValueError):
        journal.move(order_id=order.pk, from_states=(before,), to_state=after, reason="", at=AT)
    order.refresh_from_db()
    assert order.state == before


def test_terminal_states_have_no_way_out():
    for state in S:
        assert bool(journal.ALLOWED.get(state)) is not state.is_terminal


@pytest.mark.parametrize(
    ("filled", "state", "status"),
    [("0", S.REJECTED, "failed"), ("0.5", S.CANCELED, "executed"), ("1", S.FILLED, "executed")],
)
def test_the_decision_follows_its_entry(desk: Desk, filled: str, state: OrderState, status: str):
    order = make_order(desk, state=S.ACKED, filled_base=Decimal(filled))
    journal.move(order_id=order.pk, from_states=(S.ACKED,), to_state=state, reason="venue", at=AT)
    assert Decision.objects.get(pk=order.decision_id).status == status


def test_the_client_order_id_can_be_computed_again():
    order_id = uuid.uuid4()
    first = journal.client_order_id(order_id=order_id, leg=0)
    assert first == journal.client_order_id(order_id=order_id, leg=0)
    assert first != journal.client_order_id(order_id=order_id, leg=1)
    assert uuid.UUID(first).version == 5
    assert len(first) == 36


@settings(max_examples=40, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(steps=st.lists(st.tuples(st.sampled_from(S), st.sampled_from(S)), max_size=20))
def test_any_sequence_of_moves_leaves_a_connected_history(desk: Desk, steps):
    order = make_order(desk)
    for number, (before, after) in enumerate(steps):
        try:
            journal.move(
                order_id=order.pk,
                from_states=(before,),
                to_state=after,
                reason="",
                at=AT + timedelta(seconds=number),
            )
        except InvalidValueError:
            assert after not in journal.ALLOWED.get(before, frozenset())
    order.refresh_from_db()
    history = list(order.transitions.order_by("version"))
    assert [transition.version for transition in history] == list(range(1, order.version + 1))
    states = [S.PROPOSED.value, *[transition.to_state for transition in history]]
    assert [transition.from_state for transition in history] == states[:-1]
    assert order.state == states[-1]
    for before, after in zip(states, states[1:], strict=False):
        assert S(after) in journal.ALLOWED[S(before)]
