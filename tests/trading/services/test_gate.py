"""The gate on a whole desk: what it signs, what it vetoes, and that nothing makes it do either twice."""

from datetime import timedelta
from decimal import Decimal as D

import pytest
import redis

from neuratrade.lib import redis as bus
from tests.factories import AT, Desk
from tests.trading.risk import builders as make
from tests.trading.risk.test_rules import EXPECTED
from tests.trading.services import risk_desk
from trading.encoding import encode
from trading.models import Approval, Decision, Event, Order, RiskCheck
from trading.risk.approval import decode
from trading.services import gate, state
from trading.tasks import check_risk
from trading.types import OrderState, OrderType, Purpose, Side, TradingState

pytestmark = [pytest.mark.usefixtures("redis_client"), pytest.mark.postgres]
Status = Decision.Status


def test_a_sound_decision_becomes_one_signed_order(desk: Desk):
    risk_desk.ready(desk)
    decision = risk_desk.reviewed(desk)
    listener = bus.client().pubsub(ignore_subscribe_messages=True)
    listener.subscribe(bus.WAKE_EXECUTOR)
    listener.get_message(timeout=1)

    verdict = gate.check_decision(decision_id=decision.pk, at=AT)

    assert verdict.is_approved, verdict.vetoes
    decision.refresh_from_db()
    assert decision.status == Status.APPROVED
    order = decision.orders.get()
    assert (order.state, order.side, order.type, order.reduce_only) == ("approved", "buy", "market", False)
    assert order.close_by == AT + timedelta(hours=1)
    # 20 % of 20,000 at up to 50,150 is the tightest cap
    assert order.size_base == D("0.07976")
    assert order.price_bound == D("50150.01")
    assert order.stop_price < D("49500") < D("51500") < order.target_price
    assert {check.rule for check in decision.risk_checks.all()} == EXPECTED | {"sizing"}
    assert len({check.snapshot_hash for check in decision.risk_checks.all()}) == 1
    terms = decode(bytes(order.approvals.get().payload))
    assert (terms.size_base, terms.skill_hash) == ("0.07976", "ab" * 32)
    assert terms.expires_at_ms - terms.issued_at_ms == 15_000
    assert terms.exposure_cap_quote == "16000"
    kinds = list(Event.objects.filter(decision=decision).values_list("kind", flat=True))
    assert kinds == [
        "decision.checking",
        "decision.approved",
        "verdict.given",
        "order.proposed",
        "order.approved",
        "approval.signed",
    ]


@pytest.mark.django_db(transaction=True)
def test_the_executor_is_woken_and_a_lost_redis_only_delays(redis_client):
    from tests.factories import make_desk

    desk = make_desk(at=AT)
    risk_desk.ready(desk)
    listener = redis_client.pubsub(ignore_subscribe_messages=True)
    listener.subscribe(bus.WAKE_EXECUTOR)
    listener.get_message(timeout=1)
    order = risk_desk.approved(desk)
    message = listener.get_message(timeout=2)
    assert message["data"] == str(order.pk)


def test_the_second_delivery_does_nothing(desk: Desk):
    risk_desk.ready(desk)
    decision = risk_desk.reviewed(desk)
    check_risk_at = AT + timedelta(seconds=1)
    assert gate.check_decision(decision_id=decision.pk, at=AT) is not None
    events = Event.objects.count()
    assert gate.check_decision(decision_id=decision.pk, at=check_risk_at) is None
    check_risk(decision_id=str(decision.pk))
    assert Order.objects.count() == Approval.objects.count() == 1
    assert Event.objects.count() == events


@pytest.mark.parametrize("status", [item for item in Status if item != Status.REVIEWED])
def test_only_a_reviewed_decision_reaches_the_gate(desk: Desk, status):
    risk_desk.ready(desk)
    decision = risk_desk.reviewed(desk, status=status)
    assert gate.check_decision(decision_id=decision.pk, at=AT) is None
    assert not Order.objects.exists()


@pytest.mark.parametrize(
    ("rule", "changes"),
    [
        ("sizing", {"idea": encode(make.idea(side=None))}),
        ("kelly", {"idea": encode(make.idea(confidence_ratio=D("0.2")))}),
        ("long_only_spot", {"idea": encode(make.idea(side=Side.SELL))}),
        ("stop_volatility", {"plan": encode(make.plan(stop_distance_atr=D(15)))}),
        ("review", {"review": encode(make.review(is_veto=True, reasons=("thin weekend book",)))}),
    ],
)
def test_a_veto_says_why_and_leaves_no_order(desk: Desk, rule, changes):
    risk_desk.ready(desk)
    decision = risk_desk.reviewed(desk, **changes)
    verdict = gate.check_decision(decision_id=decision.pk, at=AT)
    decision.refresh_from_db()
    assert not verdict.is_approved
    assert rule in {result.rule for result in verdict.vetoes}
    assert decision.status == Status.VETOED
    assert f"{rule}: " in decision.reason
    assert not Order.objects.exists()
    assert RiskCheck.objects.filter(decision=decision, passed=False).exists()


def test_stale_data_halted_desk_and_silent_guard_are_vetoes(desk: Desk):
    risk_desk.ready(desk)
    late = AT + timedelta(seconds=30)
    verdict = gate.check_decision(decision_id=risk_desk.reviewed(desk).pk, at=late)
    assert {result.rule for result in verdict.vetoes} == {"freshness", "watchdog"}
    state.set_state(operator=desk.operator, mode="paper", state=TradingState.HALTED, cause="test", at=AT)
    verdict = gate.check_decision(decision_id=risk_desk.reviewed(desk).pk, at=AT)
    assert {result.rule for result in verdict.vetoes} == {"trading_state"}


def test_without_any_market_there_is_a_clear_no(desk: Desk):
    risk_desk.keys.create_if_absent()
    decision = risk_desk.reviewed(desk)
    verdict = gate.check_decision(decision_id=decision.pk, at=AT)
    assert verdict.vetoes[0].message == "no quote is known for the instrument"


@pytest.mark.parametrize(
    ("message", "changes"),
    [
        ("no idea or no plan", {"plan": None}),
        ("never reviewed", {"review": None}),
        ("the idea is about kraken", {"idea": encode(make.idea(venue="kraken"))}),
        ("confidence_ratio", {"idea": {**encode(make.idea()), "confidence_ratio": "1.5"}}),
        ("unknown field", {"plan": {**encode(make.plan()), "size_base": "1000"}}),
    ],
)
def test_answers_that_cannot_be_read_fail_the_decision(desk: Desk, message, changes):
    risk_desk.ready(desk)
    decision = risk_desk.reviewed(desk, **changes)
    verdict = gate.check_decision(decision_id=decision.pk, at=AT)
    decision.refresh_from_db()
    assert not verdict.is_approved
    assert decision.status == Status.FAILED
    assert message in decision.reason


def test_an_entry_under_way_counts_before_it_is_filled(desk: Desk):
    """20 % for one order, 30 % for one asset: the second entry gets what is left of the asset's share, the third nothing."""
    risk_desk.ready(desk)
    first = risk_desk.approved(desk)
    second = risk_desk.approved(desk, venue="kraken")
    asset_share = (D(6000) - first.size_base * first.price_bound) / second.price_bound
    assert 0 <= asset_share - second.size_base < D("0.00001")
    third = gate.check_decision(decision_id=risk_desk.reviewed(desk).pk, at=AT)
    assert not third.is_approved


def test_asking_what_the_gate_would_say_writes_nothing(desk: Desk):
    risk_desk.ready(desk)
    before = Event.objects.count()
    judged = gate.consider(
        account=desk.account(),
        instrument=desk.instrument(),
        idea=make.idea(),
        plan=make.plan(),
        review=make.review(),
        at=AT,
    )
    assert judged.verdict.is_approved
    assert (Event.objects.count(), Order.objects.count()) == (before, 0)


def test_a_result_that_cannot_be_summed_up_does_not_block_the_way_out(desk: Desk, settings):
    """The operator took USDT off the list of stable assets after a trade in it."""
    risk_desk.ready(desk)
    risk_desk.hold(desk)
    sale = risk_desk.order_row(desk, size="0.04", state=OrderState.ACKED)
    risk_desk.trade(desk, order=sale, price="50000")
    order = risk_desk.order_row(desk, size="0.06", leg=1)
    settings.STABLE_ASSETS = frozenset({"USDC"})
    verdict = gate.sign_reduce_only(order_id=order.pk, at=AT)
    assert verdict.is_approved, verdict.vetoes


@pytest.mark.parametrize("purpose", gate.REDUCE_ONLY)
@pytest.mark.parametrize("is_redis_away", [False, True])
def test_ways_out_are_signed_even_while_reducing_and_without_redis(desk: Desk, purpose, is_redis_away):
    risk_desk.ready(desk)
    position = risk_desk.hold(desk)
    order = risk_desk.order_row(desk, purpose=purpose, size=str(position.size_base))
    state.begin_liquidation(operator=desk.operator, mode="paper", cause="test", at=AT)
    if is_redis_away:
        with _redis_gone():
            verdict = gate.sign_reduce_only(order_id=order.pk, at=AT)
    else:
        verdict = gate.sign_reduce_only(order_id=order.pk, at=AT)
    assert verdict.is_approved, verdict.vetoes
    order.refresh_from_db()
    assert order.state == OrderState.APPROVED
    terms = decode(bytes(order.approvals.get().payload))
    assert terms.reduce_only == 1
    assert terms.expires_at_ms - terms.issued_at_ms == 60_000
    assert terms.breaker_epoch == 1
    assert gate.sign_reduce_only(order_id=order.pk, at=AT) is None


@pytest.mark.parametrize(
    ("rule", "changes"),
    [
        ("reduce_only", {"size": "0.10001"}),
        ("reduce_only", {"side": Side.BUY}),
        ("precision", {"size": "0.0999999"}),
        ("fat_finger", {"price_bound": D("39000")}),
    ],
)
def test_a_way_out_that_is_none_is_aborted(desk: Desk, rule, changes):
    risk_desk.ready(desk)
    risk_desk.hold(desk)
    order = risk_desk.order_row(desk, **changes)
    gate.sign_reduce_only(order_id=order.pk, at=AT)
    order.refresh_from_db()
    assert order.state == OrderState.ABORTED
    assert rule in order.transitions.get().reason
    assert not order.approvals.exists()


def test_the_guard_never_signs_an_entry(desk: Desk):
    risk_desk.ready(desk)
    entry = risk_desk.order_row(desk, purpose=Purpose.ENTRY, side=Side.BUY)
    posing = risk_desk.order_row(
        desk, purpose=Purpose.ENTRY, side=Side.BUY, leg=1, reduce_only=True, type=OrderType.MARKET
    )
    assert gate.sign_reduce_only(order_id=entry.pk, at=AT) is None
    assert gate.sign_reduce_only(order_id=posing.pk, at=AT) is None
    assert not Approval.objects.exists()


class _redis_gone:
    """Points the desk's client at a socket nobody serves."""

    def __enter__(self):
        from django.test import override_settings

        self._override = override_settings(REDIS_URL="unix:///tmp/nobody-here.sock")
        self._override.enable()
        bus.client.cache_clear()
        with pytest.raises(redis.RedisError):
            bus.client().ping()

    def __exit__(self, *_error):
        self._override.disable()
        bus.client.cache_clear()
