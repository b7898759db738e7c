"""Lots: every unit and every cent is somewhere, and only once."""

from datetime import UTC, datetime, timedelta
from decimal import Decimal, localcontext
from random import Random

import pytest
from hypothesis import given
from hypothesis import strategies as st

from trading.accounting import fifo
from trading.errors import InvalidValueError
from trading.types import ZERO, Side

START = datetime(2026, 11, 20, 12, 0, tzinfo=UTC)


def _move(
    number: int,
    side: Side,
    size: str | Decimal,
    price: str | Decimal,
    *,
    fee: str | Decimal = "0",
    fee_asset: str = "USDT",
    fee_quote: Decimal | None = None,
    second: int | None = None,
) -> fifo.Movement:
    fee = Decimal(fee)
    worth = fifo.fee_in_quote(
        fee=fee, fee_asset=fee_asset, price=Decimal(price), base="BTC", quote="USDT", fee_price=fee_quote
    )
    return fifo.movement(
        fill_id=number,
        trade_id=str(number),
        side=side,
        price=Decimal(price),
        size_base=Decimal(size),
        fee=fee,
        fee_asset=fee_asset,
        fee_quote=worth,
        base="BTC",
        quote="USDT",
        at=START + timedelta(seconds=number if second is None else second),
    )


def test_the_oldest_purchase_is_sold_first() -> None:
    book = fifo.replay(
        [
            _move(1, Side.BUY, "1", "100"),
            _move(2, Side.BUY, "1", "200"),
            _move(3, Side.SELL, "1.5", "300"),
        ]
    )
    assert [(c.lot_fill_id, c.size_base, c.proceeds, c.cost, c.pnl) for c in book.closures] == [
        (1, Decimal(1), Decimal(300), Decimal(100), Decimal(200)),
        (2, Decimal("0.5"), Decimal(150), Decimal(100), Decimal(50)),
    ]
    assert book.size_base == Decimal("0.5")
    assert book.average_cost == Decimal(200)


def test_quote_fees_raise_the_cost_and_lower_the_proceeds() -> None:
    book = fifo.replay(
        [_move(1, Side.BUY, "2", "100", fee="0.2"), _move(2, Side.SELL, "2", "110", fee="0.22")]
    )
    assert book.realised_pnl == Decimal("220") - Decimal("0.22") - Decimal("200.2")


def test_a_base_fee_shrinks_the_purchase_at_the_same_cost() -> None:
    book = fifo.replay([_move(1, Side.BUY, "1", "100", fee="0.001", fee_asset="BTC")])
    assert book.size_base == Decimal("0.999")
    assert book.lots[0].remaining_cost == Decimal(100)


def test_a_third_asset_fee_counts_only_at_a_given_price() -> None:
    apart = fifo.replay([_move(1, Side.BUY, "1", "100", fee="0.001", fee_asset="BNB")])
    valued = fifo.replay(
        [_move(1, Side.BUY, "1", "100", fee="0.001", fee_asset="BNB", fee_quote=Decimal(600))]
    )
    assert apart.lots[0].remaining_cost == Decimal(100)
    assert valued.lots[0].remaining_cost == Decimal("100.6")


def test_a_short_is_bought_back_first_in_first_out() -> None:
    book = fifo.replay([_move(1, Side.SELL, "1", "100", fee="1"), _move(2, Side.BUY, "1", "90", fee="1")])
    assert book.closures[0].proceeds == Decimal(99)
    assert book.closures[0].cost == Decimal(91)
    assert book.realised_pnl == Decimal(8)
    assert book.opened_by is None


def test_one_fill_may_close_a_long_and_open_a_short() -> None:
    book = fifo.replay([_move(1, Side.BUY, "1", "100"), _move(2, Side.SELL, "3", "120")])
    assert book.size_base == Decimal(-2)
    assert book.average_cost == Decimal(120)
    assert book.realised_pnl == Decimal(20)
    assert book.opened_by == 2


def test_at_the_same_instant_purchases_come_first_and_ids_count_as_numbers() -> None:
    moves = [
        _move(9, Side.SELL, "1", "110", second=0),
        _move(10, Side.BUY, "1", "200", second=0),
        _move(2, Side.BUY, "1", "100", second=0),
    ]
    book = fifo.replay(moves)
    assert [closure.lot_fill_id for closure in book.closures] == [2]
    assert fifo.replay(moves[::-1]) == book


def test_a_fee_larger_than_the_fill_is_refused() -> None:
    with pytest.raises(InvalidValueError, match="eats the whole fill"):
        _move(1, Side.BUY, "1", "100", fee="1", fee_asset="BTC")


def test_the_same_fill_twice_is_refused() -> None:
    move = _move(1, Side.BUY, "1", "100")
    with pytest.raises(InvalidValueError, match="only once"):
        fifo.replay([move, move])


amounts = st.decimals(min_value="0.000001", max_value="1000000", places=8)


@st.composite
def movements(draw: st.DrawFn) -> list[fifo.Movement]:
    found = []
    for number in range(1, draw(st.integers(1, 25)) + 1):
        size, fee_asset = draw(amounts), draw(st.sampled_from(["USDT", "BTC", "BNB"]))
        fee = size / 1000 if fee_asset == "BTC" else draw(st.decimals(-1, 5, places=8))
        side = draw(st.sampled_from(Side))
        found.append(
            _move(
                number,
                side,
                size,
                draw(amounts),
                fee=fee,
                fee_asset=fee_asset,
                fee_quote=draw(st.none() | amounts),
                second=draw(st.integers(0, 8)),
            )
        )
    return found


@given(movements(), st.randoms(use_true_random=False))
def test_sizes_and_money_are_conserved(moves: list[fifo.Movement], random: Random) -> None:
    book = fifo.replay(moves)
    with localcontext(fifo.EXACT):
        assert book.size_base == sum((m.base for m in moves), ZERO)
        # What was paid is in what remains, and the rest was realised: to the last digit.
        left = sum((lot.remaining_cost for lot in book.lots), ZERO)
        assert sum((m.quote for m in moves), ZERO) == book.realised_pnl - left
        for lot in book.lots:
            closed = sum((c.size_base for c in book.closures if c.lot_fill_id == lot.fill_id), ZERO)
            assert closed + abs(lot.remaining_base) == abs(lot.size_base)
            assert lot.remaining_base * lot.size_base >= 0
            if not lot.remaining_base:
                assert lot.remaining_cost == 0
    assert len({(c.lot_fill_id, c.fill_id) for c in book.closures}) == len(book.closures)
    assert len({lot.remaining_base > 0 for lot in book.lots if lot.remaining_base}) <= 1
    assert (book.opened_by is None) == (book.size_base == 0)
    shuffled = list(moves)
    random.shuffle(shuffled)
    assert fifo.replay(shuffled) == book


@given(movements())
def test_booking_one_by_one_equals_the_replay(moves: list[fifo.Movement]) -> None:
    state = fifo.Book()
    for move in sorted(moves, key=lambda item: item.order_key):
        state = fifo.book(state, move)
    whole = fifo.replay(moves)
    assert state.closures == whole.closures
    assert {lot.fill_id: lot for lot in state.lots} == {lot.fill_id: lot for lot in whole.lots}
    assert state.opened_by == whole.opened_by
