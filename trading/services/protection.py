"""Carries out what `trading.risk.protection` decides: proposes stops and exits, takes them back, keeps the clock of the unprotected.

It only writes intents: `guard_risk` signs them, the executor sends them. So it needs no Redis and no venue.
"""

import uuid
from datetime import datetime
from decimal import Decimal
from uuid import UUID

from django.db import transaction

from trading.errors import InvalidValueError
from trading.models import Account, DeskState, Event, Order, Position
from trading.risk.protection import Act, Guarded, GuardOrder, Step, decide, exit_side
from trading.services import cancels, events, journal, replanning
from trading.services.journal import client_order_id
from trading.types import (
    InstrumentSpec,
    OrderState,
    OrderType,
    Purpose,
    Side,
    TimeInForce,
    TradingState,
    round_down,
    round_up,
)

# How far below the best price an exit may fill. Wider than an entry's bound: a way out that does not fill is none.
EXIT_BAND_RATIO = Decimal("0.02")
LIQUIDATE_BAND_RATIO = Decimal("0.05")
_REMEMBERED = 12

_TERMINAL = [state.value for state in OrderState if state.is_terminal]
_UNSENT = (OrderState.PROPOSED, OrderState.APPROVED)
_FAILED = {OrderState.REJECTED.value, OrderState.ABORTED.value, OrderState.NOT_PLACED.value}
_PURPOSES = {Act.PROTECT: Purpose.PROTECT, Act.EXIT: Purpose.EXIT, Act.LIQUIDATE: Purpose.LIQUIDATE}


def desk_state(account: Account) -> DeskState | None:
    """The desk's state for an account; None before the first start."""
    return DeskState.objects.filter(operator=account.operator, mode=account.mode).first()


def open_positions(account: Account) -> list[Position]:
    """Positions with something in them, dust included."""
    rows = Position.objects.filter(account=account).select_related(
        "instrument__venue", "decision", "account__venue", "account__operator"
    )
    return [position for position in rows if position.size_base]


def care(
    *, position: Position, exit_price: Decimal | None, has_stop_orders: bool, at: datetime
) -> Step | None:
    """Takes the next step for one position; None while the desk is HALTED, when nothing may be sent.

    `exit_price` is the best price it could be sold at now (bought back, for a short); None when no fresh one is known.
    """
    state = desk_state(position.account)
    if state is not None and state.state == TradingState.HALTED:
        return None
    view = _view(
        position,
        exit_price=exit_price,
        has_stop_orders=has_stop_orders,
        is_liquidating=state is not None and state.is_liquidating,
        at=at,
    )
    step = decide(view)
    _keep_time(position, step=step, at=at)
    if step.act is Act.TAKE_BACK:
        take_back(order_ids=step.orders, reason=step.reason, at=at)
    elif step.act is not Act.HOLD:
        propose_exit(
            position=position,
            purpose=_PURPOSES[step.act],
            size_base=step.size_base,
            reason=step.reason,
            at=at,
            exit_price=exit_price,
        )
    elif step.is_dust:
        _report_dust(position, at=at)
    return step


def propose_exit(
    *,
    position: Position,
    purpose: Purpose,
    size_base: Decimal,
    reason: str,
    at: datetime,
    exit_price: Decimal | None = None,
) -> Order:
    """Writes a PROPOSED reduce-only order for `guard_risk` to sign: a stop (PROTECT), else an IOC bounded from `exit_price`."""
    if purpose is Purpose.ENTRY:
        raise InvalidValueError("an entry is never an exit")
    spec, side = position.instrument.spec, exit_side(position.size_base)
    if spec.max_size is not None:
        size_base = min(size_base, round_down(spec.max_size, step=spec.size_step))
    is_stop = purpose is Purpose.PROTECT
    if not is_stop and exit_price is None:
        raise InvalidValueError("an exit needs a price to bound it: no order is sent at any price")
    order_id = uuid.uuid4()
    with transaction.atomic():
        leg = _next_leg(position, purpose=purpose)
        order = Order.objects.create(
            id=order_id,
            decision=position.decision,
            account=position.account,
            instrument=position.instrument,
            leg=leg,
            purpose=purpose,
            reason=reason[:200],
            mode=position.account.mode,
            client_order_id=client_order_id(order_id=order_id, leg=leg),
            side=side,
            type=OrderType.STOP if is_stop else OrderType.MARKET,
            time_in_force=TimeInForce.GTC if is_stop else TimeInForce.IOC,
            size_base=size_base,
            price_bound=None
            if exit_price is None or is_stop
            else _bound(exit_price, side=side, purpose=purpose, spec=spec, size_base=size_base),
            stop_price=position.stop_price if is_stop else None,
            reduce_only=True,
            created_at=at,
            changed_at=at,
        )
        events.append(
            kind="order.proposed",
            mode=order.mode,
            decision=order.decision,
            payload=journal.payload_of(order, reason=reason),
            at=at,
        )
    return order


def take_back(*, order_ids: tuple[UUID, ...], reason: str, at: datetime) -> None:
    """Takes orders back: what was not sent is aborted, for what may rest at the venue a cancel is asked."""
    for order_id in order_ids:
        aborted = journal.move(
            order_id=order_id,
            from_states=_UNSENT,
            to_state=OrderState.ABORTED,
            reason=f"taken back: {reason}",
            at=at,
            cancel_requested_at=at,
        )
        if not aborted:
            cancels.request(order_id=order_id, reason=reason, at=at)


def _view(
    position: Position,
    *,
    exit_price: Decimal | None,
    has_stop_orders: bool,
    is_liquidating: bool,
    at: datetime,
) -> Guarded:
    mine = Order.objects.filter(
        account=position.account, instrument=position.instrument, reduce_only=True
    ).order_by("-created_at", "-pk")
    failures, failed_at = _failures(list(mine[:_REMEMBERED]))
    return Guarded(
        at=at,
        instrument=position.instrument.spec,
        size_base=position.size_base,
        stop_price=position.stop_price,
        target_price=position.target_price,
        close_by=position.close_by,
        unprotected_since=position.unprotected_since,
        exit_price=exit_price,
        has_stop_orders=has_stop_orders,
        is_liquidating=is_liquidating,
        orders=tuple(
            GuardOrder(
                id=order.pk,
                purpose=Purpose(order.purpose),
                state=OrderState(order.state),
                remaining_base=order.size_base - order.filled_base,
                stop_price=order.stop_price,
                is_cancel_asked=order.cancel_requested_at is not None,
            )
            for order in mine.exclude(state__in=_TERMINAL)
        ),
        failures=failures,
        failed_at=failed_at,
        leave_reason=replanning.leave_reason(position, at=at),
    )


def _failures(newest_first: list[Order]) -> tuple[int, datetime | None]:
    """How many of the last orders came to nothing in a row, and when the last did. What we took back ourselves ends the row."""
    failures = 0
    for order in newest_first:
        is_empty_exit = order.state == OrderState.CANCELED and order.purpose != Purpose.PROTECT
        if order.filled_base or order.cancel_requested_at or not (order.state in _FAILED or is_empty_exit):
            break
        failures += 1
    return failures, newest_first[0].changed_at if failures else None


def _keep_time(position: Position, *, step: Step, at: datetime) -> None:
    """Starts or stops the clock of a position without a working stop; one that starts later than now starts now."""
    rows = Position.objects.filter(pk=position.pk)
    if step.is_protected and position.unprotected_since is not None:
        rows.update(unprotected_since=None)
    elif not step.is_protected and (position.unprotected_since is None or position.unprotected_since > at):
        rows.update(unprotected_since=at)


def is_left_over(position: Position) -> bool:
    """True when nothing is held, or only a rest that cannot be sold: it is no reason not to trade the asset again."""
    return abs(position.size_base) < position.instrument.dust_base or is_reported_dust(position)


def is_reported_dust(position: Position) -> bool:
    """True when what is left was found too small for the venue to sell."""
    last = Event.objects.filter(kind="position.dust", payload__position=str(position.pk)).last()
    return last is not None and last.payload.get("size_base") == format(position.size_base, "f")


def _report_dust(position: Position, *, at: datetime) -> None:
    """Says once, per size, that something is left which is too small for the venue to sell."""
    if is_reported_dust(position):
        return
    with transaction.atomic():
        events.append(
            kind="position.dust",
            mode=position.account.mode,
            decision=position.decision,
            payload={
                "position": str(position.pk),
                "instrument": str(position.instrument),
                "size_base": format(position.size_base, "f"),
                "min_notional_quote": format(position.instrument.min_notional, "f"),
            },
            at=at,
        )


def _next_leg(position: Position, *, purpose: Purpose) -> int:
    if position.decision is None:
        return 0
    last = Order.objects.filter(decision=position.decision, purpose=purpose).order_by("-leg").first()
    return last.leg + 1 if last else 0


def _bound(
    exit_price: Decimal, *, side: Side, purpose: Purpose, spec: InstrumentSpec, size_base: Decimal
) -> Decimal:
    """The worst acceptable price, on the tick grid, never zero.

    A venue measures its least notional at this price (Binance, filter NOTIONAL), so a small sale gets a tighter bound.
    """
    band = LIQUIDATE_BAND_RATIO if purpose is Purpose.LIQUIDATE else EXIT_BAND_RATIO
    if side is Side.BUY:
        return round_up(exit_price * (1 + band), step=spec.price_tick)
    bound = max(round_down(exit_price * (1 - band), step=spec.price_tick), spec.price_tick)
    if size_base * bound >= spec.min_notional or size_base <= 0:
        return bound
    least = round_up(spec.min_notional / size_base, step=spec.price_tick)
    return max(bound, min(least, round_down(exit_price, step=spec.price_tick)))
