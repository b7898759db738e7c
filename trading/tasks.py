"""Thin Celery tasks of the trading package; each calls one service."""

from celery import shared_task

from neuratrade.lib.clock import now
from trading.services import gate


@shared_task
def check_risk(decision_id: str) -> None:
    """The last step of a debate: the gate's verdict. Running it twice does nothing the second time."""
    gate.check_decision(decision_id=decision_id, at=now())
