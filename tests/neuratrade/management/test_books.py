"""`verify_audit` and `check_invariants` say what holds and what does not, and by exit code."""

import io
import json
from collections.abc import Iterator
from datetime import timedelta
from decimal import Decimal

import pytest
from django.conf import settings
from django.core.management import CommandError, call_command

from tests.factories import AT, Desk
from tests.neuratrade.management.test_why import _approve
from tests.tamper import as_owner
from tests.trading.services.test_ledger import book, make_fill, make_order, open_decision
from trading.models import Account, Credential, Lot, Order, Position
from trading.services import audit, invariants
from trading.types import OrderState, Side


def run(*arguments: str) -> str:
    out = io.StringIO()
    call_command(*arguments, stdout=out, skip_checks=True)
    return out.getvalue()


@pytest.fixture(autouse=True)
def _no_checkpoint(db: None) -> Iterator[None]:
    yield
    audit.head_path().unlink(missing_ok=True)


@pytest.fixture
def traded(desk: Desk) -> Desk:
    """One approved entry, filled."""
    order = make_order(desk, name="entry-order", side=Side.BUY, stop_price=Decimal(90), size_base=Decimal(1))
    _approve(order)
    book(desk, make_fill(1, Side.BUY, "1", "100", order="entry-order", fee="0.1"))
    Position.objects.update(unprotected_since=None)
    return desk


def _broken() -> set[str]:
    return {violation.name for violation in invariants.check(at=AT)}


def test_right_books_hold(traded: Desk) -> None:
    assert _broken() == set()
    text = run("check_invariants")
    assert text.count("holds") >= len(invariants.names())
    assert json.loads(run("check_invariants", "--json")) == {
        "checked": list(invariants.names()),
        "violations": [],
    }


def test_a_violation_is_named_and_the_exit_code_is_1(traded: Desk) -> None:
    Position.objects.update(size_base=Decimal(2))
    assert _broken() == {"positions equal fills", "lots equal positions"}
    with pytest.raises(CommandError, match="2 violations: stop trading") as caught:
        run("check_invariants")
    assert caught.value.returncode == 1


def test_a_lot_used_twice_is_seen(traded: Desk) -> None:
    Lot.objects.update(remaining_base=Decimal("0.5"))
    assert _broken() == {"lots equal positions", "lots are used once"}


def test_missing_cash_is_seen(traded: Desk) -> None:
    as_owner("UPDATE trading_posting SET amount = '-99' WHERE asset = 'USDT' AND kind = 'trade'")
    assert _broken() == {"postings equal fills"}


def test_a_false_filled_size_is_seen(traded: Desk) -> None:
    Order.objects.update(filled_base=Decimal("0.9"))
    assert _broken() == {"orders equal fills"}
    Order.objects.update(filled_base=Decimal(1), size_base=Decimal("0.5"))
    assert "orders equal fills" in _broken()


def test_a_sent_order_without_an_approval_is_seen(traded: Desk) -> None:
    make_order(traded, name="unapproved", side=Side.BUY)
    assert _broken() == {"sent orders are approved"}


def test_an_unsent_order_needs_none(traded: Desk) -> None:
    make_order(traded, name="waiting", side=Side.BUY, state=OrderState.PROPOSED)
    make_order(traded, name="aborted", side=Side.BUY, state=OrderState.ABORTED, venue_order_id="")
    assert _broken() == set()


@pytest.mark.parametrize(
    "change",
    [{"size_base": Decimal("1.5")}, {"price_bound": Decimal(101)}, {"side": "sell"}, {"mode": "live"}],
)
def test_an_order_larger_than_its_approval_is_seen(traded: Desk, change: dict[str, object]) -> None:
    Order.objects.update(**change)
    assert "approvals cover orders" in _broken()


def test_a_position_too_long_without_a_stop_is_seen(traded: Desk) -> None:
    Position.objects.update(unprotected_since=AT - timedelta(seconds=59))
    assert _broken() == set()
    Position.objects.update(unprotected_since=AT - timedelta(seconds=61))
    assert _broken() == {"positions are protected"}


def test_two_orders_with_one_venue_id_are_seen(traded: Desk) -> None:
    make_order(traded, name="twin", side=Side.BUY, state=OrderState.PROPOSED, venue_order_id="v-entry-order")
    assert _broken() == {"order ids are unique"}


def test_a_paper_order_on_a_live_account_is_seen(traded: Desk) -> None:
    Account.objects.filter(pk=traded.account().pk).update(mode="live")
    assert _broken() == {"modes do not mix"}


def test_a_key_on_a_paper_account_is_seen(traded: Desk) -> None:
    key = Credential.objects.create(label="k", sealed=b"x", created_at=AT)
    Account.objects.filter(pk=traded.account("kraken").pk).update(credential=key)
    assert _broken() == {"modes do not mix"}


def test_the_audit_line_names_the_head(desk: Desk) -> None:
    open_decision(desk)
    assert "audit trail intact: 1 events" in run("verify_audit")
    assert "no checkpoint yet" in run("verify_audit")
    audit.checkpoint(at=AT)
    assert "checkpoint at event 1 agrees" in run("verify_audit")
    assert (settings.HOME / "audit_head").exists()


def test_tampering_is_one_line_and_exit_code_1(desk: Desk) -> None:
    open_decision(desk)
    as_owner("UPDATE trading_event SET kind = 'decision.approved' WHERE id = 1")
    with pytest.raises(CommandError, match=r"event 1 \(decision.approved\) was changed") as caught:
        run("verify_audit")
    assert caught.value.returncode == 1
    assert "\n" not in str(caught.value)
    assert "audit trail holds" in _broken()
