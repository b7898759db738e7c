"""`neuratrade why` tells the whole chain, or says in one line why it cannot."""

import io
import json
from datetime import timedelta
from decimal import Decimal
from typing import Any
from uuid import UUID

import pytest
from django.core.management import CommandError, call_command

from agents.models import Evidence, Session, Step, StepAnswer
from neuratrade.explain import explain, latest_executed_decision
from neuratrade.lib.redact import register_secret
from tests.factories import AT, Desk
from tests.trading.services.test_ledger import book, make_fill, make_order, open_decision
from trading.models import Approval, ApprovalUse, Decision, Order, RiskCheck
from trading.risk.approval import Terms, encode, key_id_of, sign
from trading.services import journal, keys
from trading.types import OrderState, Side

KEYS = [
    "decision",
    "market",
    "debate",
    "evidence",
    "verdict",
    "approval",
    "orders",
    "fills",
    "pnl",
    "cost",
    "skill",
]


def why(*arguments: str) -> str:
    out = io.StringIO()
    call_command("why", *arguments, stdout=out, skip_checks=True)
    return out.getvalue()


def why_json(*arguments: str) -> dict[str, Any]:
    found = json.loads(why(*arguments, "--json"))
    assert isinstance(found, dict)
    return found


def _speak(decision: Decision, *, role: str, answer: dict[str, Any]) -> None:
    session = Session.objects.create(
        decision=decision,
        role=role,
        status=Session.Status.ENDED,
        provider="desk_rules",
        system="s",
        brief="b",
        answer=answer,
        claims=[{"evidence_id": "A1", "field": "bid", "value": "99.5"}],
        stop_reason="answer",
        started_at=AT,
        ended_at=AT,
    )
    step = Step.objects.create(
        session=session,
        number=1,
        kind=Step.Kind.MODEL,
        provider="desk_rules",
        label="rules, no model",
        is_local=True,
        request_hash="0" * 64,
        requested_at=AT,
    )
    StepAnswer.objects.create(
        step=step,
        outcome="answered",
        input_tokens=120,
        output_tokens=30,
        cost_usd=Decimal("0.0021"),
        answered_at=AT,
    )
    if role == "analyst":
        Evidence.objects.create(
            session=session,
            step=step,
            position=0,
            reference="A1",
            call_id="c1",
            tool="get_price",
            arguments="{}",
            result={"bid": "99.5", "ask": "99.6"},
            digest="d" * 64,
            as_of=AT,
            at=AT,
        )


def _approve(order: Order, *, purpose: str = "entry") -> Approval:
    keys.create_if_absent()
    key = keys.signing_key()
    identity = UUID(int=order.pk.int ^ 1)
    issued_ms = int(AT.timestamp() * 1000)
    payload = encode(
        Terms(
            order_id=str(order.pk),
            client_order_id=order.client_order_id,
            decision_id=str(order.decision_id or ""),
            leg=order.leg,
            purpose=purpose,
            mode="paper",
            account_id=order.account_id,
            venue="binance",
            symbol="BTC/USDT",
            side=order.side,
            type=order.type,
            time_in_force=order.time_in_force,
            size_base=format(order.size_base, "f"),
            price_bound="100",
            stop_price="90",
            target_price="120",
            close_by_ms=0,
            reduce_only=int(order.reduce_only),
            approval_id=str(identity),
            installation_id="0" * 32,
            breaker_epoch=0,
            policy_hash="a" * 64,
            snapshot_hash="b" * 64,
            snapshot_at_ms=issued_ms,
            skill_hash="",
            reference_price="99.55",
            max_deviation_bps=150,
            max_quote_age_ms=5000,
            notional_cap_quote="100",
            exposure_cap_quote="10000",
            issued_at_ms=issued_ms,
            expires_at_ms=issued_ms + 15_000,
        )
    )
    approval = Approval.objects.create(
        id=identity,
        order=order,
        key_id=key_id_of(key.public_key()),
        payload=payload,
        signature=sign(payload, key=key),
        issued_at=AT,
        expires_at=AT + timedelta(seconds=15),
    )
    ApprovalUse.objects.create(approval=approval, used_at=AT, notional_quote=Decimal(100))
    return approval


@pytest.fixture
def traded(desk: Desk) -> Decision:
    """A decision that was debated, approved, bought, and half sold again at a profit."""
    decision = open_decision(desk)
    Decision.objects.filter(pk=decision.pk).update(
        market={"quote": {"bid": "99.5", "ask": "99.6"}, "why": "rose 12 bps"},
        idea={"side": "buy", "confidence_ratio": "0.6", "thesis": "x"},
        plan={"stop_distance_atr": "2"},
        review={"is_veto": False, "size_scale_ratio": "0.5"},
        skill_name="momentum-scalp",
        skill_hash="f" * 64,
        status=Decision.Status.APPROVED,
    )
    decision.refresh_from_db()
    _speak(decision, role="analyst", answer={"thesis": "The drift is strong."})
    _speak(decision, role="risk_manager", answer={"reasons": ["Halve it."]})
    RiskCheck.objects.create(
        decision=decision,
        rule="fat_finger",
        passed=True,
        message="4 bps from the mid",
        numbers={"deviation_bps": "4", "limit_bps": "500"},
        snapshot_hash="b" * 64,
        checked_at=AT,
    )
    entry = make_order(
        desk,
        name="entry-order",
        side=Side.BUY,
        decision=decision,
        state=OrderState.APPROVED,
        size_base=Decimal(1),
        stop_price=Decimal(90),
        target_price=Decimal(120),
    )
    _approve(entry)
    steps = (OrderState.APPROVED, OrderState.SENDING, OrderState.ACKED)
    for before, after in zip(steps, steps[1:], strict=False):
        assert journal.move(
            order_id=entry.pk, from_states=(before,), to_state=after, reason=f"to {after}", at=AT
        )
    book(desk, make_fill(7001, Side.BUY, "1", "99.6", order="entry-order", fee="0.0996"))
    journal.move(
        order_id=entry.pk, from_states=(OrderState.ACKED,), to_state=OrderState.FILLED, reason="filled", at=AT
    )
    make_order(
        desk, name="exit-order", side=Side.SELL, decision=decision, size_base=Decimal(1), reduce_only=True
    )
    book(desk, make_fill(7002, Side.SELL, "0.5", "103", order="exit-order", fee="0.0515"))
    return Decision.objects.get(pk=decision.pk)


def test_the_object_has_exactly_the_promised_keys(traded: Decision) -> None:
    told = why_json("--last")
    assert list(told) == KEYS
    assert told["decision"]["id"] == str(traded.pk)
    assert told["decision"]["status"] == "executed"
    assert told["market"]["why"] == "rose 12 bps"
    assert [voice["role"] for voice in told["debate"]] == ["analyst", "risk_manager"]
    assert told["evidence"][0]["id"] == "A1"
    assert told["verdict"]["approved"] is True
    assert told["verdict"]["rules"][0]["numbers"]["limit_bps"] == "500"
    assert told["approval"]["signature_ok"] is True
    assert told["approval"]["terms"]["size_base"] == "1"
    entry = told["orders"][0]
    assert [step["to"] for step in entry["transitions"]] == ["sending", "acked", "filled"]
    assert [fill["trade_id"] for fill in told["fills"]] == ["7001", "7002"]
    assert told["cost"]["usd"] == "0.0042"
    assert told["skill"] == {"name": "momentum-scalp", "hash": "f" * 64}


def test_pnl_is_that_of_the_decisions_own_lots(traded: Decision) -> None:
    pnl = why_json("--last")["pnl"]
    assert (pnl["status"], pnl["realised"], pnl["open_base"]) == ("open", "1.5987", "0.5")
    assert pnl["fees_quote"] == "0.1511"
    assert pnl["unrealised"] is None


def test_the_story_names_every_link(traded: Decision) -> None:
    story = why(str(traded.pk))
    for words in (
        "BUY 1 BTC/USDT on binance",
        "rose 12 bps",
        "The drift is strong.",
        "Halve it.",
        "rules, no model",
        "A1",
        "get_price",
        "approved by every rule",
        "fat_finger",
        "valid",
        "approved → sending",
        "acked → filled",
        "7001",
        "+1.5987 USDT",
        "0.0042",
        "momentum-scalp",
    ):
        assert words in story, words


def test_it_is_found_by_any_id(traded: Decision, desk: Desk) -> None:
    order = Order.objects.get(client_order_id="entry-order")
    names = [str(traded.pk), traded.pk.hex, str(traded.pk)[:8], str(traded.pk)[:11], str(order.pk)]
    for name in [*names, "entry-order", "v-entry-order", "7002", f" {traded.pk} "]:
        assert why_json(name)["decision"]["id"] == str(traded.pk), name


def _refused(*arguments: str, code: int = 1) -> str:
    with pytest.raises(CommandError) as caught:
        why(*arguments)
    assert caught.value.returncode == code
    line = str(caught.value)
    assert "\n" not in line
    return line


def test_without_a_trade_there_is_one_clear_line(desk: Desk) -> None:
    open_decision(desk)
    assert "no trade was executed yet" in _refused("--last")
    assert "no live trade" in _refused("--last", "--mode", "live")


def test_an_unknown_name_is_one_clear_line(traded: Decision) -> None:
    for name in ("nothing", "zz", "deadbeefdeadbeef", "' OR 1=1 --", "x" * 300):
        assert "goes by" in _refused(name)


def test_an_ambiguous_beginning_is_one_clear_line(desk: Desk) -> None:
    for last in (1, 2):
        decision = open_decision(desk)
        Decision.objects.create(
            id=UUID(f"abcd0000-0000-4000-8000-00000000000{last}"),
            operator=decision.operator,
            instrument=decision.instrument,
            account=decision.account,
            mode="paper",
            opened_at=AT,
            changed_at=AT,
        )
    assert "could be 2 decisions" in _refused("abcd")


def test_a_foreign_trade_is_one_clear_line(desk: Desk) -> None:
    order = make_order(desk, name="loose-order", side=Side.BUY)
    assert "belongs to no decision" in _refused(str(order.pk))
    book(desk, make_fill(9, Side.BUY, "1", "100"))
    assert "belongs to no decision" in _refused("9")


def test_a_name_or_last_but_not_both_nor_none(traded: Decision) -> None:
    _refused(code=2)
    _refused(str(traded.pk), "--last", code=2)


def test_a_decision_that_never_traded_is_told_too(desk: Desk) -> None:
    decision = open_decision(desk)
    told = explain(decision.pk)
    json.dumps(told)
    assert list(told) == KEYS
    assert (told["approval"], told["orders"], told["pnl"]["status"]) == (None, [], "none")
    story = why(str(decision.pk))
    assert "nobody spoke" in story
    assert "the gate was not asked" in story


def test_a_forged_signature_is_named(traded: Decision) -> None:
    loose = make_order_like(traded)
    approval = Approval.objects.get(order__client_order_id="entry-order")
    Approval.objects.create(
        id=UUID(int=7),
        order=loose,
        key_id=approval.key_id,
        payload=bytes(approval.payload),
        signature=bytes(64),
        issued_at=AT + timedelta(seconds=1),
        expires_at=AT + timedelta(seconds=9),
    )
    forged = next(order for order in explain(traded.pk)["orders"] if order["id"] == str(loose.pk))
    assert forged["approval"]["signature_ok"] is False


def make_order_like(decision: Decision) -> Order:
    return Order.objects.create(
        decision=decision,
        account=decision.account,
        instrument=decision.instrument,
        purpose="protect",
        mode="paper",
        client_order_id="loose",
        side="sell",
        type="stop",
        time_in_force="gtc",
        size_base=Decimal(1),
        stop_price=Decimal(90),
        created_at=AT,
        changed_at=AT,
    )


def test_outside_text_cannot_paint_the_screen_or_leak(traded: Decision) -> None:
    register_secret("hidden-exchange-secret")
    Decision.objects.filter(pk=traded.pk).update(
        reason="\x1b[2J\x1b]0;owned\x07 [bold red]not markup[/] \u202egnp hidden-exchange-secret",
        market={"title\x1b[1m": "[red]also not markup[/] :bomb:"},
    )
    story = why("--last")
    assert "\x1b" not in story
    assert "\u202e" not in story
    assert "[bold red]not markup[/]" in story
    assert "[red]also not markup[/] :bomb:" in story
    assert "hidden-exchange-secret" not in story + why("--last", "--json")


def test_last_is_the_newest_entry_of_the_asked_mode(traded: Decision) -> None:
    assert latest_executed_decision() == traded
    assert latest_executed_decision("paper") == traded
    assert latest_executed_decision("live") is None
