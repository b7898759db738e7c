"""Equity at liquidation value and NAV per unit; then the breakers on the whole desk, as the guard runs them."""

from datetime import timedelta
from decimal import Decimal as D

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from neuratrade.lib import redis as bus
from tests.factories import AT, Desk
from tests.trading.services import risk_desk
from trading.models import DeskState, EquityMark, Event, Posting
from trading.risk.units import units_and_nav
from trading.services import breakers, equity, guard, ledger, state
from trading.types import OrderState, Purpose, TradingState

pytestmark = pytest.mark.usefixtures("redis_client")


def later(seconds: float):
    return AT + timedelta(seconds=seconds)


def watch(desk: Desk, *, at, stale_since=None):
    return breakers.watch(operator=desk.operator, mode="paper", stale_since=stale_since, at=at)


def state_of(desk: Desk) -> DeskState:
    return DeskState.objects.get(pk=desk.state.pk)


def test_cash_needs_no_price(desk: Desk):
    marked = risk_desk.mark(desk)
    assert (marked.mark.equity, marked.mark.cash, marked.mark.nav) == (D(20_000), D(20_000), D(1))
    assert marked.mark.is_fresh


def test_a_position_is_worth_what_selling_it_brings(desk: Desk):
    risk_desk.put_market(bid="49000")
    risk_desk.hold(desk, size="0.1", price="50000")
    mark = risk_desk.mark(desk).mark
    assert mark.cash == D(15_000)
    assert mark.equity == D(15_000) + D("0.1") * D(49_000) * D("0.999")
    assert mark.unrealised_pnl == D("0.1") * (D(49_000) * D("0.999") - D(50_000))
    assert mark.basis["holdings"]["binance"] == {"BTC": "0.1", "USDT": "5000"}
    assert mark.basis["prices"] == {"binance BTC": "48951"}


def test_no_price_no_mark_and_an_old_price_says_so(desk: Desk):
    risk_desk.hold(desk)
    assert risk_desk.mark(desk).mark is None
    risk_desk.put_market(age_s=16)
    marked = risk_desk.mark(desk)
    assert marked.stale_what == ("binance BTC",)
    assert not marked.mark.is_fresh


@pytest.mark.parametrize("amount", ["10000", "-5000", "-9999"])
def test_deposits_and_withdrawals_move_units_not_nav(desk: Desk, amount):
    risk_desk.put_market()
    risk_desk.hold(desk, size="0.01")
    before = risk_desk.mark(desk).mark
    ledger.deposit(
        account=desk.account("kraken"), asset="USDT", amount=D(amount), reference="flow", at=later(5)
    )
    after = risk_desk.mark(desk, at=later(10)).mark
    assert after.equity == before.equity + D(amount)
    assert abs(after.nav - before.nav) < D("1e-12")
    risk_desk.put_market(at=later(20))
    assert watch(desk, at=later(20)).trip is None


def test_a_deposit_does_not_hide_a_loss(desk: Desk):
    risk_desk.put_market()
    risk_desk.hold(desk, size="0.199")
    watch(desk, at=AT)
    risk_desk.put_market(bid="44000", at=later(10))
    ledger.deposit(
        account=desk.account("kraken"), asset="USDT", amount=D(50_000), reference="more", at=later(5)
    )
    watch(desk, at=later(10))
    risk_desk.put_market(bid="44000", at=later(20))
    assert watch(desk, at=later(20)).trip.kind == "drawdown"


def test_a_fall_of_five_percent_closes_everything_once(desk: Desk):
    risk_desk.put_market()
    risk_desk.hold(desk, size="0.199")
    assert watch(desk, at=AT).is_ok
    # 0.199 BTC at 44,900: about 1,015 of 20,000 gone
    risk_desk.put_market(bid="44900", at=later(10))
    assert watch(desk, at=later(10)).trip is None, "one mark is no proof"
    risk_desk.put_market(bid="44900", at=later(20))
    assert watch(desk, at=later(20)).trip.kind == "drawdown"
    row = state_of(desk)
    assert (row.state, row.is_liquidating, row.cause_kind) == ("reducing", True, "drawdown")
    risk_desk.put_market(bid="40000", at=later(30))
    assert watch(desk, at=later(30)).trip is None
    assert state_of(desk).breaker_epoch == row.breaker_epoch
    assert Event.objects.filter(kind="breaker.tripped").count() == 1


def test_after_a_resume_the_old_peak_does_not_trip_again(desk: Desk):
    risk_desk.put_market()
    risk_desk.hold(desk, size="0.199")
    watch(desk, at=AT)
    for at in (later(10), later(20)):
        risk_desk.put_market(bid="44000", at=at)
        watch(desk, at=at)
    state.finish_liquidation(operator=desk.operator, mode="paper", at=later(20))
    risk_desk.Position.objects.update(size_base=0)
    state.resume(operator=desk.operator, mode="paper", cause="go on", at=later(21))
    for at in (later(30), later(40)):
        risk_desk.put_market(bid="44000", at=at)
        assert watch(desk, at=at).trip is None
    assert state_of(desk).state == TradingState.ACTIVE


def test_stale_prices_stop_new_risk_come_back_and_in_the_end_halt(desk: Desk):
    risk_desk.put_market(at=AT)
    risk_desk.hold(desk)
    DeskState.objects.update(ok_until=None)
    assert watch(desk, at=AT).is_ok
    assert state_of(desk).ok_until == later(20)

    first = watch(desk, at=later(30))
    assert (first.trip.kind, first.is_ok, state_of(desk).state) == ("stale_prices", False, "reducing")
    assert state_of(desk).ok_until == later(20), "not renewed"

    risk_desk.put_market(at=later(40))
    assert watch(desk, at=later(40), stale_since=first.stale_since).trip.action == "recover"
    assert state_of(desk).state == TradingState.ACTIVE

    again = watch(desk, at=later(70))
    blind = watch(desk, at=later(70 + 121), stale_since=again.stale_since)
    assert blind.trip.kind == "blind"
    assert (state_of(desk).state, state_of(desk).is_liquidating) == ("halted", False)


def test_redis_away_is_stale_only_while_something_is_held(desk: Desk):
    bus.client().flushall()
    assert watch(desk, at=AT).is_ok
    risk_desk.hold(desk)
    assert not watch(desk, at=later(10)).is_ok
    assert state_of(desk).cause_kind == "stale_prices"


def test_a_price_that_jumps_is_not_believed_at_once(desk: Desk):
    risk_desk.put_market()
    risk_desk.hold(desk, size="0.199")
    watch(desk, at=AT)
    risk_desk.put_market(bid="30000", at=later(10))
    jumped = watch(desk, at=later(10))
    assert jumped.trip.kind == "price_jump"
    assert not jumped.mark.is_fresh
    assert not state_of(desk).is_liquidating
    for at in (later(20), later(30)):
        risk_desk.put_market(bid="30000", at=at)
        watch(desk, at=at)
    assert state_of(desk).is_liquidating, "but when it stays there it is true"


def test_money_that_moves_without_a_reason_freezes_the_desk(desk: Desk):
    watch(desk, at=AT)
    Posting.objects.create(
        account=desk.account(), asset="USDT", amount=D(-201), kind=Posting.Kind.FEE, reference="?", at=AT
    )
    assert watch(desk, at=later(10)).trip.kind == "unexplained_equity"
    assert state_of(desk).state == TradingState.REDUCING


def test_the_days_loss_stops_new_risk_until_the_day_is_over(desk: Desk):
    risk_desk.put_market()
    risk_desk.hold(desk, size="0.1")
    exit_order = risk_desk.order_row(desk, size="0.1", state=OrderState.ACKED, at=later(1))
    risk_desk.trade(desk, order=exit_order, price="45900", at=later(1))
    assert watch(desk, at=later(10)).trip.kind == "daily_loss"
    assert state_of(desk).state == TradingState.REDUCING
    assert breakers.standing_trip(operator=desk.operator, mode="paper", at=later(11)).kind == "daily_loss"
    assert breakers.standing_trip(operator=desk.operator, mode="paper", at=later(11 + 86_400)) is None


def test_dust_stops_nothing(desk: Desk):
    risk_desk.hold(desk, size="0.00005", price="50000")
    risk_desk.put_market(age_s=500)
    assert watch(desk, at=AT).is_ok


def test_the_guard_works_in_rounds_and_a_broken_desk_is_not_renewed(desk: Desk):
    risk_desk.ready(desk)
    risk_desk.hold(desk)
    DeskState.objects.update(ok_until=None)
    order = risk_desk.order_row(desk)
    worker = guard.Guard()
    assert worker.step(at=AT) == 1
    order.refresh_from_db()
    assert order.state == OrderState.APPROVED
    assert state_of(desk).ok_until == later(20)
    marks = EquityMark.objects.count()
    worker.step(at=later(5))
    assert EquityMark.objects.count() == marks
    worker.step(at=later(10))
    assert EquityMark.objects.count() == marks + 1
    assert "equity" in worker.doing

    type(desk.operator).objects.update(risk_profile="yolo")
    second = risk_desk.order_row(desk, purpose=Purpose.PROTECT, leg=1)
    assert worker.step(at=later(20)) == 1
    second.refresh_from_db()
    assert second.state == OrderState.APPROVED, "no new risk, but the way out stays open"
    assert state_of(desk).ok_until == later(30), "no promise was made at 20 s"
    assert "cannot evaluate" in worker.doing


moves = st.tuples(
    st.decimals("0.7", "1.4", places=4),
    st.decimals("-2", "2", places=2),
)


@settings(max_examples=500, deadline=None)
@given(st.lists(moves, min_size=1, max_size=80))
def test_nav_is_the_product_of_returns_whatever_flows(path):
    """A reference that never sees a deposit: NAV must equal it, on any path of returns and flows, even through an empty desk."""
    equity_now, reference = D(1000), D(1)
    units, nav = units_and_nav(equity_now, flow=D(0), last_units=D(0), last_nav=D(0))
    for growth, flow_ratio in path:
        grown = equity_now * growth
        if units > D("0.001"):
            reference *= growth
        flow = max(grown * flow_ratio, -grown)
        equity_now = grown + flow
        units, nav = units_and_nav(equity_now, flow=flow, last_units=units, last_nav=nav)
        if equity_now < 1:
            return
        assert abs(nav / reference - 1) < D("1e-6")


def test_losing_everything_is_a_nav_of_zero():
    assert units_and_nav(D(0), flow=D(0), last_units=D(10), last_nav=D(1)) == (D(10), D(0))
    units, nav = units_and_nav(D(0), flow=D(-10), last_units=D(10), last_nav=D(1))
    assert (units, nav) == (D(0), D(1)), "taking everything out is not a loss"


def test_an_old_mark_is_no_standing(desk: Desk):
    risk_desk.mark(desk)
    for seconds, expected in ((60, D(20_000)), (61, D(0))):
        standing = equity.standing(operator=desk.operator, mode="paper", since=None, at=later(seconds))
        assert standing.equity == expected


def test_the_peak_is_the_highest_fresh_mark_of_the_last_day(desk: Desk):
    """Marks every ten minutes for two days; text that sorts wrongly ("9" after "10") must not fool it."""
    navs = {25: "50", 23: "10.000000000000000001", 22: "9.9", 20: "30"}
    for minutes in range(10, 48 * 60, 10):
        hours, rest = divmod(minutes, 60)
        EquityMark.objects.create(
            operator=desk.operator,
            mode="paper",
            at=AT - timedelta(minutes=minutes),
            equity=D(20_000),
            cash=D(20_000),
            unrealised_pnl=D(0),
            units=D(20_000),
            nav=D(navs.get(hours, "1")) if rest == 0 else D(1),
            is_fresh=hours != 20,
        )
    place = {"operator": desk.operator, "mode": "paper", "at": AT}
    assert equity.peak_nav(equity.nav_points(**place, since=None)) == D("10.000000000000000001")
    assert equity.peak_nav(equity.nav_points(**place, since=AT - timedelta(hours=22))) == D("9.9")
    assert equity.peak_nav(equity.nav_points(**place, since=AT - timedelta(hours=21))) == D(1)


def test_a_clock_that_goes_back_does_not_stop_the_watch(desk: Desk):
    risk_desk.ready(desk)
    worker = guard.Guard()
    worker.step(at=AT)
    before = EquityMark.objects.count()
    worker.step(at=AT - timedelta(hours=1))
    assert EquityMark.objects.count() == before + 1
