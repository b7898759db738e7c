"""Booking fills: once each, in any order, cash and position in step."""

import contextlib
from collections.abc import Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace
from datetime import datetime, timedelta
from decimal import Decimal
from typing import Any

import pytest
from django.db import connection, transaction
from hypothesis import given, settings
from hypothesis import strategies as st
from hypothesis.extra.django import TestCase

from tests.factories import AT, Desk, make_desk
from trading.errors import InvalidValueError
from trading.models import Decision, Event, Fill, Lot, Order, Position, Posting
from trading.services import decisions, invariants, ledger
from trading.services.lots import net_closures
from trading.types import OrderState, OrderType, Purpose, Side, TimeInForce, VenueFill

pytestmark = pytest.mark.postgres


def make_order(
    desk: Desk,
    *,
    name: str,
    side: Side,
    decision: Decision | None = None,
    state: OrderState = OrderState.ACKED,
    venue_order_id: str | None = None,
    **columns: Any,
) -> Order:
    values: dict[str, Any] = {
        "purpose": Purpose.ENTRY if side is Side.BUY else Purpose.EXIT,
        "type": OrderType.LIMIT,
        "time_in_force": TimeInForce.GTC,
        "size_base": Decimal(1_000_000),
        "price_bound": Decimal(100),
        "mode": "paper",
        "created_at": AT,
        "changed_at": AT,
        **columns,
    }
    return Order.objects.create(
        account=desk.account(),
        instrument=desk.instrument(),
        decision=decision,
        client_order_id=name,
        venue_order_id=f"v-{name}" if venue_order_id is None else venue_order_id,
        side=side,
        state=state,
        **values,
    )


def make_fill(
    number: int,
    side: Side,
    size: str | Decimal,
    price: str | Decimal,
    *,
    order: str | None = None,
    fee: str | Decimal = "0",
    fee_asset: str = "USDT",
    second: int | None = None,
) -> VenueFill:
    return VenueFill(
        trade_id=str(number),
        venue_order_id=f"v-{order}" if order else f"foreign-{number}",
        client_order_id=order,
        symbol="BTC/USDT",
        side=side,
        price=Decimal(price),
        size_base=Decimal(size),
        fee=Decimal(fee),
        fee_asset=fee_asset,
        is_maker=False,
        executed_at=AT + timedelta(seconds=number if second is None else second),
    )


def book(desk: Desk, fill: VenueFill, *, at: datetime = AT, **extra: Any) -> bool:
    return ledger.book_fill(account=desk.account(), instrument=desk.instrument(), fill=fill, at=at, **extra)


def book_violations() -> list[str]:
    """What is wrong with the books; these orders never went through the gate, so approvals are left out."""
    return [v.message for v in invariants.check(at=AT) if v.name != "sent orders are approved"]


def open_decision(desk: Desk) -> Decision:
    return decisions.open_decision(
        account=desk.account(), instrument=desk.instrument(), source="test", market={}, at=AT
    )


def test_an_entry_opens_a_position_with_the_orders_plan(desk: Desk) -> None:
    decision = open_decision(desk)
    make_order(
        desk,
        name="buy",
        side=Side.BUY,
        decision=decision,
        stop_price=Decimal(90),
        target_price=Decimal(120),
        close_by=AT + timedelta(hours=1),
    )
    assert book(desk, make_fill(1, Side.BUY, "0.4", "100", order="buy", fee="0.04"))
    assert book(desk, make_fill(2, Side.BUY, "0.6", "110", order="buy", fee="0.066"))
    position = Position.objects.get()
    assert position.size_base == Decimal(1)
    assert position.average_cost == Decimal("106.106")
    assert (position.decision, position.stop_price, position.target_price) == (
        decision,
        Decimal(90),
        Decimal(120),
    )
    assert position.close_by == AT + timedelta(hours=1)
    assert position.opened_at == AT + timedelta(seconds=1)
    assert position.unprotected_since == AT
    assert Order.objects.get().filled_base == Decimal(1)
    assert ledger.balances(account=desk.account()) == {"BTC": Decimal(1), "USDT": Decimal("9893.894")}
    assert list(Event.objects.values_list("kind", flat=True)) == [
        "decision.opened",
        "fill.booked",
        "position.opened",
        "fill.booked",
    ]


def test_an_exit_closes_it_and_says_what_it_earned(desk: Desk) -> None:
    decision = open_decision(desk)
    make_order(desk, name="buy", side=Side.BUY, decision=decision, stop_price=Decimal(90))
    make_order(desk, name="sell", side=Side.SELL, decision=decision)
    book(desk, make_fill(1, Side.BUY, "1", "100", order="buy", fee="0.1"))
    book(desk, make_fill(2, Side.SELL, "0.5", "110", order="sell", fee="0.055"))
    book(desk, make_fill(3, Side.SELL, "0.5", "120", order="sell", fee="0.06"))
    position = Position.objects.get()
    assert position.size_base == 0
    assert position.realised_pnl == Decimal("14.785")
    assert (position.decision, position.stop_price, position.opened_at, position.unprotected_since) == (
        None,
    ) * 4
    closed = Event.objects.get(kind="position.closed")
    assert closed.payload["pnl"] == "14.785"
    assert closed.decision == decision


def test_the_second_trip_reports_its_own_pnl_only(desk: Desk) -> None:
    make_order(desk, name="buy", side=Side.BUY)
    make_order(desk, name="sell", side=Side.SELL)
    for number, price in enumerate(("100", "110", "100", "93"), 1):
        is_buy = number % 2 == 1
        book(
            desk,
            make_fill(
                number, Side.BUY if is_buy else Side.SELL, "1", price, order="buy" if is_buy else "sell"
            ),
        )
    pnls = [Decimal(event.payload["pnl"]) for event in Event.objects.filter(kind="position.closed")]
    assert pnls == [Decimal(10), Decimal(-7)]
    assert Position.objects.get().realised_pnl == Decimal(3)


def test_a_fee_in_base_leaves_a_smaller_position(desk: Desk) -> None:
    make_order(desk, name="buy", side=Side.BUY)
    book(desk, make_fill(1, Side.BUY, "1", "100", order="buy", fee="0.001", fee_asset="BTC"))
    assert Position.objects.get().size_base == Decimal("0.999")
    assert ledger.balances(account=desk.account())["BTC"] == Decimal("0.999")
    assert Order.objects.get().filled_base == Decimal(1)
    assert Fill.objects.get().fee_quote == Decimal("0.1")


def test_a_third_asset_fee_is_booked_in_its_own_asset(desk: Desk) -> None:
    make_order(desk, name="buy", side=Side.BUY)
    book(desk, make_fill(1, Side.BUY, "1", "100", order="buy", fee="0.0002", fee_asset="BNB"))
    book(
        desk,
        make_fill(2, Side.BUY, "1", "100", order="buy", fee="0.0002", fee_asset="BNB"),
        fee_price=Decimal(600),
    )
    assert ledger.balances(account=desk.account())["BNB"] == Decimal("-0.0004")
    assert [fill.fee_quote for fill in Fill.objects.all()] == [None, Decimal("0.12")]
    assert [lot.remaining_cost for lot in Lot.objects.all()] == [Decimal(100), Decimal("100.12")]


def test_the_same_trade_is_booked_once(desk: Desk) -> None:
    make_order(desk, name="buy", side=Side.BUY)
    fill = make_fill(1, Side.BUY, "1", "100", order="buy")
    assert book(desk, fill)
    assert not book(desk, fill)
    assert not book(desk, replace(fill, price=Decimal(999)))
    assert Fill.objects.count() == 1
    assert Posting.objects.filter(fill__isnull=False).count() == 2


def test_a_foreign_fill_moves_cash_and_no_position(desk: Desk) -> None:
    assert book(desk, make_fill(1, Side.BUY, "1", "100"))
    assert Fill.objects.get().order is None
    assert not Position.objects.exists()
    assert ledger.balances(account=desk.account())["BTC"] == Decimal(1)
    assert Event.objects.get().kind == "fill.foreign"


def test_a_fill_waits_while_an_order_is_in_doubt(desk: Desk) -> None:
    order = make_order(desk, name="buy", side=Side.BUY, state=OrderState.UNKNOWN, venue_order_id="")
    silent = replace(make_fill(1, Side.BUY, "1", "100", order="buy"), client_order_id=None)
    assert not book(desk, silent)
    assert not Fill.objects.exists()
    Order.objects.filter(pk=order.pk).update(venue_order_id="v-buy", state=OrderState.ACKED)
    assert book(desk, silent)
    assert Fill.objects.get().order == order


def test_a_fill_of_another_symbol_is_refused(desk: Desk) -> None:
    with pytest.raises(InvalidValueError, match="ETH/USDT"):
        book(desk, replace(make_fill(1, Side.BUY, "1", "100"), symbol="ETH/USDT"))
    assert not Fill.objects.exists()


def test_another_accounts_order_is_not_ours(desk: Desk) -> None:
    make_order(desk, name="buy", side=Side.BUY)
    ledger.book_fill(
        account=desk.account("kraken"),
        instrument=desk.instrument("kraken"),
        fill=make_fill(1, Side.BUY, "1", "100", order="buy"),
        at=AT,
    )
    assert Fill.objects.get().order is None


def test_a_deposit_is_booked_once_per_reference(desk: Desk) -> None:
    account = desk.account()
    assert ledger.deposit(account=account, asset="USDT", amount=Decimal(5), reference="d1", at=AT)
    assert not ledger.deposit(account=account, asset="USDT", amount=Decimal(5), reference="d1", at=AT)
    assert ledger.deposit(account=account, asset="USDT", amount=Decimal(-2), reference="w1", at=AT)
    assert ledger.balances(account=account)["USDT"] == Decimal(10_003)
    with pytest.raises(InvalidValueError):
        ledger.deposit(account=account, asset="USDT", amount=Decimal(0), reference="d2", at=AT)
    with pytest.raises(InvalidValueError):
        ledger.deposit(account=account, asset="USDT", amount=Decimal(1), reference="", at=AT)


def test_a_late_entry_fill_turns_the_false_short_back(desk: Desk) -> None:
    decision = open_decision(desk)
    make_order(desk, name="buy", side=Side.BUY, decision=decision, stop_price=Decimal(90))
    make_order(desk, name="sell", side=Side.SELL, decision=decision)
    book(desk, make_fill(2, Side.SELL, "0.5", "110", order="sell"))
    assert Position.objects.get().size_base == Decimal("-0.5")
    book(desk, make_fill(1, Side.BUY, "1", "100", order="buy"))
    position = Position.objects.get()
    assert position.size_base == Decimal("0.5")
    assert position.realised_pnl == Decimal(5)
    assert position.stop_price == Decimal(90)
    assert position.opened_at == AT + timedelta(seconds=1)
    assert book_violations() == []


def _plan(desk: Desk, name: str, *, stop: str, target: str, hours: int) -> Order:
    return make_order(
        desk,
        name=name,
        side=Side.BUY,
        decision=open_decision(desk),
        stop_price=Decimal(stop),
        target_price=Decimal(target),
        close_by=AT + timedelta(hours=hours),
    )


def _plan_of(position: Position) -> tuple[Any, ...]:
    return position.decision, position.stop_price, position.target_price, position.close_by


def test_the_rest_that_a_base_fee_leaves_is_no_position_and_keeps_no_plan(desk: Desk) -> None:
    first = _plan(desk, "buy", stop="90", target="120", hours=1)
    make_order(desk, name="sell", side=Side.SELL, decision=first.decision)
    book(desk, make_fill(1, Side.BUY, "0.001", "100000", order="buy", fee="0.000001", fee_asset="BTC"))
    book(desk, make_fill(2, Side.SELL, "0.00099", "90000", order="sell"))
    position = Position.objects.get()
    assert position.size_base == Decimal("0.000009")
    assert (*_plan_of(position), position.opened_at) == (None,) * 5
    assert Event.objects.get(kind="position.closed").decision == first.decision

    second = _plan(desk, "again", stop="95", target="130", hours=9)
    book(desk, make_fill(3, Side.BUY, "0.001", "100000", order="again"))
    position = Position.objects.get()
    assert _plan_of(position) == (second.decision, Decimal(95), Decimal(130), AT + timedelta(hours=9))
    assert position.opened_at == AT + timedelta(seconds=3)
    assert position.unprotected_since == AT
    assert book_violations() == []


def test_a_late_fill_of_the_new_trip_does_not_bring_the_old_plan_back(desk: Desk) -> None:
    first = _plan(desk, "buy", stop="90", target="120", hours=1)
    make_order(desk, name="sell", side=Side.SELL, decision=first.decision)
    second = _plan(desk, "again", stop="95", target="130", hours=9)
    book(desk, make_fill(1, Side.BUY, "0.001", "100000", order="buy", fee="0.000001", fee_asset="BTC"))
    book(desk, make_fill(2, Side.SELL, "0.00099", "90000", order="sell"))
    book(desk, make_fill(5, Side.BUY, "0.001", "100000", order="again"))
    book(desk, make_fill(4, Side.BUY, "0.001", "100000", order="again"))
    position = Position.objects.get()
    assert position.decision == second.decision
    assert position.opened_at == AT + timedelta(seconds=4)


def test_on_a_remainder_too_small_to_sell_the_new_plan_counts(desk: Desk) -> None:
    _plan(desk, "buy", stop="90", target="120", hours=1)
    second = _plan(desk, "again", stop="80", target="130", hours=9)
    book(desk, make_fill(1, Side.BUY, "0.04", "100", order="buy"))  # 4 USDT, the venue sells from 5
    book(desk, make_fill(2, Side.BUY, "1", "100", order="again"))
    assert _plan_of(Position.objects.get()) == (
        second.decision,
        Decimal(80),
        Decimal(130),
        AT + timedelta(hours=9),
    )


def test_a_second_entry_on_an_open_position_keeps_the_safer_of_both_plans(desk: Desk) -> None:
    first = _plan(desk, "buy", stop="80", target="130", hours=1)
    _plan(desk, "again", stop="95", target="120", hours=9)
    book(desk, make_fill(1, Side.BUY, "1", "100", order="buy"))
    book(desk, make_fill(2, Side.BUY, "1", "100", order="again"))
    assert _plan_of(Position.objects.get()) == (
        first.decision,
        Decimal(95),
        Decimal(120),
        AT + timedelta(hours=1),
    )


amounts = st.decimals(min_value="0.0001", max_value="1000", places=8)


@st.composite
def fills(draw: st.DrawFn) -> list[VenueFill]:
    found = []
    for number in range(1, draw(st.integers(1, 6)) + 1):
        side, size = draw(st.sampled_from(Side)), draw(amounts)
        fee_asset = draw(st.sampled_from(["USDT", "BTC", "BNB"]))
        found.append(
            make_fill(
                number,
                side,
                size,
                draw(amounts),
                order=draw(st.sampled_from(["buy" if side is Side.BUY else "sell"] * 4 + [None])),
                fee=size / 1000 if fee_asset == "BTC" else draw(st.decimals(0, 1, places=6)),
                fee_asset=fee_asset,
                second=draw(st.integers(0, 4)),
            )
        )
    return found


def _result(desk: Desk) -> dict[str, Any]:
    """All that must not depend on the order of arrival; rows are named by trade id, because ids do depend on it."""
    trades = dict(Fill.objects.values_list("pk", "trade_id"))
    position = Position.objects.first()
    closures = net_closures(account=desk.account(), instrument=desk.instrument())
    return {
        "balances": ledger.balances(account=desk.account()),
        "position": position
        and (position.size_base, position.average_cost, position.realised_pnl, position.opened_at),
        "lots": {
            trades[lot.fill_id]: (lot.size_base, lot.remaining_base, lot.unit_cost, lot.remaining_cost)
            for lot in Lot.objects.all()
            if lot.size_base
        },
        "closures": {
            (trades[lot], trades[fill]): (entry.size_base, entry.proceeds, entry.cost)
            for (lot, fill), entry in closures.items()
        },
        "filled": dict(Order.objects.values_list("client_order_id", "filled_base")),
    }


class _KilledError(Exception):
    """The process dies before the commit."""


def _book_all(arrivals: Sequence[VenueFill], *, deaths: frozenset[int] = frozenset()) -> dict[str, Any]:
    """The result on an empty desk, which is thrown away again. At the arrivals in `deaths` the first try dies uncommitted."""
    result: dict[str, Any] = {}
    with contextlib.suppress(_KilledError), transaction.atomic():
        desk = make_desk(at=AT, venues=("binance",))
        make_order(desk, name="buy", side=Side.BUY)
        make_order(desk, name="sell", side=Side.SELL)
        for index, fill in enumerate(arrivals):
            if index in deaths:
                with contextlib.suppress(_KilledError), transaction.atomic():
                    book(desk, fill)
                    raise _KilledError
            book(desk, fill)
        assert book_violations() == []
        result = _result(desk)
        raise _KilledError
    return result


class ReplayTest(TestCase):
    """Fills told one to five times, in any order, by a process that dies now and then, give one and the same ledger."""

    @settings(max_examples=15, deadline=None)
    @given(fills(), st.data())
    def test_any_replay_gives_the_same_ledger(self, told: list[VenueFill], data: st.DataObject) -> None:
        repeats = [fill for fill in told for _ in range(data.draw(st.integers(1, 5)))]
        arrivals = data.draw(st.permutations(repeats))
        deaths = data.draw(st.frozensets(st.integers(0, len(arrivals) - 1), max_size=4))
        assert _book_all(arrivals, deaths=deaths) == _book_all(told)


@pytest.mark.django_db(transaction=True)
def test_many_at_once_book_each_trade_once() -> None:
    desk = make_desk(at=AT)
    make_order(desk, name="buy", side=Side.BUY)
    make_order(desk, name="sell", side=Side.SELL)
    told = [
        make_fill(
            number, Side.BUY if number % 3 else Side.SELL, "0.3", "100", order="buy" if number % 3 else "sell"
        )
        for number in range(1, 7)
    ]

    def tell(shift: int) -> int:
        try:
            return sum(book(desk, told[(index + shift) % len(told)]) for index in range(len(told)))
        finally:
            connection.close()

    with ThreadPoolExecutor(max_workers=4) as pool:
        booked = sum(pool.map(tell, range(4)))
    assert booked == Fill.objects.count() == len(told)
    assert Position.objects.get().size_base == Decimal("0.6")
    assert book_violations() == []
