"""AI spend as money: reserved before a call, settled after it, limited by day and month (D3)."""

from datetime import datetime
from decimal import Decimal

from django.conf import settings
from django.db import transaction

from agents.errors import BudgetError
from agents.models import Step, StepAnswer
from agents.router import Spend
from trading.models import Operator
from trading.types import ZERO


def spend(*, at: datetime) -> Spend:
    """What was spent in the UTC day and month of `at`. A call under way, or lost, counts with its worst case."""
    month = at.replace(day=1, hour=0, minute=0, second=0, microsecond=0)
    day = at.replace(hour=0, minute=0, second=0, microsecond=0)
    settled = dict(
        StepAnswer.objects.filter(step__requested_at__gte=month).values_list("step_id", "cost_usd")
    )
    costs = [
        (requested_at, settled.get(step_id, reserved))
        for step_id, requested_at, reserved in Step.objects.filter(
            requested_at__gte=month, is_local=False, kind=Step.Kind.MODEL
        ).values_list("pk", "requested_at", "reserved_usd")
    ]
    return Spend(
        today=sum((cost for requested_at, cost in costs if requested_at >= day), ZERO),
        this_month=sum((cost for _, cost in costs), ZERO),
        daily_limit=settings.AI_BUDGET_DAILY_USD,
        monthly_limit=settings.AI_BUDGET_MONTHLY_USD,
    )


def lock_and_check(*, worst_case_usd: Decimal, at: datetime) -> None:
    """Raises BudgetError when the call could break a limit. Write the step in the same transaction: it is the reservation.

    Reservations queue up: SQLite's IMMEDIATE transaction is the lock, on PostgreSQL the first operator's row.
    """
    if not transaction.get_connection().in_atomic_block:
        raise transaction.TransactionManagementError("a reservation belongs to the transaction of its step")
    Operator.objects.select_for_update().order_by("pk").first()
    now = spend(at=at)
    if now.today + worst_case_usd > now.daily_limit:
        raise BudgetError(
            f"the call may cost ${worst_case_usd:.4f}, and ${now.today:.4f} of today's ${now.daily_limit} are spent"
        )
    if now.this_month + worst_case_usd > now.monthly_limit:
        raise BudgetError(
            f"the call may cost ${worst_case_usd:.4f}, and ${now.this_month:.4f} of this month's "
            f"${now.monthly_limit} are spent"
        )
