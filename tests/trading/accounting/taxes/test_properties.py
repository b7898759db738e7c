"""What holds for every history: nothing is used twice, nothing is lost or made, and no rule changes a closed account's sum."""

import random
from collections import defaultdict
from decimal import Decimal, localcontext

from hypothesis import given, settings
from hypothesis import strategies as st

from tests.trading.accounting.taxes.histories import booked, closed, histories
from trading.accounting.fifo import EXACT, total
from trading.accounting.taxes.events import Event, Kind
from trading.accounting.taxes.lots import Method
from trading.accounting.taxes.stock import History
from trading.accounting.taxes.year import tax_year

RULES = st.tuples(st.sampled_from(Method), st.booleans())
FEW = settings(max_examples=60, deadline=None)


def gain(history: History) -> Decimal:
    assert all(piece.cost is not None and piece.proceeds is not None for piece in history.slices)
    with localcontext(EXACT):
        return total((piece.proceeds or Decimal(0)) - (piece.cost or Decimal(0)) for piece in history.slices)


@FEW
@given(events=histories(is_covered=False), rules=RULES)
def test_no_lot_is_used_twice_and_no_quantity_is_lost(
    events: list[Event], rules: tuple[Method, bool]
) -> None:
    history = booked(events, method=rules[0], is_universal=rules[1])
    used: defaultdict[tuple[str, str], Decimal] = defaultdict(Decimal)
    for piece in history.slices:
        assert piece.size > 0
        if piece.lot is not None:
            assert piece.lot.left >= 0
            assert piece.lot.order_at <= piece.sale.at
            used[piece.lot.id, piece.sale.asset] += piece.size
    for asset, lot in history.open_lots():
        assert lot.left > 0
        used[lot.id, asset] += lot.left
    came = {(e.id, e.asset): e.size for e in events if e.kind in {Kind.BUY, Kind.INCOME}}
    # What a transfer carried without a purchase is a lot of its own, as large as what was missing.
    unknown = {e.id for e in events if e.kind is Kind.TRANSFER}
    assert {key: size for key, size in used.items() if key[0] not in unknown} == came
    sold = {e.id: e.size for e in events if e.kind is Kind.SELL}
    for sale in {piece.sale for piece in history.slices}:
        assert total(p.size for p in history.slices if p.sale is sale) == sold[sale.id]


@FEW
@given(events=histories(is_covered=False), rules=RULES)
def test_no_money_is_lost_or_made(events: list[Event], rules: tuple[Method, bool]) -> None:
    history = booked(events, method=rules[0], is_universal=rules[1])
    for sale in {piece.sale for piece in history.slices}:
        assert total(p.proceeds or Decimal(0) for p in history.slices if p.sale is sale) == sale.proceeds
    spent = total(e.total + e.fee for e in events if e.kind is Kind.BUY)
    spent += total(e.value or Decimal(0) for e in events if e.kind is Kind.INCOME)
    with localcontext(EXACT):
        sold = total(piece.cost or Decimal(0) for piece in history.slices)
        assert sold + total(lot.left_cost or Decimal(0) for _, lot in history.open_lots()) == spent


@FEW
@given(events=histories())
def test_every_rule_gives_a_closed_account_the_same_sum(events: list[Event]) -> None:
    whole = closed(events, on=10_000)
    sums = {
        gain(booked(whole, method=method, is_universal=is_universal))
        for method in Method
        for is_universal in (False, True)
    }
    assert len(sums) == 1


@FEW
@given(events=histories())
def test_a_transfer_changes_nothing_but_the_place(events: list[Event]) -> None:
    stayed = [event for event in events if event.kind is not Kind.TRANSFER]
    moved, unmoved = booked(events, is_universal=True), booked(stayed, is_universal=True)
    assert [(p.lot and p.lot.id, p.size, p.cost, p.proceeds) for p in moved.slices] == [
        (p.lot and p.lot.id, p.size, p.cost, p.proceeds) for p in unmoved.slices
    ]


@FEW
@given(events=histories(is_covered=False), rules=RULES, seed=st.integers(0, 99))
def test_the_order_of_telling_does_not_matter(
    events: list[Event], rules: tuple[Method, bool], seed: int
) -> None:
    told = [*events, *random.Random(seed).choices(events, k=3)]
    random.Random(seed).shuffle(told)
    one, other = (booked(some, method=rules[0], is_universal=rules[1]) for some in (events, told))
    for year in (2024, 2025):
        assert tax_year(one, year=year).rows == tax_year(other, year=year).rows
