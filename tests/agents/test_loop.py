"""The loop and its limits, with a desk made of lists."""

from collections.abc import Callable, Sequence
from decimal import Decimal
from typing import Any

import pytest

from agents import loop
from agents.errors import FormatError, RetryableError
from agents.types import (
    Author,
    Finish,
    Limits,
    Message,
    ModelResponse,
    StopReason,
    Text,
    ToolCall,
    ToolResult,
    Usage,
    desk_says,
)


def says(text: str, finish: Finish = Finish.ANSWER) -> ModelResponse:
    return respond((Text(text=text),), finish)


def calls(*named: tuple[str, str]) -> ModelResponse:
    parts = tuple(ToolCall(call_id=f"c{i}", tool=tool, arguments=a) for i, (tool, a) in enumerate(named))
    return respond(parts, Finish.TOOL_CALLS)


def respond(parts: tuple[Text | ToolCall, ...], finish: Finish) -> ModelResponse:
    return ModelResponse(
        message=Message(author=Author.MODEL, parts=parts), finish=finish, usage=Usage(), model="script"
    )


class ListDesk:
    def __init__(
        self, script: Callable[[int], ModelResponse], *, cost: str = "0", seconds: float = 0
    ) -> None:
        self.script, self.cost, self.seconds = script, Decimal(cost), seconds
        self.asked: list[tuple[Message, ...]] = []
        self.ran: list[str] = []

    def ask(self, history: Sequence[Message]) -> ModelResponse:
        self.asked.append(tuple(history))
        return self.script(len(self.asked))

    def use_tools(self, calls: Sequence[ToolCall]) -> Message:
        self.ran += [call.tool for call in calls]
        results = tuple(ToolResult(call_id=c.call_id, tool=c.tool, content="{}") for c in calls)
        return Message(author=Author.TOOLS, parts=results)

    def calls_made(self) -> int:
        return len(self.asked)

    def elapsed_s(self) -> float:
        return self.seconds * len(self.asked)

    def spent_usd(self) -> Decimal:
        return self.cost * len(self.asked)


def parse(text: str) -> str:
    if text != "good":
        raise FormatError(f"{text!r} is not good")
    return text


def run(desk: ListDesk, **limits: Any) -> loop.Outcome[str]:
    return loop.run(desk_says("go"), desk=desk, limits=Limits(**limits), parse=parse)


def test_tools_are_run_and_their_results_shown_before_the_answer() -> None:
    desk = ListDesk(lambda n: calls(("look", "{}")) if n == 1 else says("good"))
    assert run(desk) == loop.Outcome(answer="good", stop=StopReason.ANSWERED)
    assert [message.author for message in desk.asked[-1]] == [Author.DESK, Author.MODEL, Author.TOOLS]


@pytest.mark.parametrize(
    ("script", "limits", "stop"),
    [
        (lambda n: says("", Finish.REFUSED), {}, StopReason.REFUSED),
        (lambda n: says("goo", Finish.CUT_OFF), {}, StopReason.CUT_OFF),
        (lambda n: says("bad"), {}, StopReason.FORMAT_ERRORS),
        (lambda n: calls(("look", f'{{"n": {n}}}')), {"max_model_calls": 3}, StopReason.MAX_MODEL_CALLS),
        (
            lambda n: calls(("look", '{"a":1,"b":2}'), ("look", '{ "b": 2, "a": 1 }')),
            {"max_repeats": 1},
            StopReason.REPEATED_CALL,
        ),
        (lambda n: calls(*((f"t{i}", "") for i in range(20))), {}, StopReason.MAX_TOOL_CALLS),
        (lambda n: calls(("look", "[" * 5000)), {}, StopReason.REPEATED_CALL),
    ],
)
def test_every_stop_has_its_reason(script, limits, stop) -> None:
    outcome = run(ListDesk(script), **limits)
    assert (outcome.stop, outcome.answer) == (stop, None)
    assert outcome.detail


def test_a_batch_beyond_the_limit_does_not_run_at_all() -> None:
    desk = ListDesk(lambda n: calls(*((f"t{i}", "") for i in range(20))))
    run(desk)
    assert desk.ran == []


def test_time_and_cost_are_checked_before_each_call() -> None:
    slow = ListDesk(lambda n: calls(("look", str(n))), seconds=100)
    assert run(slow).stop is StopReason.TIME_LIMIT
    assert len(slow.asked) == 2
    dear = ListDesk(lambda n: calls(("look", str(n))), cost="0.3")
    assert run(dear).stop is StopReason.COST_LIMIT
    assert len(dear.asked) == 2


def test_a_bad_answer_is_told_why_and_may_be_mended_once() -> None:
    desk = ListDesk(lambda n: says("bad" if n == 1 else "good"))
    assert run(desk).answer == "good"
    assert "'bad' is not good" in desk.asked[-1][-1].text


def test_an_outage_is_an_outcome_too() -> None:
    def down(n: int) -> ModelResponse:
        raise RetryableError("nobody is there")

    assert run(ListDesk(down)) == loop.Outcome(
        answer=None, stop=StopReason.PROVIDER_DOWN, detail="nobody is there"
    )
