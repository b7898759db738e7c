"""Stops new entries on one account when something there is not as the desk left it. Exits and protection go on."""

import logging
from collections.abc import Sequence
from datetime import datetime, timedelta

from django.db import transaction

from trading.models import Account, Event, Order
from trading.services import events
from trading.types import OrderState, VenueOrder

log = logging.getLogger(__name__)

LONGEST_REASON = 200
# A list of open orders may be a little older than the journal.
_LIST_AGE = timedelta(seconds=10)


def freeze(*, account: Account, reason: str, at: datetime) -> bool:
    """True when this call froze the account; the first reason stays until the operator clears it."""
    reason = reason[:LONGEST_REASON]
    with transaction.atomic():
        if Account.objects.filter(pk=account.pk, frozen_reason="").update(frozen_reason=reason) != 1:
            return False
        events.append(
            kind="invariant.violated",
            mode=account.mode,
            payload={"invariant": "account_as_left", "account": str(account), "message": reason},
            at=at,
        )
    log.error(
        "%s is frozen against new entries: %s. Look at the venue, then run: neuratrade release %s",
        account,
        reason,
        account,
    )
    return True


def frozen() -> list[Account]:
    """Every account that takes no new entry, by name."""
    return list(
        Account.objects.exclude(frozen_reason="")
        .select_related("venue")
        .order_by("venue__name", "mode", "pk")
    )


def release(*, account: Account, at: datetime) -> bool:
    """The operator's word that all is well; False when the account was not frozen."""
    with transaction.atomic():
        if Account.objects.filter(pk=account.pk).exclude(frozen_reason="").update(frozen_reason="") != 1:
            return False
        events.append(kind="account.released", mode=account.mode, payload={"account": str(account)}, at=at)
    return True


def check_open_orders(
    *, account: Account, open_orders: Sequence[VenueOrder], at: datetime
) -> list[VenueOrder]:
    """Freezes on an open order that is not ours, or that is ours and ended in the journal; returns the latter, to be canceled."""
    revenants = []
    for shown in open_orders:
        order = _ours(account, shown=shown)
        if order is None:
            _report_foreign(account, shown=shown, at=at)
        elif OrderState(order.state).is_terminal and order.changed_at < at - _LIST_AGE:
            revenants.append(shown)
            freeze(
                account=account,
                reason=f"order {shown.venue_order_id} is open at the venue but {order.state} in the journal",
                at=at,
            )
    return revenants


def _ours(account: Account, *, shown: VenueOrder) -> Order | None:
    mine = Order.objects.filter(account=account)
    found = mine.filter(client_order_id=shown.client_order_id).first() if shown.client_order_id else None
    return found or mine.filter(venue_order_id=shown.venue_order_id).first()


def _report_foreign(account: Account, *, shown: VenueOrder, at: datetime) -> None:
    """Once per order: an event, and the account is frozen. Nothing that is not ours is ever canceled."""
    with transaction.atomic():
        if Event.objects.filter(
            kind="order.foreign",
            payload__account=str(account),
            payload__venue_order_id=shown.venue_order_id,
        ).exists():
            return
        events.append(
            kind="order.foreign",
            mode=account.mode,
            payload={
                "account": str(account),
                "venue_order_id": shown.venue_order_id,
                "client_order_id": shown.client_order_id,
                "symbol": shown.symbol,
                "side": shown.side,
                "size_base": format(shown.size_base, "f"),
            },
            at=at,
        )
    freeze(
        account=account,
        reason=f"order {shown.venue_order_id} ({shown.side} {shown.size_base} {shown.symbol}) is not ours",
        at=at,
    )
