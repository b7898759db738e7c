"""Keeps a position's row in step with its lots, and says when one opens or closes."""

from datetime import datetime
from decimal import Decimal

from trading.accounting import fifo
from trading.models import Fill, Position
from trading.services import events
from trading.services.lots import Outcome
from trading.types import ZERO, Purpose


def follow(position: Position, *, fill: Fill, outcome: Outcome, at: datetime) -> None:
    """Writes the position after `fill` was booked; call it in the booking's transaction. Clears the plan when the position closes.

    A fee in the base asset leaves a rest below the venue's smallest size after most sales. A position of no more than that
    is closed: its plan must not become the next entry's.
    """
    before, size = position.size_base, outcome.size_base or ZERO
    is_turned = before * size < 0
    is_left = abs(size) < position.instrument.dust_base
    if position.opened_at is not None and (not size or is_turned or is_left):
        _close(position, realised_pnl=outcome.realised_pnl, at=at)
    position.size_base = size
    position.average_cost = outcome.average_cost
    position.realised_pnl = outcome.realised_pnl
    position.changed_at = at
    if outcome.opened_by is not None:
        opening = Fill.objects.select_related("order__decision").get(pk=outcome.opened_by)
        if position.opened_at is None:
            _open(position, opening=opening, at=at)
        elif opening.executed_at != position.opened_at:
            _begin_earlier(position, opening=opening)
    if position.opened_at is not None and abs(size) > abs(before) > 0:
        _add(position, fill=fill, before=before, at=at)
    position.save()


def _add(position: Position, *, fill: Fill, before: Decimal, at: datetime) -> None:
    """Another decision's entry on top: the safer of both plans holds; on top of what is too little to sell, the new one."""
    order = fill.order
    assert order is not None, "only fills of our orders move a position"
    if order.purpose != Purpose.ENTRY or order.decision_id == position.decision_id:
        return
    if abs(before) * fill.price < position.instrument.min_notional:
        _close(position, realised_pnl=position.realised_pnl, at=at)
        _open(position, opening=fill, at=at)
        return
    nearer, sooner = (max, min) if position.size_base > 0 else (min, max)
    position.stop_price = nearer(filter(None, (position.stop_price, order.stop_price)), default=None)
    position.target_price = sooner(filter(None, (position.target_price, order.target_price)), default=None)
    position.close_by = min(filter(None, (position.close_by, order.close_by)), default=None)


def _open(position: Position, *, opening: Fill, at: datetime) -> None:
    position.opened_at = opening.executed_at
    # Until protection says otherwise nothing stands between this position and the market.
    position.unprotected_since = at
    _take_plan(position, opening=opening)
    events.append(
        kind="position.opened",
        mode=position.account.mode,
        decision=position.decision,
        payload={
            **_names(position),
            "size_base": format(position.size_base, "f"),
            "average_cost": format(position.average_cost, "f"),
            "stop_price": _text(position.stop_price),
            "target_price": _text(position.target_price),
            "close_by": position.close_by.isoformat() if position.close_by else None,
        },
        at=at,
    )


def _begin_earlier(position: Position, *, opening: Fill) -> None:
    """A late fill showed that the position began before the fill we took for its first."""
    position.opened_at = opening.executed_at
    if opening.order is not None and opening.order.decision_id != position.decision_id:
        _take_plan(position, opening=opening)


def _take_plan(position: Position, *, opening: Fill) -> None:
    order = opening.order
    assert order is not None, "only fills of our orders move a position"
    is_entry = order.purpose == Purpose.ENTRY
    position.decision = order.decision
    position.stop_price = order.stop_price if is_entry else None
    position.target_price = order.target_price if is_entry else None
    position.close_by = order.close_by if is_entry else None


def _close(position: Position, *, realised_pnl: Decimal, at: datetime) -> None:
    pnl = fifo.total([realised_pnl, -position.realised_before])
    events.append(
        kind="position.closed",
        mode=position.account.mode,
        decision=position.decision,
        payload={
            **_names(position),
            "pnl": format(pnl, "f"),
            "opened_at": position.opened_at.isoformat() if position.opened_at else None,
        },
        at=at,
    )
    position.realised_before = realised_pnl
    position.decision = None
    position.opened_at = position.unprotected_since = position.close_by = None
    position.stop_price = position.target_price = None


def _names(position: Position) -> dict[str, str]:
    return {
        "position": str(position.pk),
        "venue": position.account.venue.name,
        "symbol": position.instrument.symbol,
        "quote": position.instrument.quote,
    }


def _text(value: Decimal | None) -> str | None:
    return None if value is None else format(value, "f")
