"""What to do next about one open position: keep its stop, replace it, or leave. Pure.

A position and its stop are one state machine. An exit waits until the stop is out of the way (spot venues hold the coins for it),
nothing is proposed twice, and a position without a working stop is closed at a deadline.
"""

from dataclasses import dataclass
from datetime import datetime, timedelta
from decimal import Decimal
from enum import StrEnum
from uuid import UUID

from trading.types import InstrumentSpec, OrderState, Purpose, Side, round_down

UNPROTECTED_DEADLINE = timedelta(seconds=15)
# A stop that lets the price fall this far below it has failed, whatever the venue says.
STOP_FAILED_RATIO = Decimal("0.01")
LONGEST_PAUSE = timedelta(seconds=30)


class Act(StrEnum):
    """TAKE_BACK takes `orders` back: unsent ones are aborted, resting ones canceled."""

    HOLD = "hold"
    TAKE_BACK = "take_back"
    PROTECT = "protect"
    EXIT = "exit"
    LIQUIDATE = "liquidate"


@dataclass(frozen=True, slots=True, kw_only=True)
class GuardOrder:
    """A reduce-only order of the position that has not ended."""

    id: UUID
    purpose: Purpose
    state: OrderState
    remaining_base: Decimal
    stop_price: Decimal | None
    is_cancel_asked: bool

    @property
    def is_working(self) -> bool:
        return self.state in {OrderState.ACKED, OrderState.PARTIAL} and not self.is_cancel_asked


@dataclass(frozen=True, slots=True, kw_only=True)
class Guarded:
    """A position at one instant. `exit_price`: the best price it could be sold at, None when none is fresh.

    `leave_reason`: why its plan was ended early, where it was. `failures`: how many of its exits and stops failed in a row, the
    last at `failed_at`.
    """

    at: datetime
    instrument: InstrumentSpec
    size_base: Decimal
    stop_price: Decimal | None
    target_price: Decimal | None
    close_by: datetime | None
    unprotected_since: datetime | None
    exit_price: Decimal | None
    has_stop_orders: bool
    is_liquidating: bool
    orders: tuple[GuardOrder, ...] = ()
    failures: int = 0
    failed_at: datetime | None = None
    leave_reason: str = ""


@dataclass(frozen=True, slots=True, kw_only=True)
class Step:
    """`is_protected`: a working stop covers all that can be sold, or there is nothing left that could be sold."""

    act: Act
    reason: str
    is_protected: bool = False
    size_base: Decimal = Decimal(0)
    orders: tuple[UUID, ...] = ()
    is_dust: bool = False


def decide(view: Guarded) -> Step:
    size = round_down(abs(view.size_base), step=view.instrument.size_step)
    stops = tuple(order for order in view.orders if order.purpose is Purpose.PROTECT)
    if is_dust(size, view=view):
        if _is_covered(view, size=size, stops=stops):
            return Step(act=Act.HOLD, reason="the venue took the stop when more was left", is_protected=True)
        return _take_back(stops, reason="dust") or Step(
            act=Act.HOLD, reason="dust: too small for the venue to sell", is_protected=True, is_dust=True
        )
    if len(stops) < len(view.orders):
        return Step(act=Act.HOLD, reason="an exit is on its way")
    reason = exit_reason(view, stops=stops)
    if reason:
        return _leave(view, size=size, stops=stops, reason=reason)
    return _protect(view, size=size, stops=stops)


def _is_covered(view: Guarded, *, size: Decimal, stops: tuple[GuardOrder, ...]) -> bool:
    """True when a stop works that the venue accepted: a price near the minimum, or none for a moment, is no reason to give it up."""
    is_kept = len(stops) == len(view.orders) == 1 and not view.is_liquidating
    return is_kept and stops[0].is_working and Decimal(0) < stops[0].remaining_base <= size


def is_dust(size_base: Decimal, *, view: Guarded) -> bool:
    """True when the venue would refuse to sell it; measured at the exit price, else at the stop."""
    if size_base <= 0 or size_base < view.instrument.min_size:
        return True
    price = view.exit_price or view.stop_price
    return price is not None and size_base * price < view.instrument.min_notional


def exit_reason(view: Guarded, *, stops: tuple[GuardOrder, ...]) -> str:
    """Why the position must be left now; empty when it need not."""
    if view.is_liquidating:
        return "liquidation"
    if view.close_by is not None and view.at >= view.close_by:
        return view.leave_reason or "held as long as planned"
    price = view.exit_price
    if price is not None and view.target_price is not None and price >= view.target_price:
        return f"target {view.target_price} reached"
    if price is not None and view.stop_price is not None and price <= view.stop_price:
        if not any(stop.is_working for stop in stops):
            return f"price {price} is beyond the stop {view.stop_price} and none is working"
        if price <= view.stop_price * (1 - STOP_FAILED_RATIO):
            return f"the stop at {view.stop_price} did not fill on the way to {price}"
    since = view.unprotected_since
    if since is not None and view.at - since >= UNPROTECTED_DEADLINE:
        return f"no stop could be placed within {UNPROTECTED_DEADLINE.total_seconds():.0f} s"
    return ""


def pause(failures: int) -> timedelta:
    """How long to wait after so many failures in a row: 1, 2, 4 … 30 s."""
    return min(timedelta(seconds=2 ** min(failures - 1, 6)), LONGEST_PAUSE) if failures else timedelta(0)


def exit_side(size_base: Decimal) -> Side:
    return Side.SELL if size_base > 0 else Side.BUY


def _leave(view: Guarded, *, size: Decimal, stops: tuple[GuardOrder, ...], reason: str) -> Step:
    taking_back = _take_back(stops, reason=reason)
    if taking_back is not None:
        return taking_back
    if view.exit_price is None:
        return Step(act=Act.HOLD, reason=f"{reason}, but there is no fresh price to sell at")
    if _is_pausing(view):
        return Step(act=Act.HOLD, reason=f"{reason}; waiting after {view.failures} failed tries")
    act = Act.LIQUIDATE if view.is_liquidating else Act.EXIT
    return Step(act=act, reason=reason, size_base=size)


def _protect(view: Guarded, *, size: Decimal, stops: tuple[GuardOrder, ...]) -> Step:
    if view.stop_price is None:
        return Step(act=Act.HOLD, reason="the position has no stop price")
    if not view.has_stop_orders:
        is_watched = view.exit_price is not None
        return Step(
            act=Act.HOLD, reason="guarded by the desk: the venue has no stops", is_protected=is_watched
        )
    if len(stops) == 1 and _fits(stops[0], size=size, view=view):
        is_working = stops[0].is_working
        return Step(
            act=Act.HOLD, reason="stop in place" if is_working else "stop on its way", is_protected=is_working
        )
    taking_back = _take_back(stops, reason="the stop does not fit the position any more")
    if taking_back is not None:
        return taking_back
    if _is_pausing(view):
        return Step(act=Act.HOLD, reason=f"waiting after {view.failures} failed tries to place a stop")
    return Step(act=Act.PROTECT, reason="protective stop", size_base=size)


def _fits(stop: GuardOrder, *, size: Decimal, view: Guarded) -> bool:
    """The plan's stop may have moved since the order was placed (services/replanning.py)."""
    is_same = stop.remaining_base == size and stop.stop_price == view.stop_price
    return is_same and not stop.is_cancel_asked


def _take_back(orders: tuple[GuardOrder, ...], *, reason: str) -> Step | None:
    """Takes orders back and waits for their end; None when there is none."""
    if not orders:
        return None
    unasked = tuple(order.id for order in orders if not order.is_cancel_asked)
    if unasked:
        return Step(act=Act.TAKE_BACK, reason=reason, orders=unasked)
    return Step(act=Act.HOLD, reason=f"{reason}; waiting for the stop's end")


def _is_pausing(view: Guarded) -> bool:
    """A failure later than now means that the clock went back: no reason to wait for it."""
    return view.failed_at is not None and view.failed_at <= view.at < view.failed_at + pause(view.failures)
