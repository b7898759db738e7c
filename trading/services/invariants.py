"""What must always be true of the books. A violation means a bug, tampering or a lost message: stop and look."""

from collections.abc import Callable, Iterator
from dataclasses import dataclass
from datetime import datetime, timedelta
from decimal import Decimal

from django.db.models import Count, F, Q

from trading.accounting import fifo
from trading.errors import ApprovalError
from trading.models import Account, ApprovalUse, Fill, Instrument, Lot, Order, Position
from trading.risk.approval import decimal_text, decode
from trading.services import audit, lots
from trading.types import ZERO, Mode, OrderState

# An open position may stand without a stop this long; protection closes it well before (reliability.md, invariant I7).
UNPROTECTED_LIMIT = timedelta(seconds=60)

# States that an order reaches only after it was sent.
_SENT = (
    OrderState.SENDING,
    OrderState.ACKED,
    OrderState.UNKNOWN,
    OrderState.PARTIAL,
    OrderState.FILLED,
    OrderState.REJECTED,
    OrderState.NOT_PLACED,
)


@dataclass(frozen=True, slots=True, kw_only=True)
class Violation:
    """`name` is the broken invariant, `message` one line with the row and both numbers."""

    name: str
    message: str


def check(*, at: datetime) -> list[Violation]:
    """Every violation found, in the order of the invariants; empty when the books are right. Reads all rows, changes none."""
    return [
        Violation(name=name, message=message)
        for name, invariant in _INVARIANTS.items()
        for message in invariant(at)
    ]


def names() -> tuple[str, ...]:
    """The invariants that `check` looks at."""
    return tuple(_INVARIANTS)


def _positions_equal_fills(at: datetime) -> Iterator[str]:
    for account, instrument in _markets():
        book = lots.replayed(account=account, instrument=instrument)
        position = Position.objects.filter(account=account, instrument=instrument).first()
        size = position.size_base if position else ZERO
        pnl = position.realised_pnl if position else ZERO
        if size != book.size_base:
            yield f"{account} {instrument.symbol}: position {size}, its fills give {book.size_base}"
        if pnl != book.realised_pnl:
            yield f"{account} {instrument.symbol}: realised PnL {pnl}, its fills give {book.realised_pnl}"


def _lots_equal_positions(at: datetime) -> Iterator[str]:
    for position in Position.objects.select_related("account__venue", "instrument__venue"):
        rows = Lot.objects.filter(account=position.account, instrument=position.instrument)
        left = fifo.total(rows.values_list("remaining_base", flat=True))
        if left != position.size_base:
            yield f"{position.instrument}: position {position.size_base}, its lots hold {left}"


def _closures_equal_lots(at: datetime) -> Iterator[str]:
    """No lot is used twice: what its closures took and what remains make up the lot."""
    for lot in Lot.objects.prefetch_related("closures").iterator(chunk_size=2_000):
        closed = fifo.total(closure.size_base for closure in lot.closures.all())
        if fifo.total([closed, abs(lot.remaining_base)]) != abs(lot.size_base):
            yield f"lot {lot.pk}: size {lot.size_base}, closed {closed}, remaining {lot.remaining_base}"


def _postings_equal_fills(at: datetime) -> Iterator[str]:
    """Money moves only by fills, fees and flows: what a fill says is what was posted for it."""
    for fill in (
        Fill.objects.select_related("instrument").prefetch_related("posting_set").iterator(chunk_size=2_000)
    ):
        sign = 1 if fill.side == "buy" else -1
        value = fifo.product(fill.size_base, fill.price)
        expected: dict[str, Decimal] = {}
        for asset, amount in (
            (fill.instrument.base, sign * fill.size_base),
            (fill.instrument.quote, -sign * value),
            (fill.fee_asset, -fill.fee),
        ):
            expected[asset] = fifo.total([expected.get(asset, ZERO), amount])
        posted: dict[str, Decimal] = {}
        for posting in fill.posting_set.all():
            posted[posting.asset] = fifo.total([posted.get(posting.asset, ZERO), posting.amount])
        if {k: v for k, v in expected.items() if v} != {k: v for k, v in posted.items() if v}:
            yield f"trade {fill.trade_id}: posted {_amounts(posted)}, the fill says {_amounts(expected)}"


def _orders_equal_fills(at: datetime) -> Iterator[str]:
    orders = Order.objects.filter(Q(fills__isnull=False) | ~Q(filled_base=ZERO)).distinct()
    for order in orders.prefetch_related("fills").iterator(chunk_size=2_000):
        booked = fifo.total(fill.size_base for fill in order.fills.all())
        if booked != order.filled_base:
            yield f"order {order.pk}: filled {order.filled_base}, its fills give {booked}"
        if booked > order.size_base:
            yield f"order {order.pk}: fills of {booked} exceed its size {order.size_base}"


def _sent_orders_are_approved(at: datetime) -> Iterator[str]:
    sent = Order.objects.filter(Q(state__in=_SENT) | Q(sent_at__isnull=False))
    used = sent.annotate(uses=Count("approvals__use"))
    for order in used.exclude(uses=1):
        yield f"order {order.pk} ({order.state}) was sent on {order.uses} consumed approvals instead of one"


def _approvals_cover_orders(at: datetime) -> Iterator[str]:
    uses = ApprovalUse.objects.select_related("approval__order__instrument")
    for use in uses.iterator(chunk_size=2_000):
        approval, order = use.approval, use.approval.order
        if not approval.issued_at <= use.used_at <= approval.expires_at:
            yield f"approval {approval.pk} was used at {use.used_at:%H:%M:%S}, outside its time"
        try:
            terms = decode(bytes(approval.payload))
        except ApprovalError as error:
            yield f"approval {approval.pk}: {error}"
            continue
        for name, value in _signed_spelling(order).items():
            if getattr(terms, name) != value:
                yield f"order {order.pk}: its {name} is {value}, approval {approval.pk} permits {getattr(terms, name)}"


def _signed_spelling(order: Order) -> dict[str, str | int]:
    """The order's fields as an approval spells them."""
    return {
        "order_id": str(order.pk),
        "client_order_id": order.client_order_id,
        "purpose": order.purpose,
        "mode": order.mode,
        "account_id": order.account_id,
        "symbol": order.instrument.symbol,
        "side": order.side,
        "type": order.type,
        "time_in_force": order.time_in_force,
        "size_base": decimal_text(order.size_base),
        "price_bound": decimal_text(order.price_bound),
        "stop_price": decimal_text(order.stop_price),
        "reduce_only": int(order.reduce_only),
    }


def _client_ids_are_unique(at: datetime) -> Iterator[str]:
    doubles = Order.objects.values("client_order_id").annotate(found=Count("id")).filter(found__gt=1)
    for row in doubles.order_by():
        yield f"client order id {row['client_order_id']} belongs to {row['found']} orders"
    venue_ids = Order.objects.exclude(venue_order_id="").values("account", "instrument", "venue_order_id")
    for same in venue_ids.annotate(found=Count("id")).filter(found__gt=1).order_by():
        yield f"venue order {same['venue_order_id']} belongs to {same['found']} orders"


def _positions_are_protected(at: datetime) -> Iterator[str]:
    late = Position.objects.filter(unprotected_since__lt=at - UNPROTECTED_LIMIT).exclude(size_base=ZERO)
    for position in late.select_related("instrument__venue"):
        assert position.unprotected_since is not None
        age = (at - position.unprotected_since).total_seconds()
        yield f"{position.instrument}: {position.size_base} without a stop for {age:.0f} s"


def _modes_do_not_mix(at: datetime) -> Iterator[str]:
    for order in Order.objects.exclude(mode=F("account__mode")).select_related("account__venue"):
        yield f"order {order.pk} of mode {order.mode} stands on the {order.account.mode} account {order.account}"
    for account in Account.objects.filter(mode=Mode.PAPER, credential__isnull=False).select_related("venue"):
        yield f"paper account {account} holds a credential"


def _audit_trail_holds(at: datetime) -> Iterator[str]:
    for step in (audit.verify_triggers, audit.verify):
        try:
            step()
        except audit.AuditError as error:
            yield str(error)


def _markets() -> list[tuple[Account, Instrument]]:
    pairs = {
        *Fill.objects.filter(order__isnull=False).order_by().values_list("account", "instrument").distinct()
    }
    pairs |= {*Position.objects.values_list("account", "instrument")}
    accounts = Account.objects.select_related("venue").in_bulk({account for account, _ in pairs})
    instruments = Instrument.objects.select_related("venue").in_bulk({found for _, found in pairs})
    return [(accounts[account], instruments[found]) for account, found in sorted(pairs)]


def _amounts(amounts: dict[str, Decimal]) -> str:
    return (
        ", ".join(f"{amount:f} {asset}" for asset, amount in sorted(amounts.items()) if amount) or "nothing"
    )


_INVARIANTS: dict[str, Callable[[datetime], Iterator[str]]] = {
    "positions equal fills": _positions_equal_fills,
    "lots equal positions": _lots_equal_positions,
    "lots are used once": _closures_equal_lots,
    "postings equal fills": _postings_equal_fills,
    "orders equal fills": _orders_equal_fills,
    "sent orders are approved": _sent_orders_are_approved,
    "approvals cover orders": _approvals_cover_orders,
    "order ids are unique": _client_ids_are_unique,
    "positions are protected": _positions_are_protected,
    "modes do not mix": _modes_do_not_mix,
    "audit trail holds": _audit_trail_holds,
}
