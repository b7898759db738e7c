"""Books fills: cash, lots, position and realised PnL in one transaction, once per trade id, in whatever order they arrive.

Fills are facts: the ledger never refuses one because it does not fit. A fill of an order that is not ours moves the account's
cash and nothing else: coins that the operator trades by hand stay out of the desk's positions, so it never sells them.
A fill that arrives late changes which purchase earlier sales used up; the closures, which are append-only, are then corrected
by entries of the difference, as bookkeepers do.
"""

import logging
from datetime import datetime
from decimal import Decimal, localcontext

from django.db import transaction
from django.db.models import Q

from trading.accounting import fifo
from trading.errors import InvalidValueError
from trading.models import Account, Fill, Instrument, Order, Position, Posting
from trading.services import events, lots, positions
from trading.types import ZERO, OrderState, Side, VenueFill, aware

log = logging.getLogger(__name__)

# An order in these states may have fills at the venue before we know the venue's id for it.
_IN_DOUBT = (OrderState.SENDING, OrderState.UNKNOWN)


def book_fill(
    *,
    account: Account,
    instrument: Instrument,
    fill: VenueFill,
    at: datetime,
    fee_price: Decimal | None = None,
) -> bool:
    """True when the fill was booked now; False when it had been, or when it cannot be told yet whose it is.

    The second case: no order has its ids, while an order of the same market is in doubt (SENDING, UNKNOWN) and has no venue
    id yet. Settle that order first and offer the fill again. `fee_price` is quote per unit of a third fee asset; without it
    such a fee is booked in its own asset only. Raises InvalidValueError on a fill of another symbol.
    """
    aware("at", at)
    if fill.symbol != instrument.symbol:
        raise InvalidValueError(f"trade {fill.trade_id} is of {fill.symbol}, not of {instrument.symbol}")
    with transaction.atomic(), localcontext(fifo.EXACT):
        Account.objects.select_for_update().get(pk=account.pk)
        if Fill.objects.filter(account=account, instrument=instrument, trade_id=fill.trade_id).exists():
            return False
        order = _order_of(fill, account=account, instrument=instrument)
        if order is None and _is_doubtful(account=account, instrument=instrument):
            log.info("trade=%s waits until the orders in doubt are settled", fill.trade_id)
            return False
        row = _record(fill, account=account, instrument=instrument, order=order, fee_price=fee_price, at=at)
        _post_cash(row, at=at)
        if order is not None:
            _move_position(row, order=order, at=at)
    return True


def balances(*, account: Account) -> dict[str, Decimal]:
    """Asset -> amount, the exact sum of all postings; assets that sum to zero are left out."""
    found: dict[str, Decimal] = {}
    with localcontext(fifo.EXACT):
        rows = Posting.objects.filter(account=account).values_list("asset", "amount")
        for asset, amount in rows.iterator(chunk_size=5_000):
            found[asset] = found.get(asset, ZERO) + amount
    return {asset: amount for asset, amount in sorted(found.items()) if amount}


def deposit(*, account: Account, asset: str, amount: Decimal, reference: str, at: datetime) -> bool:
    """Books money that came (or, negative, went) from outside; False when `reference` is already booked for this asset."""
    if not amount.is_finite() or not amount:
        raise InvalidValueError(f"a deposit moves an amount, not {amount}")
    if not reference:
        raise InvalidValueError("a deposit needs a reference, so that it is booked once")
    kind = Posting.Kind.DEPOSIT if amount > 0 else Posting.Kind.WITHDRAWAL
    with transaction.atomic():
        Account.objects.select_for_update().get(pk=account.pk)
        if Posting.objects.filter(account=account, asset=asset, reference=reference, fill=None).exists():
            return False
        Posting.objects.create(
            account=account, asset=asset, amount=amount, kind=kind, reference=reference, at=at
        )
    return True


def _order_of(fill: VenueFill, *, account: Account, instrument: Instrument) -> Order | None:
    by_id = Q(pk__in=[])
    if fill.client_order_id:
        by_id |= Q(client_order_id=fill.client_order_id)
    if fill.venue_order_id:
        by_id |= Q(venue_order_id=fill.venue_order_id)
    return Order.objects.filter(by_id, account=account, instrument=instrument).first()


def _is_doubtful(*, account: Account, instrument: Instrument) -> bool:
    return Order.objects.filter(
        account=account, instrument=instrument, state__in=_IN_DOUBT, venue_order_id=""
    ).exists()


def _record(
    fill: VenueFill,
    *,
    account: Account,
    instrument: Instrument,
    order: Order | None,
    fee_price: Decimal | None,
    at: datetime,
) -> Fill:
    row = Fill.objects.create(
        account=account,
        instrument=instrument,
        order=order,
        trade_id=fill.trade_id,
        side=fill.side,
        price=fill.price,
        size_base=fill.size_base,
        fee=fill.fee,
        fee_asset=fill.fee_asset,
        fee_quote=fifo.fee_in_quote(
            fee=fill.fee,
            fee_asset=fill.fee_asset,
            price=fill.price,
            base=instrument.base,
            quote=instrument.quote,
            fee_price=fee_price,
        ),
        is_maker=fill.is_maker,
        executed_at=fill.executed_at,
        booked_at=at,
    )
    events.append(
        kind="fill.booked" if order else "fill.foreign",
        mode=account.mode,
        decision=order.decision if order else None,
        payload={
            "fill": row.pk,
            "order": str(order.pk) if order else None,
            "venue": account.venue.name,
            "symbol": instrument.symbol,
            "trade_id": fill.trade_id,
            "side": fill.side,
            "price": format(fill.price, "f"),
            "size_base": format(fill.size_base, "f"),
            "fee": format(fill.fee, "f"),
            "fee_asset": fill.fee_asset,
            "executed_at": fill.executed_at.isoformat(),
        },
        at=at,
    )
    return row


def _post_cash(fill: Fill, *, at: datetime) -> None:
    """Two postings for the trade, and one for the fee in whatever asset it was taken."""
    sign = 1 if fill.side == Side.BUY else -1
    changes = [
        (fill.instrument.base, sign * fill.size_base, Posting.Kind.TRADE),
        (fill.instrument.quote, -sign * fill.size_base * fill.price, Posting.Kind.TRADE),
    ]
    if fill.fee:
        changes.append((fill.fee_asset, -fill.fee, Posting.Kind.FEE))
    Posting.objects.bulk_create(
        Posting(
            account=fill.account,
            asset=asset,
            amount=amount,
            kind=kind,
            fill=fill,
            reference=fill.trade_id,
            at=at,
        )
        for asset, amount, kind in changes
    )


def _move_position(fill: Fill, *, order: Order, at: datetime) -> None:
    position, _ = Position.objects.select_for_update().get_or_create(
        account=fill.account, instrument=fill.instrument, defaults={"changed_at": at}
    )
    outcome = lots.book(fill)
    filled = fifo.total(Fill.objects.filter(order=order).values_list("size_base", flat=True))
    Order.objects.filter(pk=order.pk).update(filled_base=filled, changed_at=at)
    positions.follow(position, fill=fill, outcome=outcome, at=at)
