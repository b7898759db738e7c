"""Proves that nobody rewrote the past: recomputes the event chain and compares it with a head kept outside the database.

The chain alone shows an edit, an insertion, a gap or a new order of rows. A cut tail or a chain computed anew would still be
consistent in itself; the checkpoint file, written every hour, shows those. Whoever owns both the database and the file can
forge both, so copy the printed head elsewhere now and then.
"""

import json
import os
from collections.abc import Iterator
from dataclasses import asdict, dataclass
from datetime import datetime
from pathlib import Path
from typing import NoReturn

from django.apps import apps
from django.conf import settings
from django.db import connection, models

from trading.append_only import expected_triggers, trigger_names
from trading.errors import TradingError
from trading.models import Event
from trading.services import events


class AuditError(TradingError):
    """The audit trail was changed, cut or cannot be read. Stop trading and compare with a backup."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Head:
    """The newest event. `id` 0: the trail is empty."""

    id: int
    digest: str


EMPTY = Head(id=0, digest=events.GENESIS)


def append_only_models() -> list[type[models.Model]]:
    """The models of every package that say `is_append_only = True`; their tables must carry the triggers."""
    return [model for model in apps.get_models() if getattr(model, "is_append_only", False)]


def head_path() -> Path:
    return Path(settings.HOME) / "audit_head"


def verify(*, after: Head = EMPTY) -> Head:
    """The head of the chain, recomputed from `after` on; raises AuditError naming the first row that does not fit."""
    head, kept = after, checkpointed()
    if kept is not None and kept.id <= after.id:
        _compare_stored(kept)
    for event in _events(after=after):
        if event.id != head.id + 1:
            _fail(f"event {head.id + 1} is missing (the next row is {event.id})")
        if event.previous != head.digest:
            _fail(
                f"event {event.id} does not follow event {head.id}: rows were changed, inserted or reordered"
            )
        if event.digest != events.digest_of(event):
            _fail(f"event {event.id} ({event.kind}) was changed after it was written")
        head = Head(id=event.id, digest=event.digest)
        if kept is not None and kept.id == head.id and kept.digest != head.digest:
            _fail(f"event {head.id} is not the one the checkpoint saw: the chain was computed anew")
    if kept is not None and kept.id > head.id:
        _fail(f"the checkpoint saw event {kept.id}, but the trail ends at {head.id}: its tail was cut off")
    return head


def verify_triggers() -> None:
    """Raises AuditError naming the append-only triggers that are gone."""
    expected = {"trading_event_in_chain"}
    for model in append_only_models():
        expected |= expected_triggers(connection, model._meta.db_table)
    missing = sorted(expected - trigger_names(connection))
    if missing:
        _fail(f"the database no longer refuses changes: trigger {', '.join(missing)} is gone")


def checkpoint(*, at: datetime) -> Head:
    """Verifies what came since the last checkpoint, then writes the head to HOME/audit_head; raises AuditError on a break."""
    verify_triggers()
    head = verify(after=checkpointed() or EMPTY)
    path = head_path()
    draft = path.with_suffix(".new")
    draft.write_text(json.dumps({**asdict(head), "at": at.isoformat()}) + "\n", encoding="ascii")
    with draft.open("rb") as file:
        os.fsync(file.fileno())
    draft.replace(path)
    return head


def checkpointed() -> Head | None:
    """The head at the last checkpoint; None when there was none yet. Raises AuditError when the file cannot be read."""
    path = head_path()
    try:
        text = path.read_text(encoding="ascii")
    except FileNotFoundError:
        return None
    except (OSError, UnicodeDecodeError) as error:
        raise AuditError(f"cannot read the checkpoint {path}: {error}") from error
    try:
        stored = json.loads(text)
        return Head(id=int(stored["id"]), digest=str(stored["digest"]))
    except (ValueError, KeyError, TypeError) as error:
        raise AuditError(f"the checkpoint {path} is damaged; restore it from a backup") from error


def _compare_stored(kept: Head) -> None:
    """The row the checkpoint saw must still be there, with its digest; asked when the walk starts behind it."""
    if kept == EMPTY:
        return
    event = Event.objects.filter(pk=kept.id).first()
    if event is None:
        _fail(f"the checkpoint saw event {kept.id}, and it is gone: the tail of the trail was cut off")
    if event.digest != kept.digest or events.digest_of(event) != kept.digest:
        _fail(f"event {kept.id} is not the one the checkpoint saw: the chain was computed anew")


def _events(*, after: Head) -> Iterator[Event]:
    """Rows in order, a page at a time: memory stays flat however long the trail is."""
    return Event.objects.filter(id__gt=after.id).order_by("id").iterator(chunk_size=5_000)


def _fail(problem: str) -> NoReturn:
    raise AuditError(f"audit trail broken: {problem}")
