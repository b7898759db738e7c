"""The chain on real workers: repeated messages, a worker killed in the middle of a debate, a gate that died."""

import threading
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import timedelta
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer

import pytest

from agents.models import Session
from neuratrade.lib import clock
from quests import pipeline
from quests.services.sweeping import CHECK_LIMIT, SEND_AGAIN_AFTER
from tests.factories import Desk
from tests.processes import Processes
from trading.models import Decision, Event, Lease
from trading.services import decisions

pytestmark = pytest.mark.django_db(transaction=True)

Status = Decision.Status


def opened(desk: Desk) -> Decision:
    return decisions.open_decision(
        account=desk.account(), instrument=desk.instrument(), source="test", market={}, at=clock.now()
    )


def is_over(decision: Decision) -> bool:
    decision.refresh_from_db()
    return decision.status not in decisions.OPEN_STATUSES


def count(decision: Decision, kind: str) -> int:
    return Event.objects.filter(decision=decision, kind=kind).count()


@contextmanager
def silent_model() -> Iterator[tuple[str, threading.Event]]:
    """A model server that takes the question and never answers; gives its address and "was asked"."""
    asked, enough = threading.Event(), threading.Event()

    class Handler(BaseHTTPRequestHandler):
        def do_POST(self) -> None:
            asked.set()
            enough.wait(60)

        def log_message(self, format: str, *args: object) -> None:
            pass

    server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
    server.daemon_threads = True
    threading.Thread(target=server.serve_forever, daemon=True).start()
    try:
        yield f"http://127.0.0.1:{server.server_port}/v1", asked
    finally:
        enough.set()
        server.shutdown()
        server.server_close()


def test_messages_that_arrive_many_times_do_the_work_once(shared_desk: Desk, processes: Processes) -> None:
    """No market is being watched, so the analyst finds no evidence: the desk does not trade."""
    decision = opened(shared_desk)
    for _ in range(5):
        pipeline.start(decision_id=decision.pk)
    processes.start("worker-high", "worker-critical")
    processes.until(lambda: is_over(decision), what="the end of the debate")
    assert decision.status == Status.NO_TRADE
    assert decision.reason
    assert count(decision, "decision.analysing") == count(decision, "decision.no_trade") == 1
    assert Session.objects.filter(decision=decision).count() == 1


def test_a_debate_whose_worker_was_killed_goes_on_and_ends(shared_desk: Desk, processes: Processes) -> None:
    decision = opened(shared_desk)
    with silent_model() as (address, was_asked):
        processes.start(
            "worker-high",
            NEURATRADE_AI_PROVIDER="openai_compatible",
            NEURATRADE_AI_MODEL="silent",
            NEURATRADE_AI_BASE_URL=address,
            NEURATRADE_AI_LOCAL="1",
        )
        pipeline.start(decision_id=decision.pk)
        processes.until(was_asked.is_set, what="the question to the model")
        processes.kill("worker-high")
    decision.refresh_from_db()
    assert decision.status == Status.ANALYSING

    late = clock.now() + SEND_AGAIN_AFTER
    pipeline.sweep(at=late)  # its lease still runs: left alone
    Lease.objects.update(expires_at=clock.now())  # as time will do
    pipeline.sweep(at=late)
    processes.start("worker-high", "worker-critical")
    processes.until(lambda: is_over(decision), what="the end of the debate")
    assert decision.status in (Status.NO_TRADE, Status.FAILED)
    assert decision.reason
    assert count(decision, "decision.analysing") == 1


def test_a_chain_that_was_lost_on_its_way_goes_on_from_where_it_stood(
    shared_desk: Desk, processes: Processes
) -> None:
    decision = opened(shared_desk)
    Decision.objects.filter(pk=decision.pk).update(status=Status.REVIEWED, idea=None)
    processes.start("worker-critical")
    pipeline.sweep(at=clock.now() + SEND_AGAIN_AFTER)
    processes.until(lambda: is_over(decision), what="the gate's answer")
    assert decision.status in (Status.VETOED, Status.FAILED)  # there is no idea to approve
    assert not Session.objects.exists()


def test_a_gate_that_died_is_not_asked_again(shared_desk: Desk, processes: Processes) -> None:
    decision = opened(shared_desk)
    Decision.objects.filter(pk=decision.pk).update(status=Status.CHECKING)
    pipeline.sweep(at=clock.now() + CHECK_LIMIT + timedelta(seconds=1))
    assert is_over(decision)
    assert decision.status == Status.FAILED
