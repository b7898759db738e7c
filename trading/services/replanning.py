"""What may change about a position's plan while it is held: leave now, or a nearer stop. Never a wider one, never a later end.

It only writes the plan; protection carries it out at its next look, by the usual way: the old stop is taken back first.
"""

from datetime import datetime
from decimal import Decimal
from uuid import UUID

from django.db import transaction
from django.db.models import Q

from trading.models import Event, Position
from trading.risk.digest import number
from trading.services import events
from trading.types import round_down, round_up

LEAVE_ASKED = "position.leave_asked"
STOP_MOVED = "position.stop_moved"
LONGEST_REASON = 160
# The reason to give `leave` when a strategy's exit signal is the cause.
STRATEGY_LEAVES = "the strategy says leave"


def leave(*, position: Position, reason: str, at: datetime) -> bool:
    """Ends the position's plan at `at` for `reason`; False when nothing is held any more, or its time was up already."""
    with transaction.atomic():
        held = Position.objects.filter(pk=position.pk, opened_at=position.opened_at).exclude(opened_at=None)
        if held.filter(Q(close_by=None) | Q(close_by__gt=at)).update(close_by=at) != 1:
            return False
        _tell(position, kind=LEAVE_ASKED, at=at, reason=reason[:LONGEST_REASON])
    return True


def tighten_stop(*, position: Position, stop_price: Decimal, at: datetime) -> bool:
    """Moves the position's stop nearer to the market, onto the tick; False when it is no nearer, or the position changed."""
    old, tick = position.stop_price, position.instrument.price_tick
    if old is None or not position.size_base:
        return False
    is_long = position.size_base > 0
    new = round_up(stop_price, step=tick) if is_long else round_down(stop_price, step=tick)
    if new <= 0 or (new <= old if is_long else new >= old):
        return False
    with transaction.atomic():
        held = Position.objects.filter(pk=position.pk, opened_at=position.opened_at, stop_price=old)
        if held.update(stop_price=new) != 1:
            return False
        _tell(position, kind=STOP_MOVED, at=at, old_stop_price=number(old), stop_price=number(new))
    return True


def leave_reason(position: Position, *, at: datetime) -> str:
    """Why the plan of `position` was ended early; empty when it was not."""
    if position.close_by is None or position.close_by > at or position.decision_id is None:
        return ""
    asked = Event.objects.filter(kind=LEAVE_ASKED, decision=position.decision_id).last()
    return "" if asked is None else str(asked.payload["reason"])


def was_stop_moved(decision_id: UUID) -> bool:
    """Whether the stop of the decision's position was ever moved."""
    return Event.objects.filter(kind=STOP_MOVED, decision=decision_id).exists()


def _tell(position: Position, *, kind: str, at: datetime, **details: str) -> None:
    events.append(
        kind=kind,
        mode=position.account.mode,
        decision=position.decision,
        payload={"position": str(position.pk), "instrument": str(position.instrument), **details},
        at=at,
    )
