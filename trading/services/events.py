"""Appends to the audit trail: the one chain that every change to a trade leaves a link in."""

import hashlib
import json
import logging
from collections.abc import Mapping
from datetime import UTC, datetime
from functools import partial
from typing import Any

import redis
from django.db import connection, transaction

from neuratrade.lib import redis as bus
from neuratrade.lib.storable import storable
from trading.models import Decision, Event

log = logging.getLogger(__name__)

GENESIS = "0" * 64


def append(
    *, kind: str, mode: str, payload: Mapping[str, Any], at: datetime, decision: Decision | None = None
) -> Event:
    """Adds one event; call it inside the transaction of the change it records, so that both happen or neither.

    `payload` must be JSON-able, with decimals as text. Raises TransactionManagementError outside a transaction.
    """
    if not connection.in_atomic_block:
        raise transaction.TransactionManagementError("an event belongs to the transaction of its change")
    # One transaction at a time (neuratrade.db): nobody else can append between this and the commit.
    last = Event.objects.order_by("-id").values_list("id", "digest").first()
    last_id, previous = last if last else (0, GENESIS)
    event = Event(
        id=last_id + 1,
        at=at,
        kind=kind,
        mode=mode,
        decision=decision,
        payload=json.loads(canonical(storable(payload))),
        previous=previous,
    )
    event.digest = digest_of(event)
    event.save(force_insert=True)
    transaction.on_commit(partial(_announce, event.id, kind))
    return event


def digest_of(event: Event) -> str:
    """SHA-256 hex over the previous digest and the row's canonical JSON (ids and times included)."""
    row = {
        "id": event.id,
        "at": event.at.astimezone(UTC).isoformat(timespec="microseconds"),
        "kind": event.kind,
        "mode": event.mode,
        "decision": str(event.decision_id) if event.decision_id else None,
        "payload": event.payload,
    }
    return hashlib.sha256(f"{event.previous}\n{canonical(row)}".encode()).hexdigest()


def canonical(value: object) -> str:
    """One text per value: sorted keys, no blanks, no NaN; raises TypeError on what JSON cannot hold."""
    return json.dumps(value, sort_keys=True, separators=(",", ":"), allow_nan=False, ensure_ascii=True)


def _announce(event_id: int, kind: str) -> None:
    try:
        bus.publish(bus.EVENTS, canonical({"id": event_id, "kind": kind}))
    except redis.RedisError:
        log.warning(
            "event %s is recorded but Redis did not take the hint; readers find it by their cursor", event_id
        )
