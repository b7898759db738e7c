"""Makes the journal agree with the venue: the venue is right about what happened, the journal about what was meant.

Fills are booked before an order's state follows them. An order in doubt is looked up until it is found, or until it provably
cannot come any more. What is not ours freezes the account against new entries and is otherwise left alone.
"""

import logging
from collections.abc import Sequence
from datetime import datetime, timedelta
from uuid import UUID

from trading.errors import VenueError
from trading.models import Instrument, Order
from trading.services import booking, freezing, journal
from trading.services.execution import Lane, in_db
from trading.types import OrderState, VenueOrder, VenueOrderStatus

log = logging.getLogger(__name__)

S = OrderState

FILLS_OVERLAP = timedelta(seconds=60)
CLOCK_LIMIT_S = 1.0
# Beyond the venue's own bound on lateness: our clock, the journey, a lagging list.
LATENESS_MARGIN = timedelta(seconds=2)
NEGATIVES_NEEDED = 2
# How long fills that nobody can explain keep an order in doubt after its bound.
UNEXPLAINED_PATIENCE = timedelta(seconds=60)
# How long an order that the venue had accepted may be in none of its lists before it counts as ended.
GONE_PATIENCE = timedelta(seconds=60)
_LONGEST_PAUSE = timedelta(seconds=8)
_IN_DOUBT = (S.SENDING, S.UNKNOWN)
_WORKING = (S.ACKED, S.PARTIAL)


class Doubts:
    """How often each order in doubt was looked up in vain, since when, and when to look again: after 1, 2, 4, 8 s."""

    def __init__(self) -> None:
        self._tries: dict[UUID, int] = {}
        self._next: dict[UUID, datetime] = {}
        self._negatives: dict[UUID, int] = {}
        self._gone_since: dict[UUID, datetime] = {}

    def is_due(self, order_id: UUID, *, at: datetime) -> bool:
        """Also when the next time lies further ahead than any pause: the clock went back."""
        return not at < self._next.get(order_id, at) <= at + _LONGEST_PAUSE

    def later(self, order_id: UUID, *, at: datetime) -> None:
        tries = self._tries.get(order_id, 0)
        self._tries[order_id] = tries + 1
        self._next[order_id] = at + timedelta(seconds=2 ** min(tries, 3))

    def negative(self, order_id: UUID) -> int:
        """Counts a complete look-up that found nothing after the bound."""
        self._negatives[order_id] = self._negatives.get(order_id, 0) + 1
        return self._negatives[order_id]

    def gone_since(self, order_id: UUID, *, at: datetime) -> datetime:
        """When an order that the venue had accepted was first not found again."""
        return self._gone_since.setdefault(order_id, at)

    def clear(self, order_id: UUID) -> None:
        for memory in (self._tries, self._next, self._negatives, self._gone_since):
            memory.pop(order_id, None)


async def adopt_leftovers(lane: Lane) -> int:
    """SENDING rows that nobody is sending: a process died, or lost its lease. They are in doubt from now on."""
    return await in_db(_adopt_leftovers)(lane)


def _adopt_leftovers(lane: Lane) -> int:
    rows = Order.objects.filter(account=lane.account, state=S.SENDING.value)
    return sum(
        journal.move(
            order_id=order.pk,
            from_states=(S.SENDING,),
            to_state=S.UNKNOWN,
            reason="found in SENDING: whoever sent it did not live to write the answer",
            at=lane.clock(),
        )
        for order in rows
    )


async def resolve_doubts(lane: Lane, *, doubts: Doubts) -> int:
    """Looks up every order in doubt that is due; returns how many are still in doubt."""
    orders = await in_db(_orders)(lane, states=_IN_DOUBT)
    for order in orders:
        if not doubts.is_due(order.pk, at=lane.clock()):
            continue
        try:
            await sync_order(lane, order=order, doubts=doubts)
        except VenueError as error:
            log.warning("%s: order %s is still in doubt: %s", lane.name, order.pk, error)
        doubts.later(order.pk, at=lane.clock())
    return len(await in_db(_orders)(lane, states=_IN_DOUBT))


async def sync_order(lane: Lane, *, order: Order, doubts: Doubts) -> None:
    """Reads one order and its fills and moves the journal to what they say. Raises VenueError when the venue cannot be read."""
    asked_at = lane.clock()
    since = (order.sent_at or order.created_at) - FILLS_OVERLAP
    symbol = order.instrument.symbol
    found = await lane.client.find_order(
        symbol=symbol,
        client_order_id=order.client_order_id,
        venue_order_id=order.venue_order_id or None,
        since=since,
    )
    if found is None:
        await _missing(lane, order=order, doubts=doubts, asked_at=asked_at, since=since)
        return
    doubts.clear(order.pk)
    await in_db(_acknowledge)(lane, order=order, found=found)
    if found.filled_base > order.filled_base:
        fills = await lane.client.fills(symbol=symbol, since=since)
        await in_db(booking.book)(
            account=lane.account, instrument=order.instrument, fills=fills, at=lane.clock()
        )
    await in_db(_follow)(lane, order_id=order.pk, found=found)


async def sweep(lane: Lane, *, doubts: Doubts) -> None:
    """Compares the venue's open orders with ours, and reads each of ours that moved. Raises VenueError when it cannot read."""
    working = await in_db(_orders)(lane, states=_WORKING)
    open_orders = await lane.client.open_orders()
    by_id = {order.venue_order_id: order for order in open_orders}
    for order in working:
        shown = by_id.get(order.venue_order_id)
        if shown is None or shown.filled_base > order.filled_base:
            await sync_order(lane, order=order, doubts=doubts)
    revenants = await in_db(freezing.check_open_orders)(
        account=lane.account, open_orders=open_orders, at=lane.clock()
    )
    for shown in revenants:
        await lane.client.cancel_order(
            symbol=shown.symbol,
            client_order_id=shown.client_order_id or "",
            venue_order_id=shown.venue_order_id,
        )


async def full(lane: Lane, *, doubts: Doubts) -> None:
    """Everything: opening balances, open orders, fills, balances. On start, on reconnect, every minute."""
    await check_clock(lane)
    await in_db(booking.adopt_opening_balances)(
        account=lane.account, balances=await lane.client.balances(), at=lane.clock()
    )
    await sweep(lane, doubts=doubts)
    await compare_balances(lane)


async def read_fills(lane: Lane, *, instrument: Instrument, since: datetime) -> int:
    """Books what the venue reports from `since` on; returns how many were new."""
    fills = await lane.client.fills(symbol=instrument.symbol, since=since)
    return await in_db(booking.book)(
        account=lane.account, instrument=instrument, fills=fills, at=lane.clock()
    )


async def compare_balances(lane: Lane) -> None:
    """Freezes the account when the venue holds something else than the ledger, seen twice with nothing in doubt between."""
    first = await _difference(lane)
    if first and first == await _difference(lane):
        await in_db(freezing.freeze)(
            account=lane.account,
            reason=f"the venue's balances differ from the ledger: {first}",
            at=lane.clock(),
        )


async def _difference(lane: Lane) -> str:
    """Books all new fills; then what differs, empty when nothing does or when something moved in between."""
    before = await in_db(booking.activity)(account=lane.account)
    balances = await lane.client.balances()
    for instrument, since in await in_db(booking.fill_windows)(
        account=lane.account, overlap=FILLS_OVERLAP, at=lane.clock()
    ):
        await read_fills(lane, instrument=instrument, since=since)
    if before != await in_db(booking.activity)(account=lane.account):
        return ""
    return await in_db(booking.difference)(account=lane.account, balances=balances)


async def check_clock(lane: Lane) -> None:
    """Compares our clock with the venue's; beyond a second no entry is sent (Binance refuses such requests, too)."""
    started = lane.clock()
    server = await lane.client.server_time()
    ended = lane.clock()
    offset_s = (server - (started + (ended - started) / 2)).total_seconds()
    is_off = abs(offset_s) > CLOCK_LIMIT_S + (ended - started).total_seconds() / 2
    lane.clock_problem = f"our clock and the venue's differ by {offset_s:+.1f} s" if is_off else ""
    if is_off:
        log.error("%s: %s; no new entries. Set this machine's clock (NTP)", lane.name, lane.clock_problem)


async def _missing(lane: Lane, *, order: Order, doubts: Doubts, asked_at: datetime, since: datetime) -> None:
    """The venue does not know the order. For one in doubt that counts only after the last moment it could still come."""
    if OrderState(order.state) not in _IN_DOUBT:
        await _gone(lane, order=order, doubts=doubts, asked_at=asked_at)
        return
    bound = timedelta(seconds=lane.client.capabilities.lateness_bound_s) + LATENESS_MARGIN
    last_moment = (order.sent_at or order.changed_at) + bound
    if asked_at <= last_moment:
        return
    fills = await lane.client.fills(symbol=order.instrument.symbol, since=since)
    strangers = await in_db(booking.unexplained)(account=lane.account, order=order, fills=fills)
    if strangers and asked_at <= last_moment + UNEXPLAINED_PATIENCE:
        log.warning("%s: order %s is missing but fills %s have no owner", lane.name, order.pk, strangers)
        return
    if doubts.negative(order.pk) < NEGATIVES_NEEDED:
        return
    await in_db(journal.move)(
        order_id=order.pk,
        from_states=(S.UNKNOWN,),
        to_state=S.NOT_PLACED,
        reason=f"in no list of the venue {bound.total_seconds():.0f} s after the send, looked {NEGATIVES_NEEDED} times",
        at=lane.clock(),
    )
    doubts.clear(order.pk)


async def _gone(lane: Lane, *, order: Order, doubts: Doubts, asked_at: datetime) -> None:
    """The venue accepted the order and now lists it nowhere: the operator is told, and after a while it counts as ended.

    A stop that is not there protects nothing, and an order that never ends would block the way out for ever.
    """
    await in_db(freezing.freeze)(
        account=lane.account,
        reason=f"the venue does not know order {order.venue_order_id} any more",
        at=lane.clock(),
    )
    since = doubts.gone_since(order.pk, at=asked_at)
    if doubts.negative(order.pk) < NEGATIVES_NEEDED or asked_at - since < GONE_PATIENCE:
        return
    await in_db(_move)(lane, order.pk, S.CANCELED, f"in no list of the venue for {GONE_PATIENCE.seconds} s")
    doubts.clear(order.pk)


def _acknowledge(lane: Lane, *, order: Order, found: VenueOrder) -> None:
    """An order in doubt was found: it has a venue id from now on, so its fills can be told apart."""
    journal.move(
        order_id=order.pk,
        from_states=_IN_DOUBT,
        to_state=S.ACKED,
        reason=f"found at the venue as {found.venue_order_id}",
        at=lane.clock(),
        venue_order_id=found.venue_order_id,
    )


def _follow(lane: Lane, *, order_id: UUID, found: VenueOrder) -> None:
    """Moves the state to the venue's, but never beyond the fills that are booked: those may lag behind."""
    order = Order.objects.get(pk=order_id)
    booked = order.filled_base
    if booked < found.filled_base:
        return
    if found.status is VenueOrderStatus.OPEN:
        if booked and order.state == S.ACKED:
            _move(lane, order_id, S.PARTIAL, f"{booked.normalize():f} filled")
        return
    ends = {
        VenueOrderStatus.FILLED: S.FILLED,
        VenueOrderStatus.CANCELED: S.CANCELED,
        VenueOrderStatus.REJECTED: S.CANCELED if booked else S.REJECTED,
    }
    _move(lane, order_id, ends[found.status], f"{found.status} at the venue, {booked.normalize():f} filled")


def _move(lane: Lane, order_id: UUID, to_state: OrderState, reason: str) -> None:
    from_states = [state for state in _WORKING if to_state in journal.ALLOWED[state]]
    journal.move(
        order_id=order_id, from_states=from_states, to_state=to_state, reason=reason, at=lane.clock()
    )


def _orders(lane: Lane, *, states: Sequence[OrderState]) -> list[Order]:
    return list(
        Order.objects.select_related("instrument__venue", "decision")
        .filter(account=lane.account, state__in=[state.value for state in states])
        .order_by("created_at")
    )
