"""What the golden year does not have: rebates, fees beside what moved, names from strangers."""

import csv
import io
from decimal import Decimal

import pytest

from tests.trading.accounting.taxes.histories import booked, buy, event
from tests.trading.accounting.taxes.test_golden import HEADER
from trading.accounting.taxes import formats
from trading.accounting.taxes.events import Event, Kind
from trading.accounting.taxes.formats.header import amount, text
from trading.accounting.taxes.year import tax_year


def lines(name: str, *events: Event) -> list[dict[str, str]]:
    written = io.StringIO(newline="")
    formats.write(written, tax_year(booked(events), year=2024), header=HEADER, name=name)
    return list(csv.DictReader(io.StringIO(written.getvalue())))


def test_a_rebate_is_received_beside_its_trade() -> None:
    trade, rebate = lines("koinly", buy("1", "100", on=1, fee="-2", fee_asset="USD"))
    assert (trade["Sent Amount"], trade["Received Amount"], trade["Fee Amount"]) == ("100", "1", "")
    assert (rebate["Received Amount"], rebate["Received Currency"], rebate["Label"]) == (
        "2",
        "USD",
        "fee refund",
    )


def test_the_fee_of_a_split_is_told_once() -> None:
    split = event(Kind.SPLIT, "3", "0xaa", on=1, total="3", quote="USDT", fee="0.1", fee_asset="USDT")
    one, other = lines("cointracker", split)
    assert (one["Sent Quantity"], one["Fee Amount"]) == ("1.5", "0.1")
    assert (other["Sent Quantity"], other["Fee Amount"]) == ("1.5", "")
    assert [row["Received Currency"] for row in (one, other)] == ["0xaa/0", "0xaa/1"]


def test_a_withdrawal_and_a_cost_go_out() -> None:
    gone = event(Kind.WITHDRAWAL, "1", on=2, fee="0.1", fee_asset="BTC", id="w")
    paid = event(Kind.FEE, "5", "USDT", on=3, note="funding")
    out, cost = lines("koinly", gone, paid)
    assert (out["Sent Amount"], out["Fee Amount"], out["Label"]) == ("1", "0.1", "")
    assert (cost["Sent Amount"], cost["Sent Currency"], cost["Label"]) == ("5", "USDT", "cost")


@pytest.mark.parametrize(
    ("given", "written"),
    [
        ("=1+1", "'=1+1"),
        ("@cmd", "'@cmd"),
        ("-5 degrees?", "'-5 degrees?"),
        ("two\nlines\u202e", "two lines"),
        ("=\u200b1", "'=1"),
        ("Will it rain?", "Will it rain?"),
    ],
)
def test_a_cell_is_one_line_and_never_a_formula(given: str, written: str) -> None:
    assert text(given) == written


def test_amounts_have_every_digit_and_none_more() -> None:
    assert [amount(Decimal(value)) for value in ("1E+3", "0.10", "0E-8", "12.000000000000000001")] == [
        *("1000", "0.1", "0", "12.000000000000000001")
    ]
