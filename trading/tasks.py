"""Thin Celery tasks of the trading package; each calls one service."""

from celery import shared_task

from neuratrade.lib.clock import now
from trading.services import gate


@shared_task
def check_risk(decision_id: str) -> None:
    """The last step of a debate: the gate's verdict. Running it twice does nothing the second time."""
    gate.check_decision(decision_id=decision_id, at=now())


@shared_task
def compute_points(sweep_id: int, first: int, last: int) -> None:
    """Points `first` to before `last` of a parameter sweep. Running it twice does nothing the second time."""
    # Imported here: what backtests need is no business of the worker that guards risk.
    from trading.services import sweep_spread

    sweep_spread.compute_chunk(sweep_id=sweep_id, first=first, last=last)
