"""Asks for an order to be canceled. Only the executor talks to the venue; this leaves the wish in its row and wakes it."""

import logging
from datetime import datetime
from uuid import UUID

import redis
from django.db import transaction

from neuratrade.lib import redis as bus
from trading.models import Order
from trading.services import events
from trading.types import OrderState

log = logging.getLogger(__name__)

_MAY_REST = [state.value for state in OrderState if state.may_rest_at_venue]


def request(*, order_id: UUID | str, reason: str, at: datetime) -> bool:
    """True if this call left the wish; False when somebody had before, or nothing rests at the venue any more."""
    with transaction.atomic():
        wished = Order.objects.filter(pk=order_id, state__in=_MAY_REST, cancel_requested_at=None).update(
            cancel_requested_at=at
        )
        if wished != 1:
            return False
        order = Order.objects.get(pk=order_id)
        events.append(
            kind="order.cancel_requested",
            mode=order.mode,
            decision=order.decision,
            payload={"order": str(order.pk), "client_order_id": order.client_order_id, "reason": reason},
            at=at,
        )
        transaction.on_commit(wake_executor)
    return True


def wake_executor() -> None:
    """A hint that something waits in SQL; the executor looks there anyway, only later."""
    try:
        bus.publish(bus.WAKE_EXECUTOR, "{}")
    except redis.RedisError as error:
        log.warning("the executor was not woken, it will poll: %s", error)
