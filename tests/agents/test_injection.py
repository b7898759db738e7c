"""No text from outside changes an order's fields (J3): not when it is shown, and not when a model obeys it."""

import json
from datetime import timedelta
from typing import Any

import pytest

from agents.debate import numbers_only
from agents.models import Session
from agents.services import sessions
from agents.types import Role
from tests.agents import servers
from tests.agents.attacks import ATTACKS
from tests.agents.conftest import Serve
from tests.agents.market import Ticker, open_decision
from tests.agents.servers import Reply, Turn, say
from tests.factories import AT, Desk
from trading.models import Decision, Instrument, Venue

FIELDS = ("idea", "plan", "review")


def poisoned(text: str) -> dict[str, Any]:
    """A market that the text has got into, as value and as name, on both levels."""
    return {
        "rsi": "47.2",
        "headline": text,
        text: "1",
        "news": {"title": text, text: 2, "count": 3},
        "list": [text],
    }


def orders(decision: Decision) -> dict[str, Any]:
    decision.refresh_from_db()
    found = {name: dict(getattr(decision, name) or {}) for name in FIELDS}
    for fields in found.values():
        for prose in ("thesis", "rationale", "reasons"):
            fields.pop(prose, None)
    return {"status": decision.status, **found}


def debate(decision: Decision) -> dict[str, Any]:
    for role in Role:
        sessions.run_role(decision_id=decision.pk, role=role, clock=Ticker())
    return orders(decision)


@pytest.mark.parametrize("text", ATTACKS)
def test_text_in_the_market_does_not_reach_a_role(text: str) -> None:
    assert numbers_only(poisoned(text)) == {"rsi": "47.2", "news": {"count": 3}}


def test_the_debate_is_the_same_with_and_without_attacks(trading_desk: Desk) -> None:
    calm = debate(open_decision(trading_desk))
    assert calm["status"] == Decision.Status.REVIEWED

    for number, text in enumerate(ATTACKS[:6]):
        venue = Venue.objects.create(name=f"v{number}", client="x")
        sample = Instrument.objects.get(venue__name="binance")
        sample.pk, sample.venue, sample.symbol = None, venue, text[:40]
        sample.save(force_insert=True)
        decision = open_decision(trading_desk, market=poisoned(text), at=AT + timedelta(seconds=number))
        assert debate(decision) == calm, text
        briefs = Session.objects.filter(decision=decision).values_list("brief", flat=True)
        assert all(text not in brief and json.dumps(text)[1:-1] not in brief for brief in briefs)


@pytest.mark.parametrize(
    "orders_given",
    [
        {"symbol": "DOGE/USDT"},
        {"symbol": "DOGE/USDT", "claims": []},
        {"venue": "elsewhere"},
        {"size_base": "1000000"},
        {"price": "1"},
        {"confidence_ratio": "100"},
        {"action": "withdraw"},
        {"claims": [{"evidence_id": "A1", "field": "ask", "value": "1.00"}]},
    ],
    ids=lambda value: next(iter(value)),
)
def test_a_model_that_obeys_an_attack_trades_nothing(
    trading_desk: Desk, serve: Serve, orders_given: dict[str, Any]
) -> None:
    def gullible(turn: Turn) -> Reply:
        reply = servers.analyse(turn)
        return reply if reply.calls else say({**json.loads(reply.text), **orders_given})

    serve("openai_compatible", gullible)
    result = debate(open_decision(trading_desk))

    assert result == {"status": Decision.Status.NO_TRADE, "idea": {}, "plan": {}, "review": {}}


@pytest.mark.parametrize("text", ATTACKS[::5])
def test_an_attack_in_a_models_words_changes_no_order_field(
    trading_desk: Desk, serve: Serve, text: str
) -> None:
    server = serve("anthropic")
    calm = debate(open_decision(trading_desk))

    def infected(turn: Turn) -> Reply:
        reply = servers.debate(turn)
        if reply.calls:
            return reply
        answer = json.loads(reply.text)
        prose = next(name for name in ("thesis", "rationale", "reasons") if name in answer)
        return say({**answer, prose: [text] if prose == "reasons" else text})

    server.script = infected
    assert debate(open_decision(trading_desk, at=AT + timedelta(seconds=1))) == calm
