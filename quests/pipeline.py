"""THE MAIN FLOW on one page: from an opportunity to the ledger. Read this first.

    1  wake / start_due    a trigger fired, or beat asked: a Run row, then a message       quests/watchdog.py, quests/schedule.py
    2  run                 the quest looks at the market and may open one Decision         quests/catalog/, quests/services/
    3  analyst_step        evidence becomes a typed trade idea, or NO_TRADE                agents/tasks.py      queue high
    4  trader_step         the idea becomes a plan                                         agents/tasks.py      queue high
    5  review_step         the risk manager argues against it; may shrink or refuse        agents/tasks.py      queue high
    6  check_risk          code sizes the trade, runs every rule, signs or vetoes          trading/tasks.py     queue critical
    7  execute_orders      a process, not a task: verifies the approval, journals, sends   trading/services/execution.py
    8  book_fill           fills become lots, positions, PnL; every change is an Event     trading/services/ledger.py

Steps 3 to 6 are one Celery chain. It carries ids only: SQL is the truth, a message is a hint. Every step first claims the
decision's status by a conditional update, so a message that arrives twice does nothing; one that never arrives, or whose
worker died, is sent again by `sweep`. After step 6 Celery has no part: the executor polls SQL, so no order ever depends on a message.
"""

import logging
from datetime import datetime
from uuid import UUID

import redis
from celery import chain, current_app
from kombu.exceptions import OperationalError

from agents.tasks import analyst_step, review_step, trader_step
from neuratrade.lib import clock
from neuratrade.lib import redis as bus
from quests import services
from quests.services.runs import Ticket
from quests.types import Cadence, Fired
from trading.models import Decision
from trading.tasks import check_risk

log = logging.getLogger(__name__)

Status = Decision.Status

# The steps of the chain, each with the statuses in which it is next: not yet taken, or begun by a worker that died
STEPS = (
    (analyst_step, (Status.OPENED, Status.ANALYSING)),
    (trader_step, (Status.ANALYSED, Status.PLANNING)),
    (review_step, (Status.PLANNED, Status.REVIEWING)),
    (check_risk, (Status.REVIEWED,)),
)
RUN_QUEST = "quests.tasks.run_quest"
_SEND_AGAIN_EVERY_S = 20


def wake(fired: Fired, *, at: datetime) -> None:
    """A trigger fired: starts the quest it wakes. Firing twice within its cool-down starts it once."""
    ticket = services.start_triggered(fired=fired, at=at)
    if ticket is not None:
        _send_run(ticket)


def start_due(cadence: Cadence, *, at: datetime) -> None:
    """Beat asked: starts every quest of the cadence that has not run in this slot."""
    for ticket in services.start_due(cadence=cadence, at=at):
        _send_run(ticket)


def run(*, run_id: int) -> None:
    """Does one run, and sends the decision it opened, if any, on its way."""
    decision_id = services.perform(run_id=run_id, clock=clock.now)
    if decision_id is not None:
        start(decision_id=decision_id)


def start(*, decision_id: UUID | str) -> None:
    """Sends a decision through the debate to the gate."""
    _send_steps(decision_id, from_status=Status.OPENED)


def sweep(*, at: datetime) -> None:
    """Sends again what got lost: the decision's remaining steps, or the run. Repetition is harmless, flooding is not."""
    found = services.sweep(at=at)
    for ticket in found.runs:
        if _may_send_again(f"run:{ticket.run_id}"):
            _send_run(ticket)
    for decision_id, status in found.decisions:
        if _may_send_again(f"decision:{decision_id}:{status}"):
            log.info("decision=%s status=%s sent again: its message was lost or is late", decision_id, status)
            _send_steps(decision_id, from_status=status)


def _send_steps(decision_id: UUID | str, *, from_status: str) -> None:
    """The chain from the step that is next at `from_status` to the gate."""
    first = next(number for number, (_, statuses) in enumerate(STEPS) if from_status in statuses)
    try:
        chain(*(step.si(decision_id=str(decision_id)) for step, _ in STEPS[first:])).apply_async()
    except OperationalError as error:
        log.warning("decision=%s waits for the sweeper, Redis is away: %s", decision_id, error)


def _send_run(ticket: Ticket) -> None:
    try:
        current_app.send_task(
            RUN_QUEST,
            kwargs={"run_id": ticket.run_id},
            queue=ticket.job.priority.value,
            time_limit=ticket.job.time_limit_s,
            soft_time_limit=ticket.job.time_limit_s - 5,
        )
    except OperationalError as error:
        log.warning("run=%s waits for the sweeper, Redis is away: %s", ticket.run_id, error)


def _may_send_again(name: str) -> bool:
    """True at most once per name and interval, so that a long queue does not fill with copies of one message."""
    try:
        return bool(bus.client().set(f"sent-again:{name}", 1, nx=True, ex=_SEND_AGAIN_EVERY_S))
    except redis.RedisError:
        return False  # the broker is the same server; a later sweep sends it
