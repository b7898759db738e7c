"""Sends approved orders: journal first, one call, the answer as it is. A doubt is written down as a doubt, never sent again.

One account has one lane, in one process, under a lease. Everything here runs inside `execute_orders`; database work goes through
`in_db`, so that no transaction ever waits for a venue.
"""

import logging
import time
from collections.abc import Callable, Coroutine
from dataclasses import dataclass, field
from datetime import datetime
from decimal import Decimal
from typing import Any, ParamSpec, TypeVar
from uuid import UUID

from asgiref.sync import sync_to_async
from django.db import transaction

from neuratrade.lib.clock import now
from neuratrade.lib.crashpoints import crashpoint
from trading.errors import (
    ApprovalError,
    LeaseLostError,
    OutcomeUnknownError,
    VenueRejectedError,
    VenueUnavailableError,
)
from trading.models import Account, Order
from trading.protocols import AccountClient, QuoteSource
from trading.risk.approval import Terms
from trading.services import approvals, journal, leases
from trading.services.protection import desk_state
from trading.types import OrderRequest, OrderState, OrderType, Purpose, Side, TimeInForce, TradingState

log = logging.getLogger(__name__)

P = ParamSpec("P")
R = TypeVar("R")

# From the start of the claim to the socket; a process that slept longer sends nothing.
LONGEST_HESITATION_S = 2.0
_BPS = Decimal(10_000)


@dataclass(slots=True, kw_only=True)
class Lane:
    """One account in the executor's hands. `lease` is (name, owner, epoch); `clock_problem` stops entries while it is set."""

    account: Account
    client: AccountClient
    books: QuoteSource
    lease: tuple[str, str, int]
    is_shadow: bool = False
    clock: Callable[[], datetime] = now
    clock_problem: str = field(default="")

    @property
    def name(self) -> str:
        return str(self.account)


@dataclass(frozen=True, slots=True, kw_only=True)
class Claimed:
    """An order whose approval is used up and whose SENDING is committed: from here it is sent once or never."""

    order_id: UUID
    request: OrderRequest
    terms: Terms
    is_entry: bool
    started_s: float


async def send(lane: Lane, *, order_id: UUID) -> None:
    """Takes one APPROVED order to the venue, or to ABORTED with the reason. Raises LeaseLostError when the lane is not ours."""
    claimed = await in_db(_claim)(lane, order_id=order_id)
    if claimed is None:
        return
    crashpoint("execute.journalled")
    problem = "shadow" if lane.is_shadow else await _last_check(lane, claimed=claimed)
    if not problem and time.monotonic() - claimed.started_s > LONGEST_HESITATION_S:
        problem = f"more than {LONGEST_HESITATION_S:.0f} s passed between approval and send"
    if problem:
        await _conclude(lane, claimed, state=OrderState.ABORTED, reason=problem)
        return
    crashpoint("execute.before_send")
    state, reason, venue_order_id = await _call(lane, claimed=claimed)
    crashpoint("execute.after_send")
    await _conclude(lane, claimed, state=state, reason=reason, venue_order_id=venue_order_id)
    crashpoint("execute.recorded")


def in_db(function: Callable[P, R]) -> Callable[P, Coroutine[Any, Any, R]]:
    """The same function for coroutines: it runs in the one thread that owns the database connection."""
    return sync_to_async(function, thread_sensitive=True)


def _claim(lane: Lane, *, order_id: UUID) -> Claimed | None:
    """Uses up the approval and writes SENDING in one transaction; None when the order is not to be sent.

    Time counts from here, not from the wait for the database's thread: another account's work there makes nothing old.
    """
    started_s, at = time.monotonic(), lane.clock()
    order = Order.objects.select_related("instrument__venue", "account").get(pk=order_id)
    name, owner, epoch = lane.lease
    if not leases.is_held(name=name, owner=owner, epoch=epoch, at=at):
        raise LeaseLostError(f"{lane.name}: the lease is lost; the order is left to its new owner")
    problem = _lane_problem(lane, order=order)
    if not problem:
        try:
            with transaction.atomic():
                terms = approvals.verify_and_consume(order_id=order_id, executor_lease=lane.lease, at=at)
                if not journal.move(
                    order_id=order_id,
                    from_states=(OrderState.APPROVED,),
                    to_state=OrderState.SENDING,
                    reason="approval verified and used",
                    at=at,
                    sent_at=at,
                ):
                    raise ApprovalError("the order is not waiting to be sent any more")
                crashpoint("execute.claimed")
            return Claimed(
                order_id=order.pk,
                request=request_of(order),
                terms=terms,
                is_entry=order.purpose == Purpose.ENTRY,
                started_s=started_s,
            )
        except ApprovalError as error:
            problem = str(error)
    journal.move(
        order_id=order_id,
        from_states=(OrderState.APPROVED,),
        to_state=OrderState.ABORTED,
        reason=problem,
        at=at,
    )
    return None


def _lane_problem(lane: Lane, *, order: Order) -> str:
    """Why no entry may go out on this account now; empty when it may. Exits are never held back by this."""
    if order.purpose != Purpose.ENTRY:
        return ""
    frozen = Account.objects.values_list("frozen_reason", flat=True).get(pk=lane.account.pk)
    if frozen:
        return f"the account is frozen: {frozen}"
    if lane.clock_problem:
        return lane.clock_problem
    in_doubt = Order.objects.filter(
        account=lane.account,
        instrument=order.instrument,
        state__in=[OrderState.SENDING.value, OrderState.UNKNOWN.value],
    )
    if in_doubt.exists():
        return "another order of this instrument is in doubt"
    return ""


def request_of(order: Order) -> OrderRequest:
    """What goes to the venue. An entry's stop price is the plan of its position, not part of its own order."""
    is_stop = order.type == OrderType.STOP
    return OrderRequest(
        client_order_id=order.client_order_id,
        symbol=order.instrument.symbol,
        side=Side(order.side),
        type=OrderType(order.type),
        time_in_force=TimeInForce(order.time_in_force),
        size_base=order.size_base,
        price_bound=None if is_stop else order.price_bound,
        stop_price=order.stop_price if is_stop else None,
        reduce_only=order.reduce_only,
    )


async def _last_check(lane: Lane, *, claimed: Claimed) -> str:
    """What may have changed since the claim: for an entry the market, then the lease and the desk's state. Empty: nothing did."""
    problem = await _market_problem(lane, claimed=claimed) if claimed.is_entry else ""
    return problem or await in_db(_lost_ground)(lane, claimed=claimed, at=lane.clock())


def _lost_ground(lane: Lane, *, claimed: Claimed, at: datetime) -> str:
    """A kill switch or breaker may have come after the claim; nothing that adds risk leaves after it."""
    name, owner, epoch = lane.lease
    if not leases.is_held(name=name, owner=owner, epoch=epoch, at=at):
        return "the lease of the account passed to another process"
    state = desk_state(lane.account)
    if state is None or state.state == TradingState.HALTED:
        return "the desk was halted"
    if claimed.is_entry and state.breaker_epoch != claimed.terms.breaker_epoch:
        return "the desk's state changed since the approval"
    return ""


async def _market_problem(lane: Lane, *, claimed: Claimed) -> str:
    if claimed.request.price_bound is None:
        return ""
    quote = await lane.books.quote(claimed.request.symbol)
    if quote is None:
        return "no market price is known"
    age_ms = quote.age_s(at=lane.clock()) * 1000
    if age_ms > claimed.terms.max_quote_age_ms:
        return f"the newest price is {age_ms / 1000:.1f} s old"
    deviation_bps = abs(claimed.request.price_bound - quote.mid) / quote.mid * _BPS
    if deviation_bps > claimed.terms.max_deviation_bps:
        return f"the market moved: the bound lies {deviation_bps:.0f} bps from {quote.mid}"
    return ""


async def _call(lane: Lane, *, claimed: Claimed) -> tuple[OrderState, str, str]:
    """Exactly one call to the venue: the state it proves, why, and the venue's id of the order if there is one."""
    try:
        order = await lane.client.place_order(claimed.request)
    except VenueRejectedError as error:
        return OrderState.REJECTED, f"{error.code}: {error}", ""
    except VenueUnavailableError as error:
        return OrderState.ABORTED, f"not sent: {error}", ""
    except OutcomeUnknownError as error:
        return OrderState.UNKNOWN, str(error), ""
    except Exception as error:
        log.exception("%s: the venue client failed while placing an order; its outcome is unknown", lane.name)
        return OrderState.UNKNOWN, f"{type(error).__name__} in the venue client", ""
    return OrderState.ACKED, f"the venue accepted it as {order.venue_order_id}", order.venue_order_id


async def _conclude(
    lane: Lane, claimed: Claimed, *, state: OrderState, reason: str, venue_order_id: str = ""
) -> None:
    """Writes the answer. A new owner of the lane may have called the order UNKNOWN meanwhile; a sure answer still counts."""
    is_sure = state in {OrderState.ACKED, OrderState.REJECTED}
    columns = {"venue_order_id": venue_order_id} if venue_order_id else {}
    moved = await in_db(journal.move)(
        order_id=claimed.order_id,
        from_states=(OrderState.SENDING, OrderState.UNKNOWN) if is_sure else (OrderState.SENDING,),
        to_state=state,
        reason=reason,
        at=lane.clock(),
        **columns,
    )
    if not moved:
        log.warning("%s: order %s was resolved elsewhere before %s", lane.name, claimed.order_id, state)
