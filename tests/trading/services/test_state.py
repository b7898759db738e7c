"""The desk's state: down by anyone, up by the operator, one liquidation at a time, every step on record."""

from datetime import timedelta
from decimal import Decimal as D

import pytest

from tests.factories import AT, Desk
from tests.trading.services import risk_desk
from trading.errors import InvalidValueError
from trading.models import DeskState, Event, Operator, Position
from trading.services import state
from trading.types import TradingState

pytestmark = pytest.mark.postgres

A, R, H = TradingState.ACTIVE, TradingState.REDUCING, TradingState.HALTED


def step(desk: Desk, to: TradingState, **more) -> DeskState:
    return state.set_state(operator=desk.operator, mode="paper", state=to, cause="test", at=AT, **more)


def begin(desk: Desk) -> DeskState:
    return state.begin_liquidation(operator=desk.operator, mode="paper", cause="kill", at=AT)


def resume(desk: Desk) -> DeskState:
    return state.resume(operator=desk.operator, mode="paper", cause="looked at it", at=AT)


def test_a_new_desk_is_active_and_still_cannot_trade(db):
    operator = Operator.objects.create(name="new", created_at=AT)
    row = state.current(operator=operator, mode="live")
    assert (row.state, row.ok_until, row.breaker_epoch) == (A, None, 0)
    assert state.current(operator=operator, mode="live").pk == row.pk


def test_each_step_down_is_an_epoch_and_an_event(desk: Desk):
    assert step(desk, R).breaker_epoch == 1
    assert step(desk, R).breaker_epoch == 1
    assert step(desk, H, kind="blind").breaker_epoch == 2
    kinds = Event.objects.filter(kind__in=("state.changed", "breaker.tripped")).values_list("kind", "payload")
    assert [(kind, data["from"], data["to"]) for kind, data in kinds] == [
        ("state.changed", "active", "reducing"),
        ("breaker.tripped", "reducing", "halted"),
    ]


@pytest.mark.parametrize(("start", "to"), [(R, A), (H, A), (H, R)])
def test_up_is_not_a_step_but_a_resume(desk: Desk, start, to):
    step(desk, start)
    with pytest.raises(InvalidValueError, match="neuratrade resume"):
        step(desk, to)
    row = resume(desk)
    assert (row.state, row.drawdown_from, row.cause_kind) == (A, AT, "")


def test_one_liquidation_from_start_to_halt(desk: Desk):
    first, second = begin(desk), begin(desk)
    assert (first.state, first.is_liquidating, first.breaker_epoch) == (R, True, 1)
    assert second.breaker_epoch == 1
    assert step(desk, H).state == R, "halting now would block the way out"
    with pytest.raises(InvalidValueError, match="under way"):
        resume(desk)
    done = state.finish_liquidation(operator=desk.operator, mode="paper", at=AT)
    assert (done.state, done.is_liquidating, done.breaker_epoch) == (H, False, 2)
    assert state.finish_liquidation(operator=desk.operator, mode="paper", at=AT).breaker_epoch == 2


def test_a_halted_desk_can_still_be_liquidated(desk: Desk):
    step(desk, H)
    assert begin(desk).state == R


def test_no_resume_over_what_a_liquidation_left(desk: Desk, redis_client):
    risk_desk.hold(desk)
    begin(desk)
    state.finish_liquidation(operator=desk.operator, mode="paper", at=AT)
    with pytest.raises(InvalidValueError, match=r"still holds 0\.1 BTC at binance"):
        resume(desk)
    Position.objects.update(size_base=D("0.000001"))
    assert resume(desk).state == A, "dust below the venue's minimum is nobody's position"


@pytest.mark.parametrize(
    ("start", "kind", "ends"),
    [(R, "stale_prices", A), (R, "daily_loss", R), (R, "", R), (H, "stale_prices", H), (A, "", A)],
)
def test_only_stale_prices_end_by_themselves(desk: Desk, start, kind, ends):
    if start is not A:
        step(desk, start, kind=kind)
    row = state.recover(operator=desk.operator, mode="paper", cause="fresh", at=AT + timedelta(seconds=1))
    assert row.state == ends


def test_recovery_never_ends_a_liquidation(desk: Desk):
    step(desk, R, kind="stale_prices")
    begin(desk)
    row = state.recover(operator=desk.operator, mode="paper", cause="fresh", at=AT)
    assert row.is_liquidating
    assert row.state == R
