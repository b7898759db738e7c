"""The order journal: the only way an order changes state. Whoever gets True did it; everybody else did nothing."""

from collections.abc import Collection
from datetime import datetime
from typing import Any
from uuid import UUID

from django.db import transaction

from trading.errors import InvalidValueError
from trading.models import Order, OrderTransition
from trading.services import events
from trading.types import OrderState

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
    with transaction.atomic():
        order = Order.objects.filter(pk=order_id, state__in=[state.value for state in from_states]).first()
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
            payload=_payload(order, reason=reason, columns=columns),
            at=at,
        )
    return True


def _payload(order: Order, *, reason: str, columns: dict[str, Any]) -> dict[str, Any]:
    return {
        "order": str(order.pk),
        "client_order_id": order.client_order_id,
        "venue_order_id": columns.get("venue_order_id", order.venue_order_id),
        "instrument": str(order.instrument),
        "purpose": order.purpose,
        "side": order.side,
        "type": order.type,
        "size_base": format(order.size_base, "f"),
        "filled_base": format(columns.get("filled_base", order.filled_base), "f"),
        "from": order.state,
        "reason": reason[:LONGEST_REASON],
    }
