"""The database itself refuses to change a fact."""

from datetime import datetime
from decimal import Decimal

import pytest
from django.db import DatabaseError, connection, transaction

from tests.factories import Desk
from trading.append_only import expected_triggers, trigger_names
from trading.models import Event, Posting
from trading.services import events
from trading.services.audit import append_only_models

pytestmark = pytest.mark.postgres

SQLITE = pytest.mark.skipif("connection.vendor != 'sqlite'", reason="a question about SQLite only")


def _refused(statement: str) -> None:
    with (
        pytest.raises(DatabaseError, match="append-only|continue the chain"),
        transaction.atomic(),
        connection.cursor() as cursor,
    ):
        cursor.execute(statement)


def _event(at: datetime, kind: str = "state.changed") -> Event:
    with transaction.atomic():
        return events.append(kind=kind, mode="paper", payload={"n": 1}, at=at)


def test_every_audit_table_has_its_triggers(db: None) -> None:
    tables = {model._meta.db_table for model in append_only_models()}
    assert len(tables) >= 9
    for table in tables:
        assert expected_triggers(connection, table) <= trigger_names(connection), table


def test_every_table_with_triggers_says_so_in_its_model(db: None) -> None:
    """So that a trigger that is gone is missed: what no model claims, nobody looks for."""
    found = {
        name.removesuffix("_no_delete") for name in trigger_names(connection) if name.endswith("_no_delete")
    }
    assert found == {model._meta.db_table for model in append_only_models()}


def test_update_and_delete_are_refused(desk: Desk, at: datetime) -> None:
    _event(at)
    for table in ("trading_posting", "trading_event"):
        _refused(f"UPDATE {table} SET id = id + 1000")
        _refused(f"DELETE FROM {table}")
    assert Posting.objects.count() == 2


def test_the_orm_cannot_change_a_posting(desk: Desk) -> None:
    posting = Posting.objects.first()
    assert posting is not None
    posting.amount = Decimal(1_000_000)
    with pytest.raises(DatabaseError, match="append-only"), transaction.atomic():
        posting.save()
    with pytest.raises(DatabaseError, match="append-only"), transaction.atomic():
        posting.delete()


@SQLITE
def test_insert_or_replace_is_refused_even_without_recursive_triggers(desk: Desk, at: datetime) -> None:
    _event(at)
    with connection.cursor() as cursor:
        cursor.execute("PRAGMA recursive_triggers=OFF")
    try:
        _refused("INSERT OR REPLACE INTO trading_posting SELECT * FROM trading_posting")
        _refused("INSERT OR REPLACE INTO trading_event SELECT * FROM trading_event WHERE id = 1")
        _refused(
            "INSERT OR REPLACE INTO trading_event (id, at, kind, mode, payload, previous, digest) "
            "SELECT 99, at, kind, mode, payload, previous, digest FROM trading_event WHERE id = 1"
        )
    finally:
        with connection.cursor() as cursor:
            cursor.execute("PRAGMA recursive_triggers=ON")
    assert Event.objects.count() == 1


def test_an_event_outside_the_chain_is_refused(db: None, at: datetime) -> None:
    first, second = _event(at), _event(at, "other")
    for forged in (
        Event(id=second.id + 1, previous=first.digest + "x", digest="a" * 64, at=at, kind="k", mode="paper"),
        Event(id=second.id + 1, previous="1" * 64, digest="b" * 64, at=at, kind="k", mode="paper"),
    ):
        with pytest.raises(DatabaseError, match="chain|too long"), transaction.atomic():
            forged.save(force_insert=True)
    assert Event.objects.count() == 2


def test_an_event_with_an_old_id_is_refused(db: None, at: datetime) -> None:
    with transaction.atomic():
        event = events.append(kind="k", mode="paper", payload={}, at=at)
    with pytest.raises(DatabaseError), transaction.atomic():
        Event(id=0, previous=event.digest, digest="c" * 64, at=at, kind="k", mode="paper").save(
            force_insert=True
        )


@pytest.mark.django_db(transaction=True)
def test_a_transactional_test_can_be_emptied_and_stays_protected(at: datetime) -> None:
    _event(at)
    _refused("DELETE FROM trading_event")


@pytest.mark.django_db(transaction=True)
def test_the_triggers_are_back_after_the_flush(at: datetime) -> None:
    assert not Event.objects.exists()
    _event(at)
    _refused("DELETE FROM trading_event")
