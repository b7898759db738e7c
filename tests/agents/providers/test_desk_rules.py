"""The built-in desk as a provider (`desk_rules`): it asks for its evidence like a model, answers from it, and says what it is."""

import json
from typing import Any

from agents.encoding import canonical
from agents.providers.desk_rules import PROVIDER
from agents.types import (
    Author,
    Endpoint,
    Finish,
    Message,
    ModelRequest,
    ModelResponse,
    Role,
    ToolCall,
    ToolResult,
    desk_says,
)

ENDPOINT = Endpoint(provider="desk_rules", model="", label="rules, no model", is_local=True)
BRIEF = {"instrument": {"symbol": "BTC/USDT", "taker_fee_ratio": "0.001"}}
INDICATORS = {"rsi_14": "55", "ema_9": "101", "ema_21": "100", "atr_14": "1", "atr_ratio": "0.002"}


def ask(*messages: Message) -> ModelResponse:
    request = ModelRequest(
        role=Role.ANALYST,
        system="",
        messages=(desk_says(canonical(BRIEF)), *messages),
        tools=(),
        max_output_tokens=500,
    )
    return PROVIDER.complete(request, endpoint=ENDPOINT)


def answers(calls: tuple[ToolCall, ...], *, fails: bool = False) -> Message:
    """What the desk answers to the calls: a tight spread and a rising market, or errors."""
    return Message(
        author=Author.DESK, parts=tuple(_result(call, number, fails) for number, call in enumerate(calls))
    )


def _result(call: ToolCall, number: int, fails: bool) -> ToolResult:
    arguments = json.loads(call.arguments)
    data: dict[str, Any] = {"spread_bps": "0.5"}
    if call.tool == "get_historical_prices":
        data = {"timeframe": arguments["timeframe"], "indicators": INDICATORS}
    return ToolResult(
        call_id=call.call_id,
        tool=call.tool,
        content="no data" if fails else canonical({"data": data}),
        evidence_id=f"A{number + 1}",
        is_error=fails,
    )


def test_it_asks_for_evidence_before_it_says_anything() -> None:
    response = ask()
    assert response.finish is Finish.TOOL_CALLS
    assert {call.tool for call in response.message.calls} == {"get_price", "get_historical_prices"}


def test_it_answers_from_the_evidence_cites_it_and_says_that_no_model_spoke() -> None:
    first = ask()
    response = ask(first.message, answers(first.message.calls))
    assert response.finish is Finish.ANSWER
    answer = json.loads(response.message.text)
    assert answer["action"] == "buy"
    assert answer["thesis"].startswith("rules, no model")
    assert {claim["evidence_id"] for claim in answer["claims"]} == {"A1", "A2", "A3"}


def test_the_same_evidence_gives_the_same_answer() -> None:
    first = ask()
    results = answers(first.message.calls)
    assert ask(first.message, results) == ask(first.message, results)


def test_without_evidence_it_does_not_trade() -> None:
    first = ask()
    response = ask(first.message, answers(first.message.calls, fails=True))
    assert json.loads(response.message.text)["action"] == "no_trade"


def test_it_takes_over_in_the_middle_and_asks_only_for_what_is_missing() -> None:
    quote = ToolCall(call_id="m1", tool="get_price", arguments=canonical({}))
    model = Message(author=Author.MODEL, parts=(quote,))
    response = ask(model, answers((quote,)))
    assert [call.tool for call in response.message.calls] == ["get_historical_prices"] * 2
