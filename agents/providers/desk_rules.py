"""The built-in desk behind the same messages and tool calls as a model: asks for its evidence first, then answers (agents/rules.py).

Deterministic, free, and labelled "rules, no model". It can take over in the middle of a model's session: it reads the tool results
that are there and asks for what is missing.
"""

import json
from collections.abc import Mapping
from typing import Any

from agents import rules
from agents.encoding import canonical
from agents.types import (
    Author,
    Endpoint,
    Finish,
    Message,
    ModelRequest,
    ModelResponse,
    Role,
    Text,
    ToolCall,
    ToolResult,
    Usage,
)

Ask = tuple[str, Mapping[str, Any]]

_FAST: Ask = ("get_historical_prices", {"timeframe": "1m"})
_SLOW: Ask = ("get_historical_prices", {"timeframe": "5m"})
_NEEDS: dict[Role, tuple[Ask, ...]] = {
    Role.ANALYST: (("get_price", {}), _FAST, _SLOW),
    Role.TRADER: (("get_price", {}), _SLOW),
    Role.RISK_MANAGER: (
        ("get_order_book", {}),
        _SLOW,
        ("portfolio_exposure_snapshot", {}),
        ("check_risk_limits", {}),
    ),
}
_PAGE = "momentum-scan"


class DeskRules:
    def complete(self, request: ModelRequest, *, endpoint: Endpoint) -> ModelResponse:
        brief = json.loads(request.messages[0].text)
        asks = _missing(brief, request) or _follow_up(brief, request)
        if asks:
            return _respond(_calls(asks, request), finish=Finish.TOOL_CALLS)
        answer = Text(text=canonical(_answer(brief, request)))
        return _respond((answer,), finish=Finish.ANSWER)


def _respond(parts: tuple[Text | ToolCall, ...], *, finish: Finish) -> ModelResponse:
    message = Message(author=Author.MODEL, parts=parts)
    return ModelResponse(message=message, finish=finish, usage=Usage(), model=rules.LABEL)


def _calls(asks: tuple[Ask, ...], request: ModelRequest) -> tuple[ToolCall, ...]:
    first = sum(len(message.calls) for message in request.messages)
    return tuple(
        ToolCall(call_id=f"rules_{first + number}", tool=tool, arguments=canonical(arguments))
        for number, (tool, arguments) in enumerate(asks)
    )


def _missing(brief: Mapping[str, Any], request: ModelRequest) -> tuple[Ask, ...]:
    """The evidence not asked for yet. The skill that the brief names, or the page these rules follow, is opened with it."""
    asked = {(call.tool, call.arguments) for message in request.messages for call in message.calls}
    shelf = next((canonical(tool.schema) for tool in request.tools if tool.name == "activate_skill"), "")
    page = brief.get("skill") or (_PAGE if f'"{_PAGE}"' in shelf else "")
    opening: tuple[Ask, ...] = (("activate_skill", {"name": page}),)
    needs = (*(opening if page and request.role is Role.ANALYST else ()), *_NEEDS[request.role])
    return tuple((tool, arguments) for tool, arguments in needs if (tool, canonical(arguments)) not in asked)


def _follow_up(brief: Mapping[str, Any], request: ModelRequest) -> tuple[Ask, ...]:
    """The trader proposes farther targets until one has an edge or all were tried."""
    facts = _facts(request)
    if request.role is not Role.TRADER or (
        "propose_order" in facts and rules.has_edge(facts["propose_order"])
    ):
        return ()
    try:
        proposal = rules.next_proposal(brief, facts, tried=len(_proposals(request)))
    except rules.UnknownFactError:
        return ()
    return (("propose_order", proposal),) if proposal else ()


def _answer(brief: Mapping[str, Any], request: ModelRequest) -> rules.Answer:
    facts, symbol = _facts(request), brief["instrument"]["symbol"]
    key = "rationale" if request.role is Role.TRADER else "thesis"
    try:
        if request.role is Role.ANALYST:
            return rules.analyse(brief, facts)
        if request.role is Role.RISK_MANAGER:
            return rules.review(brief, facts)
        if "propose_order" in facts and rules.has_edge(facts["propose_order"]):
            return rules.plan(facts, json.loads(_proposals(request)[-1].arguments))
        facts["get_price"].number("spread_bps")
        is_theirs = bool(rules.proposed_by_strategy(brief))
        why = "the strategy's plan leaves no edge" if is_theirs else "no target leaves an edge"
        return rules.no_trade(symbol, f"{why} after fees", key=key)
    except rules.UnknownFactError as error:
        no = rules.no_trade(symbol, str(error), key=key)
        return rules.veto(symbol, str(error)) if request.role is Role.RISK_MANAGER else no


def _proposals(request: ModelRequest) -> list[ToolCall]:
    return [call for message in request.messages for call in message.calls if call.tool == "propose_order"]


def _facts(request: ModelRequest) -> dict[str, rules.Fact]:
    """The newest result of each tool; candles under "1m" and "5m". A tool that had nothing is a fact without data."""
    needed = [tool for tool, _ in _NEEDS[request.role] if tool != "get_historical_prices"]
    found = {name: rules.Fact("", None) for name in (*needed, "1m", "5m")}
    for message in request.messages:
        for result in message.results:
            name, fact = _read(result)
            found[name] = fact
    return found


def _read(result: ToolResult) -> tuple[str, rules.Fact]:
    data = None if result.is_error else json.loads(result.content)["data"]
    name = data["timeframe"] if data and result.tool == "get_historical_prices" else result.tool
    return name, rules.Fact(result.evidence_id or "", data)


PROVIDER = DeskRules()
