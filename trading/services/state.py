"""Whether the desk may trade: one row per operator and mode in SQL, changed here only.

Every change grows `breaker_epoch`, which voids approvals given before it. `set_state` steps down only; up is `resume`, and
`recover` where stale prices were the cause.
"""

from datetime import datetime
from typing import Any

from django.db import transaction

from trading.errors import InvalidValueError
from trading.models import DeskState, Operator, Position
from trading.risk.breakers import BreakerKind
from trading.services import events
from trading.types import TradingState

_GRAVITY = {TradingState.ACTIVE: 0, TradingState.REDUCING: 1, TradingState.HALTED: 2}
LONGEST_CAUSE = 300


def current(*, operator: Operator, mode: str) -> DeskState:
    """The desk's state. A new desk is ACTIVE, and still cannot trade before the risk guard renews `ok_until`."""
    row, _ = DeskState.objects.get_or_create(
        operator=operator,
        mode=mode,
        defaults={"state": TradingState.ACTIVE, "changed_at": operator.created_at},
    )
    return row


def set_state(
    *, operator: Operator, mode: str, state: TradingState, cause: str, at: datetime, kind: str = ""
) -> DeskState:
    """Steps down to `state`; does nothing when the desk is there already, or while a liquidation runs. Raises InvalidValueError on a step up: that is `resume`."""
    with transaction.atomic():
        row = _locked(operator, mode)
        if _GRAVITY[state] < _GRAVITY[TradingState(row.state)]:
            raise InvalidValueError(
                f"the desk is {row.state}; only `neuratrade resume` brings it back to {state}"
            )
        # Halting now would block the way out; the liquidation halts the desk when it is done.
        if row.state != state and not row.is_liquidating:
            _change(row, at=at, state=state, cause=cause, cause_kind=kind)
        return row


def begin_liquidation(
    *, operator: Operator, mode: str, cause: str, at: datetime, kind: str = ""
) -> DeskState:
    """REDUCING, and the executor closes everything. Once begun it is not begun again; a halted desk may be liquidated too."""
    with transaction.atomic():
        row = _locked(operator, mode)
        if not row.is_liquidating:
            _change(
                row,
                at=at,
                state=TradingState.REDUCING,
                is_liquidating=True,
                cause=cause,
                cause_kind=kind,
            )
        return row


def finish_liquidation(*, operator: Operator, mode: str, at: datetime) -> DeskState:
    """HALTED: the executor calls it when the venue itself shows that nothing is left. Does nothing when none is under way."""
    with transaction.atomic():
        row = _locked(operator, mode)
        if row.is_liquidating:
            _change(row, at=at, state=TradingState.HALTED, is_liquidating=False)
        return row


def recover(*, operator: Operator, mode: str, cause: str, at: datetime) -> DeskState:
    """Back to ACTIVE by itself, only from a REDUCING that stale prices caused; does nothing otherwise."""
    with transaction.atomic():
        row = _locked(operator, mode)
        is_due = row.state == TradingState.REDUCING and row.cause_kind == BreakerKind.STALE_PRICES
        if is_due and not row.is_liquidating:
            _change(row, at=at, state=TradingState.ACTIVE, cause=cause, cause_kind="")
        return row


def resume(*, operator: Operator, mode: str, cause: str, at: datetime) -> DeskState:
    """ACTIVE by the operator's word. The drawdown window starts anew. Does nothing when the desk is ACTIVE.

    Raises InvalidValueError while a liquidation is under way, or while something of a finished one is still held.
    """
    with transaction.atomic():
        row = _locked(operator, mode)
        if row.is_liquidating:
            raise InvalidValueError(
                "a liquidation is under way; wait until `neuratrade kill` says all is closed"
            )
        if row.state == TradingState.HALTED and (left := _still_held(operator, mode)):
            raise InvalidValueError(
                f"the desk still holds {', '.join(left)}; run `neuratrade kill` to close it, then resume"
            )
        if row.state != TradingState.ACTIVE:
            _change(row, at=at, state=TradingState.ACTIVE, cause=cause, cause_kind="", drawdown_from=at)
        return row


def renew_ok(*, operator: Operator, mode: str, until: datetime) -> None:
    """The risk guard's promise that every breaker was evaluated; without it no entry is approved or sent."""
    DeskState.objects.filter(operator=operator, mode=mode).update(ok_until=until)


def _locked(operator: Operator, mode: str) -> DeskState:
    """The row, held until the transaction ends (on SQLite the transaction itself holds everything)."""
    current(operator=operator, mode=mode)
    return DeskState.objects.select_for_update().get(operator=operator, mode=mode)


def _change(row: DeskState, *, at: datetime, **columns: Any) -> None:
    before = row.state
    if "cause" in columns:
        columns["cause"] = columns["cause"][:LONGEST_CAUSE]
    epoch = row.breaker_epoch + 1
    moved = DeskState.objects.filter(pk=row.pk, breaker_epoch=row.breaker_epoch).update(
        **columns, breaker_epoch=epoch, changed_at=at
    )
    if moved != 1:
        raise InvalidValueError("the desk's state changed in between; try again")
    row.refresh_from_db()
    events.append(
        kind="breaker.tripped" if columns.get("cause_kind") else "state.changed",
        mode=row.mode,
        payload={
            "operator": row.operator.name,
            "from": before,
            "to": row.state,
            "is_liquidating": row.is_liquidating,
            "breaker_epoch": epoch,
            "cause_kind": row.cause_kind,
            "cause": row.cause,
        },
        at=at,
    )


def _still_held(operator: Operator, mode: str) -> list[str]:
    """What is held above the venue's minimum size: more than the dust a liquidation may leave."""
    rows = Position.objects.filter(account__operator=operator, account__mode=mode).select_related(
        "instrument__venue"
    )
    return [
        f"{row.size_base:f} {row.instrument.base} at {row.instrument.venue.name}"
        for row in rows
        if row.size_base
        and abs(row.size_base) >= row.instrument.min_size
        and abs(row.size_base) * row.average_cost >= row.instrument.min_notional
    ]
