"""Attacks on a real desk's approvals: each must be refused, leave the approval unused, and the right order must still pass."""

import threading
from dataclasses import replace
from datetime import timedelta
from decimal import Decimal as D

import pytest
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey
from django.conf import settings
from django.db import connection, transaction

from neuratrade.lib.clock import to_epoch_ms
from tests.factories import AT, Desk, make_desk
from tests.trading.services import risk_desk
from trading.errors import ApprovalError
from trading.models import (
    Account,
    Approval,
    ApprovalUse,
    Decision,
    DeskState,
    Instrument,
    Lease,
    Order,
    Position,
    Venue,
)
from trading.risk.approval import decode, encode, key_id_of, sign
from trading.services import approvals, gate, keys, leases, state
from trading.types import OrderState, Purpose, Side, TradingState

SOON = AT + timedelta(seconds=1)


@pytest.fixture
def order(desk: Desk, redis_client) -> Order:
    risk_desk.ready(desk)
    return risk_desk.approved(desk)


@pytest.fixture
def way_out(desk: Desk, redis_client) -> Order:
    risk_desk.ready(desk)
    risk_desk.hold(desk)
    order = risk_desk.order_row(desk)
    gate.sign_reduce_only(order_id=order.pk, at=AT)
    order.refresh_from_db()
    assert order.state == OrderState.APPROVED
    return order


def consume(desk: Desk, order: Order, *, at=SOON, lease=None):
    with transaction.atomic():
        return approvals.verify_and_consume(
            order_id=order.pk, executor_lease=lease or risk_desk.lease(desk), at=at
        )


def refused(desk: Desk, order: Order, match: str, **how) -> None:
    with pytest.raises(ApprovalError, match=match):
        consume(desk, order, **how)
    assert not ApprovalUse.objects.exists()


def forge(
    order: Order, *, key: Ed25519PrivateKey | None = None, key_id: str | None = None, **changes
) -> Approval:
    """Puts an approval with changed terms in place of the real one; rightly signed unless `key` is another."""
    genuine = order.approvals.latest("issued_at")
    terms = replace(decode(bytes(genuine.payload)), **changes)
    key = key or keys.signing_key()
    payload = encode(terms)
    return Approval.objects.create(
        id=terms.approval_id if "approval_id" in changes else "99999999-9999-4999-8999-999999999999",
        order=order,
        key_id=key_id or key_id_of(key.public_key()),
        payload=payload,
        signature=sign(payload, key=key),
        issued_at=genuine.issued_at + timedelta(milliseconds=1),
        expires_at=genuine.expires_at,
    )


@pytest.mark.postgres
def test_the_right_order_passes_once(desk: Desk, order: Order):
    lease = risk_desk.lease(desk)
    terms = consume(desk, order, lease=lease)
    assert terms.order_id == str(order.pk)
    assert ApprovalUse.objects.get().notional_quote == order.size_base * order.price_bound
    with pytest.raises(ApprovalError, match="used before"):
        consume(desk, order, lease=lease)
    assert ApprovalUse.objects.count() == 1


def test_a_rolled_back_use_is_none(desk: Desk, order: Order):
    lease = risk_desk.lease(desk)
    with transaction.atomic():
        approvals.verify_and_consume(order_id=order.pk, executor_lease=lease, at=SOON)
        transaction.set_rollback(True)  # as a crash before SENDING was journalled would
    assert not ApprovalUse.objects.exists()
    consume(desk, order, lease=lease)


@pytest.mark.django_db(transaction=True)
def test_it_must_be_inside_the_journal_transaction(redis_client):
    desk = make_desk(at=AT)
    with pytest.raises(transaction.TransactionManagementError):
        approvals.verify_and_consume(order_id="0" * 32, executor_lease=("", "", 0), at=AT)
    assert desk


STEP, TICK = D("0.00001"), D("0.01")
CHANGED_ORDERS = {
    "one step more": lambda order: {"size_base": order.size_base + STEP},
    "one step less": lambda order: {"size_base": order.size_base - STEP},
    "one tick worse": lambda order: {"price_bound": order.price_bound + TICK},
    "one tick better": lambda order: {"price_bound": order.price_bound - TICK},
    "another stop": lambda order: {"stop_price": order.stop_price - TICK},
    "no stop": lambda order: {"stop_price": None},
    "another target": lambda order: {"target_price": order.target_price + TICK},
    "held longer": lambda order: {"close_by": order.close_by + timedelta(seconds=1)},
    "never closed": lambda order: {"close_by": None},
    "the other side": lambda order: {"side": "sell"},
    "another type": lambda order: {"type": "limit"},
    "another time in force": lambda order: {"time_in_force": "gtc"},
    "another purpose": lambda order: {"purpose": "exit"},
    "posing as reduce-only": lambda order: {"reduce_only": True},
    "the second leg": lambda order: {"leg": 1},
    "live instead of paper": lambda order: {"mode": "live"},
    "another client order id": lambda order: {"client_order_id": "another-id-1234"},
    "no decision": lambda order: {"decision": None},
    "another account": lambda order: {"account": Account.objects.exclude(pk=order.account_id).get()},
    "another venue's instrument": lambda order: {
        "instrument": Instrument.objects.exclude(pk=order.instrument_id).get()
    },
}


@pytest.mark.parametrize("name", sorted(CHANGED_ORDERS))
def test_no_other_order_than_the_approved_one(desk: Desk, order: Order, name):
    Order.objects.filter(pk=order.pk).update(**CHANGED_ORDERS[name](order))
    with pytest.raises(ApprovalError):
        consume(desk, order)
    assert not ApprovalUse.objects.exists()


def test_a_venue_or_symbol_renamed_under_the_order(desk: Desk, order: Order):
    Venue.objects.filter(name="binance").update(name="binance-2")
    refused(desk, order, "venue differ")
    Venue.objects.filter(name="binance-2").update(name="binance")
    Instrument.objects.filter(pk=order.instrument_id).update(symbol="BTC/USDC")
    refused(desk, order, "symbol differ")


def test_the_approval_of_one_order_is_none_for_another(desk: Desk, order: Order):
    """Split in two, replayed from the audit log, or put under a new order: the bytes name one order."""
    genuine = order.approvals.get()
    second = risk_desk.order_row(
        desk,
        purpose=Purpose.ENTRY,
        side=Side.BUY,
        state=OrderState.APPROVED,
        decision=order.decision,
        leg=1,
        size=str(order.size_base / 2),
    )
    Approval.objects.create(
        id="88888888-8888-4888-8888-888888888888",
        order=second,
        key_id=genuine.key_id,
        payload=genuine.payload,
        signature=genuine.signature,
        issued_at=genuine.issued_at,
        expires_at=genuine.expires_at,
    )
    refused(desk, second, "not the approved one")


def test_the_same_bytes_under_a_second_id_are_refused(desk: Desk, order: Order):
    """A copy of the row would otherwise have a use of its own."""
    genuine = order.approvals.get()
    Approval.objects.create(
        id="88888888-8888-4888-8888-888888888888",
        order=order,
        key_id=genuine.key_id,
        payload=genuine.payload,
        signature=genuine.signature,
        issued_at=genuine.issued_at + timedelta(seconds=1),
        expires_at=genuine.expires_at + timedelta(days=1),
    )
    refused(desk, order, "another approval")


@pytest.mark.parametrize(
    ("match", "offset"),
    [
        ("expired", timedelta(seconds=15)),
        ("expired", timedelta(seconds=15, milliseconds=1)),
        ("expired", timedelta(days=1)),
        ("from the future", timedelta(milliseconds=-1)),
        ("from the future", timedelta(days=-1)),
    ],
)
def test_only_in_its_time(desk: Desk, order: Order, match, offset):
    at = AT + offset
    DeskState.objects.update(ok_until=at + timedelta(seconds=20))
    refused(desk, order, match, at=at, lease=risk_desk.lease(desk, at=at))


def test_the_last_millisecond_is_inside(desk: Desk, order: Order):
    consume(desk, order, at=AT + timedelta(milliseconds=14_999))


def test_a_later_row_expiry_does_not_help(desk: Desk, order: Order):
    """What counts is what was signed, not the column beside it."""
    forge(order, approval_id="99999999-9999-4999-8999-999999999999")
    at = AT + timedelta(seconds=16)
    DeskState.objects.update(ok_until=at + timedelta(seconds=20))
    refused(desk, order, "expired", at=at, lease=risk_desk.lease(desk, at=at))


@pytest.mark.parametrize(
    ("match", "changes"),
    [
        ("another installation", {"installation_id": "f" * 32}),
        ("state changed", {"breaker_epoch": 1}),
        ("mode differ", {"mode": "live"}),
        ("account_id differ", {"account_id": 999}),
        ("exposure cap", {"exposure_cap_quote": "3999"}),
        ("exposure cap", {"notional_cap_quote": "3999"}),
        ("size_base differ", {"size_base": "5"}),
    ],
)
def test_rightly_signed_for_another_world(desk: Desk, order: Order, match, changes):
    forge(order, approval_id="99999999-9999-4999-8999-999999999999", **changes)
    refused(desk, order, match)


def test_signed_by_another_key(desk: Desk, order: Order):
    other = Ed25519PrivateKey.generate()
    forge(order, key=other, approval_id="99999999-9999-4999-8999-999999999999")
    refused(desk, order, "does not know")


def test_signed_by_another_key_under_our_name(desk: Desk, order: Order):
    forge(
        order,
        key=Ed25519PrivateKey.generate(),
        key_id=key_id_of(keys.public_key()),
        approval_id="99999999-9999-4999-8999-999999999999",
    )
    refused(desk, order, "signature")


def test_the_keys_were_changed_since(desk: Desk, order: Order):
    folder = settings.KEYS_DIR
    old = {name: (folder / name).read_text() for name in (keys.SIGNING_KEY, keys.PUBLIC_KEY)}
    try:
        for name in old:
            (folder / name).unlink()
        keys.create_if_absent()
        refused(desk, order, "does not know")
        (folder / keys.PUBLIC_KEY).unlink()
        refused(desk, order, "is missing")
    finally:
        for name, text in old.items():
            (folder / name).write_text(text)


def test_the_desk_runs_in_another_mode(desk: Desk, order: Order, settings):
    settings.MODE = "live"
    refused(desk, order, "desk runs in live")


@pytest.mark.parametrize(
    ("match", "changes"),
    [
        ("halted", {"state": TradingState.HALTED}),
        ("state changed", {"breaker_epoch": 1}),
        ("only what reduces", {"state": TradingState.REDUCING}),
        ("not confirmed", {"ok_until": SOON}),
        ("not confirmed", {"ok_until": None}),
        ("not confirmed", {"ok_until": SOON + timedelta(hours=1)}),
    ],
)
def test_the_desk_changed_between_approval_and_send(desk: Desk, order: Order, match, changes):
    DeskState.objects.update(**changes)
    refused(desk, order, match)


def test_a_breaker_that_trips_and_is_resumed_voids_what_was_approved_before(desk: Desk, order: Order):
    state.set_state(operator=desk.operator, mode="paper", state=TradingState.REDUCING, cause="x", at=AT)
    state.resume(operator=desk.operator, mode="paper", cause="x", at=AT)
    refused(desk, order, "state changed")


def test_a_desk_without_a_state(desk: Desk, order: Order):
    DeskState.objects.all().delete()
    refused(desk, order, "halted")


def test_lease_attacks(desk: Desk, order: Order):
    name, owner, epoch = risk_desk.lease(desk)
    refused(desk, order, "another account", lease=risk_desk.lease(desk, venue="kraken"))
    refused(desk, order, "does not hold", lease=(name, owner, epoch - 1))
    refused(desk, order, "does not hold", lease=(name, "somebody else", epoch))
    Lease.objects.filter(name=name).update(expires_at=SOON)
    refused(desk, order, "does not hold", lease=(name, owner, epoch))
    taken = leases.acquire(name=name, owner="another executor", ttl_s=10, at=SOON)
    refused(desk, order, "does not hold", lease=(name, owner, epoch))
    consume(desk, order, lease=(name, "another executor", taken))


@pytest.mark.parametrize("order_state", [item for item in OrderState if item is not OrderState.APPROVED])
def test_only_an_order_that_waits(desk: Desk, order: Order, order_state):
    Order.objects.filter(pk=order.pk).update(state=order_state)
    refused(desk, order, "waits to be used")


def test_an_order_without_an_approval(desk: Desk, redis_client):
    risk_desk.ready(desk)
    refused(desk, risk_desk.order_row(desk, state=OrderState.APPROVED), "no approval")


@pytest.mark.postgres
def test_two_approvals_on_one_snapshot_cannot_both_pass_the_cap(desk: Desk, order: Order):
    """Both fit alone. Whichever is sent first counts, in doubt or not, against the other."""
    cap = order.size_base * order.price_bound * D("1.5")
    forge(
        order,
        approval_id="99999999-9999-4999-8999-999999999999",
        exposure_cap_quote=format(cap.quantize(D("0.1")).normalize(), "f"),
    )
    other = risk_desk.order_row(
        desk,
        purpose=Purpose.ENTRY,
        side=Side.BUY,
        size=str(order.size_base),
        state=OrderState.UNKNOWN,
        leg=3,
    )
    refused(desk, order, "exposure cap")
    Order.objects.filter(pk=other.pk).update(state=OrderState.NOT_PLACED)
    consume(desk, order)


# --- the way out -------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("silent", [True, False])
def test_a_way_out_passes_without_the_guard_and_while_reducing(desk: Desk, way_out: Order, silent):
    if silent:
        DeskState.objects.update(ok_until=None)
    DeskState.objects.update(state=TradingState.REDUCING)
    at = AT + timedelta(seconds=59)
    consume(desk, way_out, at=at, lease=risk_desk.lease(desk, at=at))


def test_nothing_goes_out_when_halted(desk: Desk, way_out: Order):
    DeskState.objects.update(state=TradingState.HALTED)
    refused(desk, way_out, "halted")


def test_a_way_out_ends_too(desk: Desk, way_out: Order):
    at = AT + timedelta(seconds=60)
    refused(desk, way_out, "expired", at=at, lease=risk_desk.lease(desk, at=at))


def test_a_way_out_cannot_open(desk: Desk, way_out: Order):
    """The position was closed meanwhile, or another exit is already under way: this one would sell what is not the desk's."""
    Position.objects.update(size_base=D("0.09999"))
    refused(desk, way_out, "reduce more than is held")
    Position.objects.update(size_base=D("0.1"))
    resting = risk_desk.order_row(desk, size="0.00001", state=OrderState.UNKNOWN, leg=5)
    refused(desk, way_out, "reduce more than is held")
    Order.objects.filter(pk=resting.pk).update(state=OrderState.CANCELED)
    consume(desk, way_out)


def test_a_liquidation_class_order_turned_into_a_purchase(desk: Desk, way_out: Order):
    Order.objects.filter(pk=way_out.pk).update(side="buy")
    refused(desk, way_out, "side differ")


# --- at the same time --------------------------------------------------------------------------------------------------


@pytest.mark.postgres
@pytest.mark.django_db(transaction=True)
def test_of_many_at_once_exactly_one_wins(redis_client):
    """Eight threads with connections of their own on the real database file, twelve approvals."""
    desk = make_desk(at=AT)
    risk_desk.ready(desk)
    risk_desk.hold(desk, size="0.12")
    orders = [risk_desk.order_row(desk, size="0.01", leg=leg) for leg in range(12)]
    for order in orders:
        gate.sign_reduce_only(order_id=order.pk, at=AT)
    lease = risk_desk.lease(desk)
    wins: list[str] = []
    barrier = threading.Barrier(8)

    def race() -> None:
        try:
            for order in orders:
                barrier.wait(timeout=30)
                try:
                    consume(desk, order, lease=lease)
                except ApprovalError as error:
                    assert "used before" in str(error)  # noqa: PT017 - the losers' only reason
                else:
                    wins.append(str(order.pk))
        finally:
            connection.close()

    threads = [threading.Thread(target=race) for _ in range(8)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join(timeout=60)
    assert sorted(wins) == sorted(str(order.pk) for order in orders)
    assert ApprovalUse.objects.count() == 12


@pytest.mark.postgres
def test_the_time_signed_is_the_time_stored(desk: Desk, order: Order):
    approval = order.approvals.get()
    terms = decode(bytes(approval.payload))
    assert terms.issued_at_ms == to_epoch_ms(approval.issued_at)
    assert terms.expires_at_ms == to_epoch_ms(approval.expires_at)
    assert Decision.objects.get().status == Decision.Status.APPROVED
