"""What reconciliation writes and reads in SQL about fills and balances; no venue is called here."""

from collections.abc import Mapping, Sequence
from datetime import datetime, timedelta
from decimal import Decimal

from django.db import transaction
from django.db.models import QuerySet

from neuratrade.lib.crashpoints import crashpoint
from trading.models import Account, Fill, Instrument, Order, Posting
from trading.services import freezing, ledger
from trading.types import ZERO, Balance, OrderState, VenueFill

# Venues round what they report; less than this is no difference.
_TOLERANCE = Decimal("0.000001")
_TOLERANCE_RATIO = Decimal("0.0000001")
OPENING = "opening balance"
_BUSY = [state.value for state in (OrderState.SENDING, OrderState.UNKNOWN)]
_RESTING = [state.value for state in (OrderState.ACKED, OrderState.PARTIAL)]
_RECENT = timedelta(days=1)
_JUST_NOW = timedelta(minutes=15)


def book(*, account: Account, instrument: Instrument, fills: Sequence[VenueFill], at: datetime) -> int:
    """Books fills in the order they happened; returns how many were new. A fill that is not ours freezes the account."""
    crashpoint("reconcile.before_booking")
    booked = 0
    for fill in fills:
        if not ledger.book_fill(account=account, instrument=instrument, fill=fill, at=at):
            continue
        booked += 1
        crashpoint("reconcile.after_booking")
        if Fill.objects.filter(
            account=account, instrument=instrument, trade_id=fill.trade_id, order=None
        ).exists():
            freezing.freeze(
                account=account,
                reason=f"fill {fill.trade_id} ({fill.side} {fill.size_base} {fill.symbol}) is not ours",
                at=at,
            )
    return booked


def fill_windows(*, account: Account, overlap: timedelta, at: datetime) -> list[tuple[Instrument, datetime]]:
    """Which instruments' fills to read, and from when: those with an order that rests, or was sent within a day.

    The window starts before the last booked fill, before the oldest order that may still fill, and before those that were until just
    now: while an order is in doubt, fills without an owner wait, and later ones may be booked past them.
    """
    sent = Order.objects.filter(account=account).exclude(sent_at=None)
    recent = sent.filter(changed_at__gte=at - _RECENT) | sent.filter(state__in=_RESTING + _BUSY)
    windows = []
    for instrument in Instrument.objects.filter(pk__in=recent.values("instrument")).select_related("venue"):
        mine = sent.filter(instrument=instrument)
        last = Fill.objects.filter(account=account, instrument=instrument).order_by("-executed_at").first()
        starts = [last.executed_at] if last else _sent_at(mine)
        starts += _sent_at(mine.filter(state__in=[*_BUSY, OrderState.PARTIAL.value]))
        starts += _sent_at(mine.filter(changed_at__gte=at - _JUST_NOW))
        windows.append((instrument, min(starts) - overlap))
    return windows


def _sent_at(orders: QuerySet[Order]) -> list[datetime]:
    """When the earliest of `orders` was sent; empty when there is none."""
    first = orders.order_by("sent_at").first()
    return [first.sent_at] if first is not None and first.sent_at is not None else []


def adopt_opening_balances(*, account: Account, balances: Mapping[str, Balance], at: datetime) -> bool:
    """What the account held before the desk's first trade becomes its opening deposits; False once it has postings."""
    with transaction.atomic():
        if Posting.objects.filter(account=account).exists():
            return False
        for balance in balances.values():
            if balance.total:
                ledger.deposit(
                    account=account, asset=balance.asset, amount=balance.total, reference=OPENING, at=at
                )
    return True


def unexplained(*, account: Account, order: Order, fills: Sequence[VenueFill]) -> list[str]:
    """Trade ids that could belong to `order`: on its side, since its send, of no order that we know."""
    since = order.sent_at or order.created_at
    candidates = [
        fill
        for fill in fills
        if fill.side == order.side and fill.size_base <= order.size_base and fill.executed_at >= since
    ]
    known = set(
        Order.objects.filter(
            account=account, venue_order_id__in=[fill.venue_order_id for fill in candidates]
        ).values_list("venue_order_id", flat=True)
    )
    return [fill.trade_id for fill in candidates if fill.venue_order_id not in known]


def activity(*, account: Account) -> tuple[int, int, tuple[str, ...]]:
    """Changes whenever something happened that moves balances: the last posting, how many fills, who is in doubt."""
    last = Posting.objects.filter(account=account).order_by("-pk").values_list("pk", flat=True).first()
    doubtful = Order.objects.filter(account=account, state__in=_BUSY).values_list(
        "client_order_id", flat=True
    )
    return last or 0, Fill.objects.filter(account=account).count(), tuple(sorted(doubtful))


def difference(*, account: Account, balances: Mapping[str, Balance]) -> str:
    """Assets whose total at the venue is not the ledger's; empty when all agree, or while an order is in doubt."""
    if Order.objects.filter(account=account, state__in=_BUSY).exists():
        return ""
    booked = ledger.balances(account=account)
    lines = []
    for asset in sorted(set(booked) | set(balances)):
        ours = booked.get(asset, ZERO)
        theirs = balances[asset].total if asset in balances else ZERO
        if abs(ours - theirs) > _TOLERANCE + _TOLERANCE_RATIO * max(abs(ours), abs(theirs)):
            lines.append(f"{asset} {theirs.normalize():f} at the venue, {ours.normalize():f} in the ledger")
    return "; ".join(lines)
