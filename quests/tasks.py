"""Thin tasks: ids in, nothing out. Each may run twice: the rows decide."""

from celery import shared_task

from neuratrade.lib import clock
from quests import pipeline
from quests.types import Cadence


@shared_task(time_limit=30, soft_time_limit=25)
def run_due(*, cadence: str) -> None:
    """Beat's question, one entry per cadence: what is due now?"""
    pipeline.start_due(Cadence(cadence), at=clock.now())


@shared_task
def run_quest(*, run_id: int) -> None:
    """One run, with the time limit that its job set when it was sent."""
    pipeline.run(run_id=run_id)


@shared_task(time_limit=30, soft_time_limit=25)
def sweep() -> None:
    """Every few seconds: what got stuck?"""
    pipeline.sweep(at=clock.now())
