"""Opens decisions and moves their status. Whoever moved it owns the next step; everybody else does nothing."""

from collections.abc import Mapping
from datetime import datetime
from typing import Any
from uuid import UUID

from django.db import transaction

from neuratrade.lib.storable import storable
from trading.models import Account, Decision, Instrument
from trading.services import events

Status = Decision.Status

OPEN_STATUSES = (
    Status.OPENED,
    Status.ANALYSING,
    Status.ANALYSED,
    Status.PLANNING,
    Status.PLANNED,
    Status.REVIEWING,
    Status.REVIEWED,
    Status.CHECKING,
)
LONGEST_SOURCE = 80
_ENDINGS = (Status.NO_TRADE, Status.VETOED, Status.FAILED)


def open_decision(
    *,
    account: Account,
    instrument: Instrument,
    source: str,
    market: Mapping[str, Any],
    at: datetime,
    skill_name: str = "",
    skill_hash: str = "",
) -> Decision:
    """A new decision in status OPENED. `market` is what the quest saw, JSON-able, decimals as text."""
    with transaction.atomic():
        decision = Decision.objects.create(
            operator=account.operator,
            instrument=instrument,
            account=account,
            mode=account.mode,
            source=source[:LONGEST_SOURCE],
            market=storable(market),
            skill_name=skill_name,
            skill_hash=skill_hash,
            opened_at=at,
            changed_at=at,
        )
        _record(
            decision, status=Status.OPENED, at=at, extra={"source": source, "instrument": str(instrument)}
        )
    return decision


def claim(*, decision_id: UUID | str, from_status: str, to_status: str, at: datetime) -> bool:
    """True for exactly one caller: the one that may do the step. A message that arrives twice gets False."""
    return advance(decision_id=decision_id, from_status=from_status, to_status=to_status, at=at)


def advance(
    *, decision_id: UUID | str, from_status: str, to_status: str, at: datetime, **columns: Any
) -> bool:
    """Moves the status and writes `columns` in one step; False when the decision was not in `from_status`."""
    return _move(decision_id, from_statuses=(from_status,), to_status=to_status, at=at, columns=columns)


def end(*, decision_id: UUID | str, status: str, reason: str, at: datetime) -> bool:
    """Ends an open decision as NO_TRADE, VETOED or FAILED; False when it had already ended or was approved."""
    if status not in _ENDINGS:
        raise ValueError(f"{status} is not an ending; use one of {', '.join(_ENDINGS)}")
    return _move(
        decision_id, from_statuses=OPEN_STATUSES, to_status=status, at=at, columns={"reason": reason}
    )


def _move(
    decision_id: UUID | str,
    *,
    from_statuses: tuple[str, ...],
    to_status: str,
    at: datetime,
    columns: dict[str, Any],
) -> bool:
    with transaction.atomic():
        moved = Decision.objects.filter(pk=decision_id, status__in=from_statuses).update(
            status=to_status, changed_at=at, **columns
        )
        if moved != 1:
            return False
        _record(Decision.objects.get(pk=decision_id), status=to_status, at=at, extra=columns)
    return True


def _record(decision: Decision, *, status: str, at: datetime, extra: Mapping[str, Any]) -> None:
    events.append(
        kind=f"decision.{status}",
        mode=decision.mode,
        decision=decision,
        payload={"status": status, **{key: value for key, value in extra.items() if value is not None}},
        at=at,
    )
