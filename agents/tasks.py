"""Thin tasks: one role's step each. They carry an id; running twice does nothing the second time (agents/services/sessions.py)."""

from typing import Any

from celery import shared_task

from agents.services import sessions
from agents.types import Role
from neuratrade.lib import clock


@shared_task(name="agents.tasks.analyst_step")
def analyst_step(*, decision_id: str, **_: Any) -> str:
    return sessions.run_role(decision_id=decision_id, role=Role.ANALYST, clock=clock.now)


@shared_task(name="agents.tasks.trader_step")
def trader_step(*, decision_id: str, **_: Any) -> str:
    return sessions.run_role(decision_id=decision_id, role=Role.TRADER, clock=clock.now)


@shared_task(name="agents.tasks.review_step")
def review_step(*, decision_id: str, **_: Any) -> str:
    return sessions.run_role(decision_id=decision_id, role=Role.RISK_MANAGER, clock=clock.now)
