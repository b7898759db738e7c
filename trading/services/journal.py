"""The order journal: the only way an order changes state. Whoever gets True did it; everybody else did nothing."""

from collections.abc import Collection
from datetime import datetime
from decimal import Decimal
from typing import Any
from uuid import UUID, uuid5

from django.db import transaction

from neuratrade.lib.storable import text
from trading.errors import InvalidValueError
from trading.models import Decision, Order, OrderTransition
from trading.services import decisions, events
from trading.types import OrderState, Purpose

S = OrderState

_RESOLVED = frozenset({S.ACKED, S.PARTIAL, S.FILLED, S.CANCELED, S.REJECTED})

# SENDING may end ABORTED only while the sender itself knows that nothing left this machine.
# REJECTED after ACKED: a venue may refuse a stop when it triggers.
ALLOWED: dict[OrderState, frozenset[OrderState]] = {
    S.PROPOSED: frozenset({S.APPROVED, S.ABORTED}),
    S.APPROVED: frozenset({S.SENDING, S.ABORTED}),
    S.SENDING: _RESOLVED | {S.UNKNOWN, S.ABORTED},
    S.UNKNOWN: _RESOLVED | {S.NOT_PLACED},
    S.ACKED: frozenset({S.PARTIAL, S.FILLED, S.CANCELED, S.REJECTED}),
    S.PARTIAL: frozenset({S.FILLED, S.CANCELED}),
}
LONGEST_REASON = 300


def move(
    *,
    order_id: UUID | str,
    from_states: Collection[OrderState],
    to_state: OrderState,
    reason: str,
    at: datetime,
    **columns: Any,
) -> bool:
    """Moves an order and writes `columns`, its transition and its event in one transaction.

    False when the order is in none of `from_states`, or somebody moved it in between. Raises InvalidValueError for a step the
    state machine does not have.
    """
    for state in from_states:
        if to_state not in ALLOWED.get(state, frozenset()):
            raise InvalidValueError(f"an order never goes from {state} to {to_state}")
    reason = text(reason)
    with transaction.atomic():
        order = (
            Order.objects.select_related("instrument__venue", "decision")
            .filter(pk=order_id, state__in=[state.value for state in from_states])
            .first()
        )
        if order is None:
            return False
        version = order.version + 1
        moved = Order.objects.filter(pk=order.pk, state=order.state, version=order.version).update(
            state=to_state.value, version=version, changed_at=at, **columns
        )
        if moved != 1:
            return False
        OrderTransition.objects.create(
            order=order,
            version=version,
            from_state=order.state,
            to_state=to_state.value,
            reason=reason[:LONGEST_REASON],
            at=at,
        )
        events.append(
            kind=f"order.{to_state.value}",
            mode=order.mode,
            decision=order.decision,
            payload=payload_of(order, reason=reason, **columns),
            at=at,
        )
        _follow_decision(order, to_state=to_state, reason=reason, at=at)
    return True


def _follow_decision(order: Order, *, to_state: OrderState, reason: str, at: datetime) -> None:
    """A decision is executed once its entry has a fill, and failed once its entry ends without one."""
    if order.purpose != Purpose.ENTRY or order.decision is None:
        return
    status = Decision.Status
    if order.filled_base > 0:
        decisions.advance(
            decision_id=order.decision.pk, from_status=status.APPROVED, to_status=status.EXECUTED, at=at
        )
    elif to_state.is_terminal:
        decisions.advance(
            decision_id=order.decision.pk,
            from_status=status.APPROVED,
            to_status=status.FAILED,
            at=at,
            reason=f"the order ended as {to_state}: {reason}",
        )


def payload_of(order: Order, *, reason: str, **columns: Any) -> dict[str, Any]:
    """What an order's event says; `columns` are newer than the row."""
    return {
        "order": str(order.pk),
        "client_order_id": order.client_order_id,
        "venue_order_id": columns.get("venue_order_id", order.venue_order_id),
        "instrument": str(order.instrument),
        "purpose": order.purpose,
        "side": order.side,
        "type": order.type,
        "size_base": format(order.size_base, "f"),
        "filled_base": format(Decimal(columns.get("filled_base", order.filled_base)), "f"),
        "from": order.state,
        "reason": reason[:LONGEST_REASON],
    }


def client_order_id(*, order_id: UUID, leg: int) -> str:
    """The id an order carries to the venue: UUIDv5 of order and leg, so that it can be computed again from the journal."""
    return str(uuid5(order_id, str(leg)))
