"""The position and its stop as one state machine."""

import uuid
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from decimal import Decimal

import pytest
from hypothesis import given
from hypothesis import strategies as st

from trading.risk.protection import (
    UNPROTECTED_DEADLINE,
    Act,
    Guarded,
    GuardOrder,
    decide,
    pause,
)
from trading.types import InstrumentSpec, OrderState, Purpose

AT = datetime(2026, 11, 20, 12, 0, tzinfo=UTC)
D = Decimal
SPEC = InstrumentSpec(
    venue="binance",
    symbol="BTC/USDT",
    base="BTC",
    quote="USDT",
    price_tick=D("0.01"),
    size_step=D("0.001"),
    min_size=D("0.001"),
    min_notional=D(10),
    maker_fee_ratio=D("0.001"),
    taker_fee_ratio=D("0.001"),
)


def stop(
    remaining: str = "1.234", state: OrderState = OrderState.ACKED, *, asked: bool = False
) -> GuardOrder:
    return GuardOrder(
        id=uuid.uuid4(),
        purpose=Purpose.PROTECT,
        state=state,
        remaining_base=D(remaining),
        stop_price=D(95),
        is_cancel_asked=asked,
    )


def view(**fields) -> Guarded:
    defaults = {
        "at": AT,
        "instrument": SPEC,
        "size_base": D("1.2345"),
        "stop_price": D(95),
        "target_price": D(110),
        "close_by": AT + timedelta(hours=1),
        "unprotected_since": None,
        "exit_price": D(100),
        "has_stop_orders": True,
        "is_liquidating": False,
    }
    return Guarded(**{**defaults, **fields})


def test_a_new_position_gets_a_stop_for_all_that_can_be_sold():
    step = decide(view(unprotected_since=AT))
    assert (step.act, step.size_base, step.is_protected) == (Act.PROTECT, D("1.234"), False)


def test_a_working_stop_of_the_right_size_is_protection():
    assert decide(view(orders=(stop(),))) == decide(view(orders=(stop(),)))
    step = decide(view(orders=(stop(),)))
    assert (step.act, step.is_protected) == (Act.HOLD, True)


@pytest.mark.parametrize(
    "state", [OrderState.PROPOSED, OrderState.APPROVED, OrderState.SENDING, OrderState.UNKNOWN]
)
def test_a_stop_on_its_way_is_waited_for_and_is_no_protection_yet(state: OrderState):
    step = decide(view(orders=(stop(state=state),)))
    assert (step.act, step.is_protected) == (Act.HOLD, False)


def test_a_stop_of_the_wrong_size_is_taken_back_first():
    wrong = stop("1.000")
    step = decide(view(orders=(wrong,)))
    assert (step.act, step.orders) == (Act.TAKE_BACK, (wrong.id,))
    waiting = decide(view(orders=(stop("1.000", asked=True),)))
    assert waiting.act is Act.HOLD


@pytest.mark.parametrize(
    ("fields", "reason"),
    [
        ({"exit_price": D(110)}, "target"),
        ({"at": AT + timedelta(hours=1)}, "held as long"),
        ({"exit_price": D(95)}, "beyond the stop"),
        ({"unprotected_since": AT - UNPROTECTED_DEADLINE}, "no stop could be placed"),
        ({"stop_price": None, "unprotected_since": AT - UNPROTECTED_DEADLINE}, "no stop could be placed"),
    ],
)
def test_reasons_to_leave(fields: dict, reason: str):
    step = decide(view(**fields))
    assert step.act is Act.EXIT
    assert reason in step.reason
    assert step.size_base == D("1.234")


def test_an_exit_waits_until_the_stop_is_gone():
    resting = stop()
    first = decide(view(exit_price=D(110), orders=(resting,)))
    assert (first.act, first.orders) == (Act.TAKE_BACK, (resting.id,))
    assert decide(view(exit_price=D(110), orders=(stop(asked=True),))).act is Act.HOLD
    assert decide(view(exit_price=D(110))).act is Act.EXIT


def test_a_working_stop_is_trusted_until_it_has_plainly_failed():
    assert decide(view(exit_price=D("94.9"), orders=(stop(),))).act is Act.HOLD
    failed = decide(view(exit_price=D(94), orders=(stop(),)))
    assert failed.act is Act.TAKE_BACK
    assert "did not fill" in failed.reason


def test_liquidation_comes_before_everything():
    assert decide(view(is_liquidating=True)).act is Act.LIQUIDATE
    assert decide(view(is_liquidating=True, orders=(stop(),))).act is Act.TAKE_BACK
    assert decide(view(is_liquidating=True, exit_price=None)).act is Act.HOLD


def test_failed_tries_are_repeated_with_growing_pauses():
    assert [pause(n).total_seconds() for n in (0, 1, 2, 3, 9)] == [0, 1, 2, 4, 30]
    waiting = view(exit_price=D(110), failures=3, failed_at=AT - timedelta(seconds=3))
    assert decide(waiting).act is Act.HOLD
    assert decide(view(exit_price=D(110), failures=3, failed_at=AT - timedelta(seconds=4))).act is Act.EXIT


def test_dust_is_set_apart_and_left_alone():
    for size in ("0.0009", "0.05"):
        step = decide(view(size_base=D(size), unprotected_since=AT - timedelta(hours=1)))
        assert (step.act, step.is_dust, step.is_protected) == (Act.HOLD, True, True)
    resting = stop("0.06")
    assert decide(view(size_base=D("0.05"), orders=(resting,))).orders == (resting.id,)


def test_without_stops_at_the_venue_the_desk_watches():
    assert decide(view(has_stop_orders=False)).is_protected
    assert not decide(view(has_stop_orders=False, exit_price=None)).is_protected
    assert decide(view(has_stop_orders=False, exit_price=D("94.99"))).act is Act.EXIT


ORDERS = st.builds(
    GuardOrder,
    id=st.uuids(),
    purpose=st.sampled_from([Purpose.PROTECT, Purpose.EXIT, Purpose.LIQUIDATE]),
    state=st.sampled_from([s for s in OrderState if not s.is_terminal]),
    remaining_base=st.integers(1, 2000).map(lambda n: D(n) / 1000),
    stop_price=st.just(D(95)),
    is_cancel_asked=st.booleans(),
)


@given(
    size=st.integers(0, 30_000).map(lambda n: D(n) / 10_000),
    price=st.none() | st.integers(1, 200).map(D),
    orders=st.lists(ORDERS, max_size=3).map(tuple),
    is_liquidating=st.booleans(),
    unprotected_s=st.none() | st.integers(0, 60),
    has_stop_orders=st.booleans(),
)
def test_never_two_orders_at_once_and_never_more_than_is_held(
    size, price, orders, is_liquidating, unprotected_s, has_stop_orders
):
    since = None if unprotected_s is None else AT - timedelta(seconds=unprotected_s)
    seen = view(
        size_base=size,
        exit_price=price,
        orders=orders,
        is_liquidating=is_liquidating,
        unprotected_since=since,
        has_stop_orders=has_stop_orders,
    )
    step = decide(seen)
    if step.act in {Act.PROTECT, Act.EXIT, Act.LIQUIDATE}:
        assert not orders
        assert 0 < step.size_base <= size
        assert step.size_base % SPEC.size_step == 0
    if step.act in {Act.EXIT, Act.LIQUIDATE}:
        assert price is not None
    if step.is_protected and not step.is_dust and has_stop_orders:
        assert any(order.is_working for order in orders)


def test_a_clock_that_went_back_does_not_hold_up_the_way_out():
    later = AT + timedelta(hours=1)
    step = decide(view(exit_price=D(94), failures=3, failed_at=later))
    assert step.act is Act.EXIT


@pytest.mark.parametrize("price", [None, D("104.9")])
def test_a_working_stop_is_not_given_up_when_the_rest_is_too_small_to_sell(price: Decimal | None):
    """0.1 at the stop of 95 is 9.5, at 104.9 it is 10.49; the venue sells from 10.5 and took the stop at a better price."""
    small = {"size_base": D("0.1"), "instrument": replace(SPEC, min_notional=D("10.5")), "exit_price": price}
    step = decide(view(**small, orders=(stop("0.1"),)))
    assert (step.act, step.is_protected) == (Act.HOLD, True)
    assert decide(view(**small, orders=(stop("0.1"),), is_liquidating=True)).act is Act.TAKE_BACK
    assert decide(view(**small, orders=(stop("0.2"),))).act is Act.TAKE_BACK
