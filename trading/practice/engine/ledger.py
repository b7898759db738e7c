"""The venue's own truth about its clients: every order, fill and balance, append-only.

Tests compare the desk's books with it. With a journal file it survives a kill: each engine operation is one line,
written with one system call, so an operation is on record whole or not at all.
"""

from __future__ import annotations

import json
import os
from collections.abc import Iterator
from dataclasses import asdict, fields
from decimal import Decimal, InvalidOperation
from pathlib import Path
from typing import Any, cast

from trading.practice.engine.types import Fill, Kind, Order, Side, Status, TimeInForce, Trigger
from trading.practice.errors import JournalError

Record = dict[str, object]
_DECIMALS = frozenset(
    {"size_base", "size_quote", "price", "trigger_price", "filled_base", "filled_quote", "fee", "locked"}
)
_ENUMS: dict[str, type[Side] | type[Kind] | type[TimeInForce] | type[Trigger] | type[Status]] = {
    "side": Side,
    "kind": Kind,
    "time_in_force": TimeInForce,
    "trigger": Trigger,
    "status": Status,
}


class Ledger:
    """Orders by id, fills in order, and every record as it was written."""

    def __init__(self, *, path: Path | None = None) -> None:
        self.orders: dict[int, Order] = {}
        self.fills: list[Fill] = []
        self.records: list[Record] = []
        self.balances: dict[tuple[str, str], tuple[Decimal, Decimal]] = {}
        self.world: Record = {}
        self._by_client_id: dict[tuple[str, str], int] = {}
        self._pending: list[Record] = []
        self._file: int | None = None
        self._world_path = None if path is None else path.with_suffix(".world.json")
        if path is not None:
            self._restore(path)
            self._file = os.open(path, os.O_WRONLY | os.O_CREAT | os.O_APPEND, 0o600)

    @property
    def is_restored(self) -> bool:
        """True when a journal brought anything back."""
        return bool(self.balances)

    def note_order(self, order: Order) -> None:
        """Record the present state of a client's order."""
        self.orders[order.id] = order
        if order.client_id:
            self._by_client_id[order.account, order.client_id] = order.id
        self._pending.append({"t": "order", **asdict(order)})

    def note_fill(self, fill: Fill) -> None:
        """Record a client's fill."""
        self.fills.append(fill)
        self._pending.append({"t": "fill", **asdict(fill)})

    def note_balance(self, account: str, *, asset: str, free: Decimal, locked: Decimal) -> None:
        """Record a client's balance after a change."""
        self.balances[account, asset] = (free, locked)
        self._pending.append(
            {"t": "balance", "account": account, "asset": asset, "free": free, "locked": locked}
        )

    def note_deposit(self, account: str, *, asset: str, amount: Decimal, at_ms: int) -> None:
        """Record a deposit (negative: a withdrawal)."""
        self._pending.append(
            {"t": "deposit", "account": account, "asset": asset, "amount": amount, "at_ms": at_ms}
        )

    def note_world(self, state: Record) -> None:
        """Remember prices and counters for a restart, in a small file of its own that is replaced whole."""
        self.world = state
        if self._world_path is not None:
            fresh = self._world_path.with_suffix(".new")
            fresh.write_text(json.dumps(state, default=str))
            fresh.replace(self._world_path)

    def commit(self) -> None:
        """Close the operation: its records go to the file together."""
        if self._pending:
            pending, self._pending = self._pending, []
            self.records.extend(pending)
            self._write(pending)

    def by_client_id(self, account: str, client_id: str) -> Order | None:
        """The latest order of ``account`` with this client id, or None."""
        order_id = self._by_client_id.get((account, client_id))
        return None if order_id is None else self.orders[order_id]

    def close(self) -> None:
        """Close the journal file."""
        if self._file is not None:
            os.close(self._file)
            self._file = None

    def _write(self, records: list[Record]) -> None:
        if self._file is not None:
            os.write(self._file, json.dumps(records, default=str, separators=(",", ":")).encode() + b"\n")

    def _restore(self, path: Path) -> None:
        if self._world_path is not None and self._world_path.exists():
            try:
                self.world = cast("Record", json.loads(self._world_path.read_text()))
            except ValueError as error:
                raise JournalError(f"state file {self._world_path}: not readable; remove it") from error
        for number, line in _whole_lines(path):
            try:
                for record in cast("list[Record]", json.loads(line)):
                    self._replay(record)
            except (ValueError, KeyError, TypeError, InvalidOperation) as error:
                raise JournalError(
                    f"state file {path}: line {number} is not readable ({error}); move the file away to start afresh"
                ) from error

    def _replay(self, record: Record) -> None:
        kind = record["t"]
        body = {key: value for key, value in record.items() if key != "t"}
        if kind == "order":
            order = Order(**_typed(Order, body))
            self.orders[order.id] = order
            if order.client_id:
                self._by_client_id[order.account, order.client_id] = order.id
        elif kind == "fill":
            self.fills.append(Fill(**_typed(Fill, body)))
        elif kind == "balance":
            self.balances[str(body["account"]), str(body["asset"])] = (
                Decimal(str(body["free"])),
                Decimal(str(body["locked"])),
            )
        self.records.append(record)


def _typed(kind: type[Order] | type[Fill], body: Record) -> dict[str, Any]:
    known = {field.name for field in fields(kind)}
    return {name: _value(name, value) for name, value in body.items() if name in known}


def _value(name: str, value: object) -> object:
    if value is None:
        return None
    if name in _DECIMALS:
        return Decimal(str(value))
    if name in _ENUMS:
        return _ENUMS[name](str(value))
    return value


def _whole_lines(path: Path) -> Iterator[tuple[int, bytes]]:
    """Lines that end in a newline; a torn last line (killed while writing) is cut off the file."""
    if not path.exists():
        return
    data = path.read_bytes()
    whole = data[: data.rfind(b"\n") + 1]
    if len(whole) != len(data):
        os.truncate(path, len(whole))
    yield from enumerate(whole.splitlines(), start=1)
