"""Runs on every agent tool found: its schema, its manners, and that reading writes nothing."""

import json
from contextlib import suppress
from decimal import Decimal
from typing import Any

import pytest
from django.apps import apps

from agents.errors import ToolError
from agents.models import Session
from agents.services.toolbox import LiveContext, Toolbox, tools
from agents.skillbook import read_book
from agents.types import Effect, Role, ToolCall
from neuratrade.lib.plugins import discover
from tests.agents.market import open_decision, put_market
from tests.factories import AT, Desk
from trading.encoding import encode
from trading.errors import TradingError
from trading.types import Side, TradeIdea

EXPECTED = {
    "check_risk_limits",
    "get_historical_prices",
    "get_order_book",
    "get_portfolio_balance",
    "get_price",
    "portfolio_exposure_snapshot",
    "propose_order",
}
NEEDED: dict[str, dict[str, Any]] = {
    "propose_order": {
        "symbol": "BTC/USDT",
        "order_type": "market",
        "stop_distance_atr": "2",
        "target_distance_atr": "8",
        "max_hold_s": 900,
    }
}


@pytest.fixture
def context(desk: Desk, redis_client: object, settings: Any) -> LiveContext:
    put_market(desk)
    decision = open_decision(desk)
    idea = TradeIdea(
        venue="binance",
        symbol="BTC/USDT",
        side=Side.BUY,
        confidence_ratio=Decimal("0.65"),
        horizon_s=900,
        thesis="up",
    )
    decision.idea = encode(idea)
    return LiveContext(at=AT, decision=decision)


def test_the_expected_tools_are_there_under_their_file_names() -> None:
    assert set(discover("agents.tools", "TOOL")) == set(tools()) == EXPECTED


@pytest.mark.parametrize("name", sorted(EXPECTED))
def test_a_schema_is_closed_and_described(name: str) -> None:
    spec = tools()[name].spec
    assert spec.schema["type"] == "object"
    assert spec.schema["additionalProperties"] is False
    assert 20 < len(spec.description) < 400
    json.dumps(spec.schema)


def test_only_the_trader_may_propose_and_nothing_else_touches_capital() -> None:
    capital = {name: tool.roles for name, tool in tools().items() if tool.effect is Effect.CAPITAL}
    assert capital == {"propose_order": frozenset({Role.TRADER})}


@pytest.mark.parametrize("name", sorted(EXPECTED))
def test_a_tool_returns_facts_with_their_time(name: str, context: LiveContext) -> None:
    counts = {model: model._default_manager.count() for model in apps.get_models()}

    output = tools()[name].call(json.dumps(NEEDED.get(name, {})), context=context)

    assert (output.data["venue"], output.data["symbol"]) == ("binance", "BTC/USDT")
    assert output.as_of <= AT < output.fresh_until
    assert counts == {model: model._default_manager.count() for model in apps.get_models()}


@pytest.mark.parametrize("name", sorted(EXPECTED))
@pytest.mark.parametrize(
    "arguments",
    ['{"unknown": 1}', "{", "[]", "1", "[" * 3000, "NaN", '{"a":1,"a":2}', '"' + "x" * 9000 + '"'],
)
def test_bad_arguments_are_refused_in_one_line(name: str, arguments: str, context: LiveContext) -> None:
    with pytest.raises(ToolError) as caught:
        tools()[name].call(arguments, context=context)
    assert "\n" not in str(caught.value)


@pytest.mark.parametrize("name", sorted(EXPECTED - {"propose_order"}))
def test_a_tool_without_market_refuses_or_answers_but_never_breaks(
    name: str, desk: Desk, redis_client: object
) -> None:
    context = LiveContext(at=AT, decision=open_decision(desk))
    with suppress(ToolError, TradingError):
        output = tools()[name].call("{}", context=context)
        assert "bid" not in output.data


@pytest.mark.parametrize(
    "changes",
    [
        {"symbol": "DOGE/USDT"},
        {"size_base": 1000},
        {"price": 1},
        {"size_scale_ratio": 10},
        {"stop_distance_atr": "0"},
        {"target_distance_atr": "1e9"},
        {"order_type": "stop"},
    ],
)
def test_a_forbidden_proposal_is_refused(changes: dict[str, Any], context: LiveContext) -> None:
    with pytest.raises(ToolError):
        tools()["propose_order"].call(json.dumps({**NEEDED["propose_order"], **changes}), context=context)


@pytest.mark.parametrize("role", list(Role))
def test_every_skill_names_real_tools_and_suits_some_role(role: Role, settings: Any, desk: Desk) -> None:
    book = read_book(settings.SKILLS_DIR)
    for skill in book.values():
        assert skill.tools <= EXPECTED, skill.name
        assert any(
            skill.suits(name for name, tool in tools().items() if other in tool.roles) for other in Role
        ), skill.name
    pinned = {name: skill.digest for name, skill in book.items()}
    toolbox = Toolbox(role=role, decision=open_decision(desk), book=book, pinned=pinned)
    opened = toolbox.run(
        ToolCall(call_id="1", tool="activate_skill", arguments='{"name": "risk-limits"}'), at=AT
    )
    assert not isinstance(opened, str)
    assert opened.data["digest"] == pinned["risk-limits"]
    stale = Toolbox(
        role=role, decision=open_decision(desk), book=book, pinned={**pinned, "risk-limits": "0" * 64}
    )
    refused = stale.run(
        ToolCall(call_id="1", tool="activate_skill", arguments='{"name": "risk-limits"}'), at=AT
    )
    assert isinstance(refused, str)
    assert "has changed" in refused
    assert not Session.objects.exists()
