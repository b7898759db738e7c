"""What the desk expects of a transaction, on whichever database it runs."""

import threading
from collections.abc import Callable
from typing import Any

import psycopg
import pytest
from django.db import OperationalError, close_old_connections, connection, transaction

from tests.factories import AT, make_desk
from trading.models import DeskState, Event, Heartbeat
from trading.services import events

pytestmark = pytest.mark.postgres
on_postgresql = pytest.mark.skipif("connection.vendor != 'postgresql'", reason="SQLite has no server to lose")


def _at_once(*work: Callable[[], object]) -> list[Exception]:
    """Runs each in a thread with a connection of its own; returns what they raised."""
    raised: list[Exception] = []

    def run(one: Callable[[], object]) -> None:
        try:
            one()
        except Exception as error:  # noqa: BLE001 - handed to the test
            raised.append(error)
        finally:
            connection.close()

    threads = [threading.Thread(target=run, args=(one,)) for one in work]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join(timeout=60)
    return raised


def _append() -> None:
    events.append(kind="state.changed", mode="paper", payload={}, at=AT)


@pytest.mark.django_db(transaction=True)
def test_two_that_touch_the_same_rows_crosswise_both_succeed(redis_client: Any) -> None:
    """An order is taken back while it is sent: one holds the order and wants the audit chain, the other the reverse."""
    state = make_desk(at=AT).state
    began, overlapped = threading.Event(), threading.Event()

    def chain_then_row() -> None:
        with transaction.atomic():
            _append()
            began.set()
            overlapped.wait(timeout=0.5)
            DeskState.objects.filter(pk=state.pk).update(cause="first")

    def row_then_chain() -> None:
        began.wait(timeout=10)
        with transaction.atomic():
            DeskState.objects.filter(pk=state.pk).update(cause="second")
            overlapped.set()
            _append()

    assert _at_once(chain_then_row, row_then_chain) == []
    assert Event.objects.count() == 2
    assert DeskState.objects.get().cause == "second"


@pytest.mark.django_db(transaction=True)
def test_what_a_transaction_counted_still_holds_when_it_writes() -> None:
    """A cap over many rows (exposure, open debates) holds although nobody locks a row that all of them share."""
    cap, both = 1, threading.Barrier(2)

    def add(name: str) -> None:
        both.wait(timeout=10)
        with transaction.atomic():
            if Heartbeat.objects.count() >= cap:
                return
            threading.Event().wait(0.2)  # the other has time to count, too
            Heartbeat.objects.create(process=name, pid=1, started_at=AT, beat_at=AT)

    assert _at_once(lambda: add("one"), lambda: add("two")) == []
    assert Heartbeat.objects.count() == cap


@on_postgresql
@pytest.mark.django_db(transaction=True)
def test_a_transaction_begins_although_the_server_restarted_meanwhile(redis_client: Any) -> None:
    _cut()
    with transaction.atomic():
        _append()
    assert Event.objects.count() == 1


@on_postgresql
@pytest.mark.django_db(transaction=True)
def test_a_restart_of_the_server_costs_one_statement() -> None:
    _cut()
    with pytest.raises(OperationalError):
        Heartbeat.objects.count()
    assert Heartbeat.objects.count() == 0


@on_postgresql
@pytest.mark.django_db(transaction=True)
def test_letting_a_broken_connection_go_asks_nothing_of_a_server_that_is_away() -> None:
    port = connection.settings_dict["PORT"]
    connection.ensure_connection()
    connection.connection.close()
    connection.settings_dict["PORT"] = 1
    try:
        close_old_connections()
    finally:
        connection.settings_dict["PORT"] = port
    assert Heartbeat.objects.count() == 0


@on_postgresql
@pytest.mark.django_db(transaction=True)
def test_a_transaction_cut_in_the_middle_leaves_nothing_and_is_not_repeated(redis_client: Any) -> None:
    @transaction.atomic
    def work() -> None:
        _append()
        _cut()
        _append()

    with pytest.raises(OperationalError):
        work()
    assert Event.objects.count() == 0


def _cut() -> None:
    """Ends this thread's connection at the server, as a restart does."""
    connection.ensure_connection()
    pid = connection.connection.info.backend_pid
    with psycopg.connect(**_address(), autocommit=True) as other:
        other.execute("SELECT pg_terminate_backend(%s, 5000)", [pid])


def _address() -> dict[str, Any]:
    parameters = connection.get_connection_params()
    return {
        name: parameters[name]
        for name in ("dbname", "user", "password", "host", "port")
        if name in parameters
    }
