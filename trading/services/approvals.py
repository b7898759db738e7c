"""Signs approvals, and consumes one in the executor's transaction. Every doubt is a no."""

import uuid
from dataclasses import asdict
from datetime import datetime
from decimal import Decimal
from uuid import UUID

from django.conf import settings
from django.db import IntegrityError, connection, transaction

from neuratrade.lib.clock import from_epoch_ms, to_epoch_ms
from trading.errors import ApprovalError, ConfigurationError
from trading.models import Approval, ApprovalUse, DeskState, Order, Position
from trading.risk.approval import (
    ENTRY_LIFETIME,
    PROTECTIVE_LIFETIME,
    OrderTerms,
    Terms,
    decimal_text,
    differences,
    encode,
    key_id_of,
    sign,
    verify,
)
from trading.risk.breakers import is_confirmed
from trading.risk.digest import digest
from trading.risk.limits import RiskLimits
from trading.services import events, keys, leases, snapshot
from trading.types import ZERO, Mode, OrderState, Purpose, Snapshot, TradingState

# The market may move this many times the slippage limit between approval and send.
_MOVE_ALLOWANCE = 3
_AT_VENUE = tuple(item.value for item in OrderState if item.may_rest_at_venue)


def issue(*, order: Order, seen: Snapshot, limits: RiskLimits, at: datetime) -> Approval:
    """Signs and stores the permission for `order`; call it in the transaction that makes the order APPROVED."""
    key = keys.signing_key()
    terms = _terms(order, seen=seen, limits=limits, at=at)
    payload = encode(terms)
    approval = Approval.objects.create(
        id=UUID(terms.approval_id),
        order=order,
        key_id=key_id_of(key.public_key()),
        payload=payload,
        signature=sign(payload, key=key),
        issued_at=from_epoch_ms(terms.issued_at_ms),
        expires_at=from_epoch_ms(terms.expires_at_ms),
    )
    events.append(
        kind="approval.signed",
        mode=order.mode,
        decision=order.decision,
        payload={
            "approval": terms.approval_id,
            "order": terms.order_id,
            "purpose": terms.purpose,
            "snapshot_hash": terms.snapshot_hash,
            "policy_hash": terms.policy_hash,
            "expires_at": approval.expires_at.isoformat(),
        },
        at=at,
    )
    return approval


def verify_and_consume(*, order_id: UUID | str, executor_lease: tuple[str, str, int], at: datetime) -> Terms:
    """What the order's approval permits, used up by this call. Call it in the transaction that journals SENDING.

    `executor_lease` is (name, owner, epoch). Raises ApprovalError whenever anything is not exactly as it was approved.
    """
    if not connection.in_atomic_block:
        raise transaction.TransactionManagementError(
            "an approval is consumed in the transaction that journals SENDING"
        )
    order = Order.objects.select_related("account__operator", "instrument__venue", "decision").get(
        pk=order_id
    )
    approval = order.approvals.order_by("-issued_at").first()
    if order.state != OrderState.APPROVED or approval is None:
        raise ApprovalError("the order has no approval that waits to be used")
    try:
        terms = verify(
            bytes(approval.payload),
            signature=bytes(approval.signature),
            key_id=approval.key_id,
            key=keys.public_key(),
        )
        installation = keys.installation_id()
    except ConfigurationError as error:
        raise ApprovalError(str(error)) from error
    _check_identity(terms, order=order, approval=approval, installation=installation)
    _check_time(terms, at=at)
    _check_lease(executor_lease, order=order, at=at)
    _check_desk(terms, order=order, at=at)
    _check_books(terms, order=order)
    _consume(approval, order=order, at=at)
    return terms


def lease_name(account_id: int) -> str:
    """The lease an executor holds on an account."""
    return f"account:{account_id}"


def _terms(order: Order, *, seen: Snapshot, limits: RiskLimits, at: datetime) -> Terms:
    lifetime = ENTRY_LIFETIME if order.purpose == Purpose.ENTRY else PROTECTIVE_LIFETIME
    cap = limits.max_leverage_ratio * seen.portfolio.equity
    return Terms(
        **asdict(_order_terms(order)),
        approval_id=str(uuid.uuid4()),
        installation_id=keys.installation_id(),
        breaker_epoch=seen.breaker_epoch,
        policy_hash=limits.policy_hash,
        snapshot_hash=digest(seen),
        snapshot_at_ms=to_epoch_ms(seen.at),
        skill_hash=order.decision.skill_hash if order.decision else "",
        reference_price=decimal_text(seen.quote.mid if seen.quote else None),
        max_deviation_bps=int(limits.max_slippage_bps) * _MOVE_ALLOWANCE,
        max_quote_age_ms=limits.max_quote_age_s * 1000,
        notional_cap_quote=decimal_text(_notional(order)),
        exposure_cap_quote=decimal_text(cap if order.purpose == Purpose.ENTRY else None),
        issued_at_ms=to_epoch_ms(at),
        expires_at_ms=to_epoch_ms(at + lifetime),
    )


def _order_terms(order: Order) -> OrderTerms:
    return OrderTerms(
        order_id=str(order.pk),
        client_order_id=order.client_order_id,
        decision_id=str(order.decision_id) if order.decision_id else "",
        leg=order.leg,
        purpose=order.purpose,
        mode=order.mode,
        account_id=order.account_id,
        venue=order.account.venue.name,
        symbol=order.instrument.symbol,
        side=order.side,
        type=order.type,
        time_in_force=order.time_in_force,
        size_base=decimal_text(order.size_base),
        price_bound=decimal_text(order.price_bound),
        stop_price=decimal_text(order.stop_price),
        target_price=decimal_text(order.target_price),
        close_by_ms=to_epoch_ms(order.close_by) if order.close_by else 0,
        reduce_only=int(order.reduce_only),
    )


def _notional(order: Order) -> Decimal:
    return order.size_base * (order.price_bound or order.stop_price or ZERO)


def _check_identity(terms: Terms, *, order: Order, approval: Approval, installation: str) -> None:
    wrong = differences(terms, _order_terms(order))
    if wrong:
        raise ApprovalError(f"the order is not the approved one: {', '.join(wrong)} differ")
    if terms.approval_id != str(approval.pk):
        raise ApprovalError("the approval's bytes belong to another approval")
    if terms.installation_id != installation:
        raise ApprovalError("the approval was given at another installation")
    desk_mode = Mode.PAPER if settings.MODE == Mode.PAPER else Mode.LIVE
    if not terms.mode == order.account.mode == desk_mode:
        raise ApprovalError(f"the approval is for {terms.mode}, the desk runs in {settings.MODE}")
    if order.instrument.venue_id != order.account.venue_id:
        raise ApprovalError("the instrument belongs to another venue than the account")


def _check_time(terms: Terms, *, at: datetime) -> None:
    now_ms = to_epoch_ms(at)
    if now_ms >= terms.expires_at_ms:
        raise ApprovalError("the approval has expired")
    if now_ms < terms.issued_at_ms:
        raise ApprovalError("the approval comes from the future: the clock went back")


def _check_lease(lease: tuple[str, str, int], *, order: Order, at: datetime) -> None:
    name, owner, epoch = lease
    if name != lease_name(order.account_id):
        raise ApprovalError("the executor's lease is for another account")
    if not leases.is_held(name=name, owner=owner, epoch=epoch, at=at):
        raise ApprovalError("the executor does not hold the account's lease any more")


def _check_desk(terms: Terms, *, order: Order, at: datetime) -> None:
    desk = (
        DeskState.objects.select_for_update()
        .filter(operator=order.account.operator, mode=order.account.mode)
        .first()
    )
    if desk is None or desk.state == TradingState.HALTED:
        raise ApprovalError("the desk is halted")
    if desk.breaker_epoch != terms.breaker_epoch:
        raise ApprovalError("the desk's state changed since the approval")
    if terms.purpose != Purpose.ENTRY:
        return
    if desk.state != TradingState.ACTIVE:
        raise ApprovalError(f"the desk is {desk.state}: only what reduces a position may be sent")
    if not is_confirmed(desk.ok_until, at=at):
        raise ApprovalError("the risk guard has not confirmed the breakers in time")


def _check_books(terms: Terms, *, order: Order) -> None:
    """The caps again, on what SQL knows now: two approvals given on one snapshot cannot both be used beyond them."""
    if terms.purpose == Purpose.ENTRY:
        exposure = _gross_exposure(order) + _notional(order)
        if _notional(order) > Decimal(terms.notional_cap_quote) or exposure > Decimal(
            terms.exposure_cap_quote
        ):
            raise ApprovalError("with this order the desk would stand above its exposure cap")
        return
    position = Position.objects.filter(account=order.account, instrument=order.instrument).first()
    held = abs(position.size_base) if position else ZERO
    resting = Order.objects.filter(
        account=order.account, instrument=order.instrument, reduce_only=True, state__in=_AT_VENUE
    ).exclude(pk=order.pk)
    leaving = sum((max(item.size_base - item.filled_base, ZERO) for item in resting), ZERO)
    if order.size_base + leaving > held:
        raise ApprovalError(
            f"the order would reduce more than is held: {order.size_base:f} and {leaving:f} under way of {held:f}"
        )


def _gross_exposure(order: Order) -> Decimal:
    """Positions at cost and entries at the venue at their bounds; what is in doubt counts as filled."""
    positions = Position.objects.filter(
        account__operator=order.account.operator, account__mode=order.account.mode
    )
    held = sum((abs(item.size_base) * item.average_cost for item in positions), ZERO)
    others = [
        item
        for item in snapshot.pending_entries(order.account)
        if item.pk != order.pk and item.state in _AT_VENUE
    ]
    return held + sum((max(item.size_base - item.filled_base, ZERO) * _price(item) for item in others), ZERO)


def _price(order: Order) -> Decimal:
    return order.price_bound or order.stop_price or ZERO


def _consume(approval: Approval, *, order: Order, at: datetime) -> None:
    try:
        with transaction.atomic():
            ApprovalUse.objects.create(approval=approval, used_at=at, notional_quote=_notional(order))
    except IntegrityError as error:
        raise ApprovalError("the approval was used before") from error
    events.append(
        kind="approval.used",
        mode=order.mode,
        decision=order.decision,
        payload={"approval": str(approval.pk), "order": str(order.pk)},
        at=at,
    )
