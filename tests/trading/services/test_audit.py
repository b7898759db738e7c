"""Every way of rewriting the past is seen."""

import json
import time
from collections.abc import Iterator
from datetime import datetime

import pytest
from django.db import connection, transaction

from tests.factories import AT
from tests.tamper import as_owner
from trading.models import Event
from trading.services import audit, events
from trading.services.audit import AuditError

pytestmark = pytest.mark.postgres


@pytest.fixture(autouse=True)
def _no_checkpoint(db: None) -> Iterator[None]:
    yield
    audit.head_path().unlink(missing_ok=True)


def _append(count: int, *, at: datetime = AT) -> None:
    for number in range(count):
        with transaction.atomic():
            events.append(kind="state.changed", mode="paper", payload={"n": number, "x": "1.50"}, at=at)


def test_an_untouched_trail_verifies() -> None:
    assert audit.verify() == audit.EMPTY
    _append(5)
    head = audit.verify()
    assert head == audit.Head(id=5, digest=Event.objects.get(pk=5).digest)


@pytest.mark.parametrize(
    ("statement", "message"),
    [
        (
            'UPDATE trading_event SET payload = \'{"n": 1, "x": "1.5"}\' WHERE id = 2',
            "event 2 .* was changed",
        ),
        ("UPDATE trading_event SET kind = 'order.filled' WHERE id = 3", "event 3 .* was changed"),
        ("UPDATE trading_event SET mode = 'live' WHERE id = 1", "event 1 .* was changed"),
        (
            "UPDATE trading_event SET at = '2026-11-20 12:00:00.000001+00:00' WHERE id = 5",
            "event 5 .* was changed",
        ),
        ("DELETE FROM trading_event WHERE id = 3", "event 3 is missing"),
        ("DELETE FROM trading_event WHERE id = 1", "event 1 is missing"),
        ("UPDATE trading_event SET id = 9 WHERE id = 5", "event 5 is missing"),
    ],
)
def test_an_edit_or_a_deletion_is_named(statement: str, message: str) -> None:
    _append(5)
    as_owner(statement)
    with pytest.raises(AuditError, match=message):
        audit.verify()


def test_a_new_order_of_rows_is_seen() -> None:
    _append(5)
    as_owner(
        "UPDATE trading_event SET id = 99 WHERE id = 2",
        "UPDATE trading_event SET id = 2 WHERE id = 3",
        "UPDATE trading_event SET id = 3 WHERE id = 99",
    )
    with pytest.raises(AuditError, match="event 2 does not follow event 1"):
        audit.verify()


def test_a_cut_tail_is_seen_by_the_checkpoint() -> None:
    _append(5)
    audit.checkpoint(at=AT)
    as_owner("DELETE FROM trading_event WHERE id > 3")
    with pytest.raises(AuditError, match="its tail was cut off"):
        audit.verify()
    with pytest.raises(AuditError, match="tail of the trail was cut off"):
        audit.checkpoint(at=AT)


def _compute_anew() -> None:
    """A forger's trail: the second event is another, and all digests fit again."""
    previous, statements = events.GENESIS, []
    for event in Event.objects.order_by("id"):
        event.previous = previous
        event.kind = "forged" if event.id == 2 else event.kind
        previous = event.digest = events.digest_of(event)
        statements.append(
            f"UPDATE trading_event SET kind = '{event.kind}', previous = '{event.previous}', "
            f"digest = '{event.digest}' WHERE id = {event.id}"
        )
    as_owner(*statements)


def test_a_chain_computed_anew_is_seen_by_the_checkpoint() -> None:
    _append(4)
    audit.checkpoint(at=AT)
    _compute_anew()
    assert Event.objects.filter(kind="forged").exists()
    _append(2)
    for look in (audit.verify, lambda: audit.checkpoint(at=AT)):
        with pytest.raises(AuditError, match="computed anew"):
            look()


def test_a_checkpoint_continues_from_the_last_one() -> None:
    assert audit.checkpointed() is None
    _append(2)
    assert audit.checkpoint(at=AT).id == 2
    _append(3)
    assert audit.checkpoint(at=AT).id == 5
    kept = audit.checkpointed()
    assert kept == audit.verify()
    assert json.loads(audit.head_path().read_text())["at"] == AT.isoformat()


def test_no_checkpoint_is_written_over_a_broken_trail() -> None:
    _append(2)
    audit.checkpoint(at=AT)
    before = audit.head_path().read_text()
    _append(2)
    as_owner("UPDATE trading_event SET kind = 'x' WHERE id = 4")
    with pytest.raises(AuditError):
        audit.checkpoint(at=AT)
    assert audit.head_path().read_text() == before


@pytest.mark.parametrize("text", ["", "{}", "[]", '{"id": "x", "digest": ""}', "é"])
def test_a_damaged_checkpoint_is_one_clear_line(text: str) -> None:
    audit.head_path().write_text(text, encoding="utf-8")
    with pytest.raises(AuditError, match="checkpoint"):
        audit.verify()


def test_a_missing_trigger_is_named() -> None:
    audit.verify_triggers()
    drop = "DROP TRIGGER trading_fill_no_update" + (
        " ON trading_fill" if connection.vendor == "postgresql" else ""
    )
    with connection.cursor() as cursor:
        cursor.execute(drop)
    with pytest.raises(AuditError, match="trigger trading_fill_no_update is gone"):
        audit.verify_triggers()


def test_a_long_trail_is_verified_at_a_million_rows_a_minute() -> None:
    previous, rows = events.GENESIS, []
    for number in range(1, 10_001):
        event = Event(
            id=number,
            at=AT,
            kind="fill.booked",
            mode="paper",
            payload={"n": number, "price": "1.5", "size_base": "0.25", "symbol": "BTC/USDT"},
            previous=previous,
        )
        previous = event.digest = events.digest_of(event)
        rows.append(event)
    Event.objects.bulk_create(rows, batch_size=100)
    started_s = time.process_time()
    assert audit.verify().id == len(rows)
    assert time.process_time() - started_s < 0.6
