"""The life of one account in the executor: lease, reconciliation, then orders, cancels, doubts and protection in turn.

Everything of one account happens in one coroutine, one after another, so no two steps ever disagree about an order. A stall or an
error of one account is its own.
"""

import asyncio
import contextlib
import logging
from collections.abc import Callable, Coroutine
from datetime import datetime, timedelta
from decimal import Decimal
from typing import Any
from uuid import UUID

from neuratrade.lib.crashpoints import crashpoint
from trading.errors import LeaseLostError, VenueError
from trading.models import Order, Position
from trading.services import cancels, leases, liquidation, protection, reconcile
from trading.services.execution import Lane, in_db, send
from trading.services.reconcile import Doubts
from trading.types import OrderState, Purpose, TradingState

log = logging.getLogger(__name__)

LEASE_S = 10.0
RENEW_EVERY_S = 3.0
POLL_S = 0.2
_CARE_EVERY = timedelta(seconds=0.5)
_SWEEP_EVERY = timedelta(seconds=10)
_HINTED_SWEEP_EVERY = timedelta(seconds=1)
_FULL_EVERY = timedelta(seconds=60)
_RETRY_EVERY = timedelta(seconds=5)
ENTRY_MAX_REST = timedelta(minutes=5)
_PRICE_MAX_AGE = timedelta(seconds=5)
_PRICE_MAX_STANDSTILL = timedelta(seconds=120)

_RESTING = [OrderState.ACKED.value, OrderState.PARTIAL.value, OrderState.UNKNOWN.value]
_ENDED = [state.value for state in OrderState if state.is_terminal]


class LaneRunner:
    """Runs one lane until its lease is lost or it is told to stop. `verified` is the epoch whose liquidation is done here."""

    def __init__(self, lane: Lane, *, on_progress: Callable[[str], None] = lambda _line: None) -> None:
        self.lane = lane
        self.verified_epoch: int | None = None
        self.wake = asyncio.Event()
        self._say = on_progress
        self._doubts, self._asks = Doubts(), Doubts()
        self._is_hinted = False
        self._is_reconciled = False
        self._done: dict[str, datetime] = {}
        self._trouble: dict[str, str] = {}

    async def run(self, *, stop: asyncio.Event) -> None:
        """Raises LeaseLostError when another process took the account over."""
        keeper = asyncio.create_task(self._keep_lease())
        listener = asyncio.create_task(self._listen())
        try:
            await reconcile.adopt_leftovers(self.lane)
            while not stop.is_set():
                await self.tick()
                if keeper.done():
                    raise LeaseLostError(f"{self.lane.name}: the lease is lost")
                if listener.done():
                    listener.result()  # what ended it ends the lane, which is then started anew
                with contextlib.suppress(TimeoutError):
                    await asyncio.wait_for(self.wake.wait(), timeout=POLL_S)
                self.wake.clear()
        finally:
            for task in (keeper, listener):
                task.cancel()
            await asyncio.gather(keeper, listener, return_exceptions=True)

    def hint(self) -> None:
        """Something of the account may have changed: the next round looks soon."""
        self._is_hinted = True
        self.wake.set()

    async def tick(self) -> None:
        """One round. A venue that cannot be read costs this round's reading, nothing else."""
        agrees = self._is_reconciled and "reconcile" not in self._trouble
        if self._is_due("full", every=_FULL_EVERY if agrees else _RETRY_EVERY):
            await self._guarded("reconcile", self._reconcile())
        if not self._is_reconciled:
            return  # nothing is sent before the journal agrees with the venue
        for order_id in await in_db(_approved)(self.lane):
            await send(self.lane, order_id=order_id)
            self._is_hinted = True
        await self._guarded("cancel_wished", self._cancel_wished())
        await self._guarded("resolve", self._resolve())
        if self._is_due("sweep", every=_HINTED_SWEEP_EVERY if self._is_hinted else _SWEEP_EVERY):
            self._is_hinted = False
            await self._guarded("sweep", reconcile.sweep(self.lane, doubts=self._doubts))
        if self._is_due("care", every=_CARE_EVERY):
            await self._care()
            await self._guarded("liquidate", self._liquidate())

    async def _reconcile(self) -> None:
        self._say("reconciling with the venue")
        await reconcile.full(self.lane, doubts=self._doubts)
        self._is_reconciled = True

    async def _resolve(self) -> None:
        in_doubt = await reconcile.resolve_doubts(self.lane, doubts=self._doubts)
        self._say(f"{in_doubt} orders in doubt" if in_doubt else "waiting for approved orders")

    async def _cancel_wished(self) -> None:
        """Asks for wished cancels again and again until the venue shows the order's end."""
        for order in await in_db(_to_cancel)(self.lane):
            if not self._asks.is_due(order.pk, at=self.lane.clock()):
                continue
            self._asks.later(order.pk, at=self.lane.clock())
            crashpoint("protect.cancel_asked")
            try:
                await self.lane.client.cancel_order(
                    symbol=order.instrument.symbol,
                    client_order_id=order.client_order_id,
                    venue_order_id=order.venue_order_id or None,
                )
            except VenueError as error:
                log.warning("%s: cancel of %s is in doubt: %s", self.lane.name, order.pk, error)
            await reconcile.sync_order(self.lane, order=order, doubts=self._doubts)

    async def _care(self) -> None:
        """Looks after every position, and takes back what has no position or waited too long."""
        await in_db(tidy)(self.lane, at=self.lane.clock())
        for position in await in_db(protection.open_positions)(self.lane.account):
            price = await self._exit_price(position)
            await in_db(protection.care)(
                position=position,
                exit_price=price,
                has_stop_orders=self.lane.client.capabilities.has_stop_orders,
                at=self.lane.clock(),
            )
            crashpoint("protect.proposed")

    async def _exit_price(self, position: Position) -> Decimal | None:
        """A price just received counts, even where a quiet market's newest level is older: the way out is not blocked by that."""
        quote, at = await self.lane.books.quote(position.instrument.symbol), self.lane.clock()
        if (
            quote is None
            or at - quote.received_at > _PRICE_MAX_AGE
            or at - quote.as_of > _PRICE_MAX_STANDSTILL
        ):
            return None
        return quote.bid if position.size_base > 0 else quote.ask

    async def _liquidate(self) -> None:
        self.verified_epoch = await liquidation.work(self.lane)

    async def _guarded(self, name: str, step: Coroutine[Any, Any, None]) -> None:
        """A venue that cannot be read costs this step only; it is tried again on its next turn, and told until that succeeds."""
        try:
            await step
            self._trouble.pop(name, None)
        except VenueError as error:
            log.warning("%s: %s", self.lane.name, error)
            self._trouble[name] = str(error)
        for trouble in self._trouble.values():
            self._say(f"the venue cannot be read: {trouble}")

    def _is_due(self, name: str, *, every: timedelta) -> bool:
        """True, and counted as done, when `name` was last due at least `every` ago, or the clock went back since."""
        at, last = self.lane.clock(), self._done.get(name)
        if last is not None and timedelta(0) <= at - last < every:
            return False
        self._done[name] = at
        return True

    async def _keep_lease(self) -> None:
        """Ends when the lease is lost."""
        name, owner, epoch = self.lane.lease
        while True:
            await asyncio.sleep(RENEW_EVERY_S)
            if not await in_db(leases.renew)(
                name=name, owner=owner, epoch=epoch, ttl_s=LEASE_S, at=self.lane.clock()
            ):
                self.wake.set()
                return

    async def _listen(self) -> None:
        """The venue's own hints that something changed."""
        async for _ in self.lane.client.changes():
            self.hint()


def tidy(lane: Lane, *, at: datetime) -> None:
    """Takes back entries that rested too long or that the desk's state no longer allows, and exits without a position."""
    rows = Order.objects.filter(account=lane.account, cancel_requested_at=None).exclude(state__in=_ENDED)
    state = protection.desk_state(lane.account)
    is_active = state is None or state.state == TradingState.ACTIVE
    for order in rows.filter(purpose=Purpose.ENTRY, state__in=_RESTING):
        rested = at - (order.sent_at or order.created_at)
        if not is_active:
            cancels.request(order_id=order.pk, reason="the desk takes no new risk", at=at)
        elif rested > ENTRY_MAX_REST or (order.close_by is not None and at >= order.close_by):
            cancels.request(order_id=order.pk, reason="rested too long without a fill", at=at)
    held = {position.instrument_id for position in protection.open_positions(lane.account)}
    orphans = rows.filter(reduce_only=True).exclude(instrument__in=held)
    protection.take_back(
        order_ids=tuple(orphans.values_list("pk", flat=True)), reason="its position is closed", at=at
    )


def _approved(lane: Lane) -> list[UUID]:
    """What waits to be sent: ways out first, then the oldest."""
    rows = Order.objects.filter(account=lane.account, state=OrderState.APPROVED.value)
    return list(rows.order_by("-reduce_only", "created_at").values_list("pk", flat=True))


def _to_cancel(lane: Lane) -> list[Order]:
    return list(
        Order.objects.select_related("instrument__venue", "decision")
        .filter(account=lane.account, state__in=_RESTING)
        .exclude(cancel_requested_at=None)
    )
