"""The journal file: torn lines, damaged files, ids after a restart."""

from __future__ import annotations

from decimal import Decimal

import pytest

from tests.trading.practice.engine.worlds import engine, limit, market
from trading.practice.engine.ledger import Ledger
from trading.practice.engine.types import Trigger
from trading.practice.errors import JournalError


def test_a_torn_last_line_is_dropped_and_the_operation_never_happened(tmp_path):
    path = tmp_path / "state.jsonl"
    exchange = engine(ledger=Ledger(path=path))
    kept = exchange.place("ann", limit("buy", "1", "90"))
    size = path.stat().st_size
    exchange.place("ann", limit("buy", "2", "91"))
    exchange.ledger.close()
    data = path.read_bytes()
    path.write_bytes(data[: size + 10])
    again = engine(ledger=Ledger(path=path))
    assert list(again.open_orders) == [kept.id]
    assert again.accounts["ann"].balance("USDT").locked == Decimal(90)
    again.place("ann", limit("buy", "1", "92"))
    again.ledger.close()
    assert len(engine(ledger=Ledger(path=path)).open_orders) == 2


def test_a_damaged_file_is_one_clear_error(tmp_path):
    path = tmp_path / "state.jsonl"
    path.write_text('[{"t":"balance","account":"ann"}]\n')
    with pytest.raises(JournalError, match="line 1 is not readable"):
        Ledger(path=path)


def test_waiting_stops_and_ids_survive(tmp_path):
    path = tmp_path / "state.jsonl"
    exchange = engine(ledger=Ledger(path=path))
    stop = exchange.place(
        "ann", market("sell", "1", trigger=Trigger.STOP_LOSS, trigger_price=Decimal(90), client_id="s")
    )
    exchange.ledger.close()
    again = engine(ledger=Ledger(path=path))
    assert again.ledger.orders[stop.id].is_waiting
    assert again.ledger.by_client_id("ann", "s") == stop
    fresh = again.place("ann", limit("buy", "1", "80"))
    assert fresh.id > stop.id
    again.place("bob", limit("buy", "1", "89"))
    again.place("cat", limit("sell", "1", "89"))
    assert not again.ledger.orders[stop.id].is_waiting
