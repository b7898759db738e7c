"""The tool-calling loop: ask, check, run tools, append, repeat, until an answer or a limit. Pure.

The loop is deterministic: given the same answers it asks the same questions. Resuming after a crash and replaying are
therefore the same thing: run it from the start with recorded answers first (see agents/services/journal.py).
"""

from collections import Counter
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from decimal import Decimal
from typing import Generic, Protocol, TypeVar

from agents.encoding import canonical, strict_json
from agents.errors import BudgetError, FormatError, NoTradeError, ProviderError, UnknownPriceError
from agents.types import Finish, Limits, Message, ModelResponse, StopReason, ToolCall, desk_says

AnswerT = TypeVar("AnswerT")


class Desk(Protocol):
    """The world around one session. Each method journals what it does."""

    def ask(self, history: Sequence[Message]) -> ModelResponse:
        """One model call; raises ProviderError, BudgetError or UnknownPriceError when the route is exhausted."""
        ...

    def use_tools(self, calls: Sequence[ToolCall]) -> Message:
        """Runs one batch; a refusal or failure is a result too."""
        ...

    def calls_made(self) -> int:
        """Model calls so far, failed ones included."""
        ...

    def elapsed_s(self) -> float: ...

    def spent_usd(self) -> Decimal: ...


@dataclass(frozen=True, slots=True, kw_only=True)
class Outcome(Generic[AnswerT]):
    """`answer` is there exactly when `stop` is ANSWERED; `detail` says in words what stopped it otherwise."""

    answer: AnswerT | None
    stop: StopReason
    detail: str = ""


def run(start: Message, *, desk: Desk, limits: Limits, parse: Callable[[str], AnswerT]) -> Outcome[AnswerT]:
    """Runs a session to its end. Never raises for what a model does; only for a lost lease or a bug."""
    try:
        return Outcome(
            answer=_converse([start], desk=desk, limits=limits, parse=parse), stop=StopReason.ANSWERED
        )
    except NoTradeError as error:
        return Outcome(answer=None, stop=error.stop, detail=str(error))
    except (ProviderError, BudgetError, UnknownPriceError) as error:
        return Outcome(answer=None, stop=error.stop, detail=str(error))


def _converse(
    history: list[Message], *, desk: Desk, limits: Limits, parse: Callable[[str], AnswerT]
) -> AnswerT:
    used: Counter[str] = Counter()
    format_errors = 0
    while True:
        _check_meters(desk, limits)
        response = desk.ask(history)
        history.append(response.message)
        _check_finish(response)
        if response.message.calls:
            _check_calls(response.message.calls, used, limits)
            history.append(desk.use_tools(response.message.calls))
            continue
        try:
            return parse(response.message.text)
        except FormatError as error:
            format_errors += 1
            if format_errors >= limits.max_format_errors:
                raise NoTradeError(
                    f"{format_errors} unusable answers, the last: {error}", stop=StopReason.FORMAT_ERRORS
                ) from error
            history.append(
                desk_says(f"Your answer was not usable: {error}. Answer again with one JSON object only.")
            )


def _check_meters(desk: Desk, limits: Limits) -> None:
    if desk.calls_made() >= limits.max_model_calls:
        raise NoTradeError(
            f"{limits.max_model_calls} model calls without an answer", stop=StopReason.MAX_MODEL_CALLS
        )
    if desk.elapsed_s() >= limits.max_seconds:
        raise NoTradeError(f"no answer within {limits.max_seconds:g} s", stop=StopReason.TIME_LIMIT)
    if desk.spent_usd() >= limits.max_cost_usd:
        raise NoTradeError(f"the session cost ${limits.max_cost_usd} already", stop=StopReason.COST_LIMIT)


def _check_finish(response: ModelResponse) -> None:
    if response.finish is Finish.REFUSED:
        said = response.message.text[:200] or "no words"
        raise NoTradeError(f"the model refused: {said}", stop=StopReason.REFUSED)
    if response.finish is Finish.CUT_OFF:
        raise NoTradeError("the model's answer was cut off by its length limit", stop=StopReason.CUT_OFF)


def _check_calls(calls: Sequence[ToolCall], used: Counter[str], limits: Limits) -> None:
    for call in calls:
        used[_identity(call)] += 1
    if used.total() > limits.max_tool_calls:
        raise NoTradeError(f"more than {limits.max_tool_calls} tool calls", stop=StopReason.MAX_TOOL_CALLS)
    repeated = next((call for call in calls if used[_identity(call)] > limits.max_repeats), None)
    if repeated:
        raise NoTradeError(
            f"{repeated.tool} was called more than {limits.max_repeats} times with the same arguments",
            stop=StopReason.REPEATED_CALL,
        )


def _identity(call: ToolCall) -> str:
    """The same for arguments that differ in blanks or key order only."""
    try:
        arguments = canonical(strict_json(call.arguments or "{}"))
    except (ValueError, TypeError, RecursionError):
        arguments = call.arguments
    return f"{call.tool} {arguments}"
