"""Looks after what is under way: orders that rest too long, orders that hang, feeds that fell silent.

It only leaves wishes and hints. The executor polls SQL and reconciles by itself, so nothing here is needed for safety.
"""

from collections.abc import Iterable
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any

from quests.protocols import RunContext
from quests.types import Cadence, JobKind, Outcome
from trading.models import Order
from trading.services import cancels, market
from trading.types import OrderState, Purpose

# An entry that has not filled by then was priced on a market that is gone.
ENTRY_MAX_REST = timedelta(minutes=10)
# The executor polls every second or so; an order that waits longer in these states is worth a nudge and a line in the report.
HANGS_AFTER = timedelta(seconds=15)
_HANGING = (OrderState.APPROVED, OrderState.SENDING, OrderState.UNKNOWN)
_RESTING = (OrderState.ACKED, OrderState.PARTIAL)


@dataclass(frozen=True, slots=True)
class FollowOpenOrders:
    cadence: Cadence = Cadence.MICRO
    job: JobKind = JobKind.RISK_CHECK
    purpose: str = "cancels entries that rest too long, nudges orders that hang, reports silent feeds"

    def run(self, context: RunContext) -> Outcome:
        at = context.at
        aged = [order for order in aged_entries(at=at) if _cancel(order, at=at)]
        hanging = list(hanging_orders(at=at))
        if hanging:
            cancels.wake_executor()
        silent = [health for health in market.stream_health(at=at) if not health.is_fresh]
        result: dict[str, Any] = {
            "cancels_requested": _ids(aged),
            "hanging": [{"order": str(order.pk), "state": order.state} for order in hanging],
            "silent_feeds": [f"{health.venue} {health.symbol}" for health in silent],
        }
        summary = f"{len(aged)} aged entries, {len(hanging)} hanging orders, {len(silent)} silent feeds"
        return Outcome(summary=summary, result=result)


def aged_entries(*, at: datetime) -> Iterable[Order]:
    """Entries that rest at a venue for too long, with no cancel asked for yet."""
    return Order.objects.filter(
        purpose=Purpose.ENTRY,
        state__in=_RESTING,
        cancel_requested_at=None,
        created_at__lte=at - ENTRY_MAX_REST,
    )


def hanging_orders(*, at: datetime) -> Iterable[Order]:
    """Orders in a state that should last a moment only."""
    return Order.objects.filter(state__in=_HANGING, changed_at__lte=at - HANGS_AFTER)


def _cancel(order: Order, *, at: datetime) -> bool:
    minutes = int(ENTRY_MAX_REST.total_seconds() // 60)
    return cancels.request(order_id=order.pk, reason=f"entry unfilled after {minutes} minutes", at=at)


def _ids(orders: Iterable[Order]) -> list[str]:
    return [str(order.pk) for order in orders]


QUEST = FollowOpenOrders()
