"""Which endpoints a call may go to, in order, given what is configured and what has been spent. Pure (D2, D3)."""

from collections.abc import Sequence
from dataclasses import dataclass
from decimal import Decimal

from agents.types import Endpoint

RULES = Endpoint(provider="desk_rules", model="", label="rules, no model", is_local=True)


@dataclass(frozen=True, slots=True, kw_only=True)
class Spend:
    """What has been spent, reservations included, and what may be, in USD."""

    today: Decimal
    this_month: Decimal
    daily_limit: Decimal
    monthly_limit: Decimal


def route(configured: Sequence[Endpoint], *, spend: Spend, with_rules: bool) -> tuple[Endpoint, ...]:
    """The endpoints to try, best first; empty when nothing may be asked.

    Daily or monthly limit reached: local endpoints only. The rules desk comes last when the operator lets it stand in.
    """
    open_to_cloud = spend.today < spend.daily_limit and spend.this_month < spend.monthly_limit
    found = tuple(endpoint for endpoint in configured if endpoint.is_local or open_to_cloud)
    return (*found, RULES) if with_rules and RULES not in found else found
