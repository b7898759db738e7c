"""The durable rows of a session: a step before it begins, its answer after it ended, and what its tools returned."""

from collections.abc import Callable, Sequence
from dataclasses import replace
from datetime import datetime
from decimal import Decimal
from typing import Any

from django.db import transaction

from agents import pricing
from agents.encoding import canonical, decode_message, digest, encode_message, plain
from agents.evidence import EvidenceView
from agents.models import Evidence, Session, Step, StepAnswer
from agents.protocols import ToolOutput
from agents.services import budget
from agents.types import (
    Endpoint,
    Finish,
    Message,
    ModelRequest,
    ModelResponse,
    Role,
    ToolCall,
    ToolResult,
    Usage,
)
from neuratrade.lib.storable import storable, text
from trading.services import events
from trading.types import ZERO

EXCERPT = 600

_PREFIX = {Role.ANALYST: "A", Role.TRADER: "T", Role.RISK_MANAGER: "R"}


def begin_model_step(
    session: Session,
    *,
    endpoint: Endpoint,
    request: ModelRequest,
    request_hash: str,
    new_messages: Sequence[Message],
    at: datetime,
) -> Step:
    """Reserves the worst case and writes the step in one transaction. Raises BudgetError or UnknownPriceError."""
    worst_case = pricing.worst_case_usd(endpoint, request, at=at)
    with transaction.atomic():
        if not endpoint.is_local:
            budget.lock_and_check(worst_case_usd=worst_case, at=at)
        return _new_step(
            session,
            kind=Step.Kind.MODEL,
            provider=endpoint.provider,
            model=endpoint.model[:120],
            label=endpoint.label[:60],
            is_local=endpoint.is_local,
            request_hash=request_hash,
            request={"messages": [encode_message(message) for message in new_messages]},
            reserved_usd=worst_case,
            requested_at=at,
        )


def begin_tools_step(session: Session, *, calls: Sequence[ToolCall], at: datetime) -> Step:
    return _new_step(
        session,
        kind=Step.Kind.TOOLS,
        request_hash=calls_hash(calls),
        request={"calls": [[call.tool, call.arguments] for call in calls]},
        requested_at=at,
    )


def calls_hash(calls: Sequence[ToolCall]) -> str:
    return digest([[call.call_id, call.tool, call.arguments] for call in calls])


def _new_step(session: Session, **columns: Any) -> Step:
    last = Step.objects.filter(session=session).order_by("-number").values_list("number", flat=True).first()
    return Step.objects.create(session=session, number=(last or 0) + 1, **columns)


def storable_response(response: ModelResponse) -> ModelResponse:
    """The answer as it will be read again: what a debate goes on with is what was recorded."""
    message = decode_message(storable(encode_message(response.message)))
    return replace(response, message=message, model=text(response.model))


def settle_answered(step: Step, *, endpoint: Endpoint, response: ModelResponse, at: datetime) -> None:
    """The answer with its true cost, and an event for those who watch the debate."""
    with transaction.atomic():
        StepAnswer.objects.create(
            step=step,
            outcome=StepAnswer.Outcome.ANSWERED,
            message=encode_message(response.message),
            finish=response.finish.value,
            answered_by=response.model[:120],
            input_tokens=response.usage.input_tokens,
            output_tokens=response.usage.output_tokens,
            cached_tokens=response.usage.cached_tokens,
            cost_usd=_true_cost(step, endpoint=endpoint, usage=response.usage),
            answered_at=at,
        )
        _announce(step, words=response.message.text, tools=[c.tool for c in response.message.calls], at=at)


def _true_cost(step: Step, *, endpoint: Endpoint, usage: Usage) -> Decimal:
    """The call's price; its worst case when the provider did not say what it used."""
    if not usage.input_tokens and not usage.output_tokens:
        return step.reserved_usd
    return pricing.cost_usd(endpoint, usage, at=step.requested_at)


def settle_failed(step: Step, *, error: str, is_billed: bool, at: datetime) -> None:
    """A failed call. When the provider may have billed it, its worst case stays spent."""
    _settle_without_answer(
        step,
        outcome=StepAnswer.Outcome.FAILED,
        error=error,
        cost=step.reserved_usd if is_billed else ZERO,
        at=at,
    )


def settle_lost(step: Step, *, at: datetime) -> None:
    """A call whose process died: nobody knows its answer, and its worst case stays spent."""
    error = "the process ended before the answer came"
    _settle_without_answer(step, outcome=StepAnswer.Outcome.LOST, error=error, cost=step.reserved_usd, at=at)


def _settle_without_answer(step: Step, *, outcome: str, error: str, cost: Decimal, at: datetime) -> None:
    with transaction.atomic():
        StepAnswer.objects.create(step=step, outcome=outcome, error=error, cost_usd=cost, answered_at=at)
        _announce(step, words=f"{outcome}: {error}", tools=[], at=at)


def settle_tools(step: Step, *, message: Message, at: datetime) -> None:
    StepAnswer.objects.create(
        step=step, outcome=StepAnswer.Outcome.ANSWERED, message=encode_message(message), answered_at=at
    )


def _announce(step: Step, *, words: str, tools: list[str], at: datetime) -> None:
    decision = step.session.decision
    payload = {
        "role": step.session.role,
        "label": step.label,
        "provider": step.provider,
        "model": step.model,
        "step": step.number,
        "words": words[:EXCERPT],
        "tools": [tool[:80] for tool in tools],
    }
    events.append(kind="thought.recorded", mode=decision.mode, decision=decision, payload=payload, at=at)


def response_of(answer: StepAnswer) -> ModelResponse:
    """The model's answer as it was recorded."""
    usage = Usage(
        input_tokens=answer.input_tokens,
        output_tokens=answer.output_tokens,
        cached_tokens=answer.cached_tokens,
    )
    return ModelResponse(
        message=decode_message(answer.message or {}),
        finish=Finish(answer.finish),
        usage=usage,
        model=answer.answered_by,
    )


def record_result(
    step: Step, *, position: int, call: ToolCall, run: Callable[[], ToolOutput | str], at: datetime
) -> ToolResult:
    """Runs one call and writes what came back. `run` gives the output, or one line saying why there is none."""
    output = run()
    reference = "" if isinstance(output, str) else _next_reference(step.session)
    result = None if isinstance(output, str) else plain(output.data)
    row = Evidence.objects.create(
        session=step.session,
        step=step,
        position=position,
        reference=reference,
        call_id=call.call_id[:120],
        tool=call.tool[:80],
        arguments=call.arguments[:4000],
        result=result,
        error=output if isinstance(output, str) else "",
        digest=digest(result),
        as_of=None if isinstance(output, str) else output.as_of,
        fresh_until=None if isinstance(output, str) else output.fresh_until,
        at=at,
    )
    return result_of(row, call=call)


def _next_reference(session: Session) -> str:
    count = Evidence.objects.filter(session=session).exclude(reference="").count()
    return f"{_PREFIX[Role(session.role)]}{count + 1}"


def result_of(row: Evidence, *, call: ToolCall) -> ToolResult:
    """The result as the model sees it: the evidence id to cite, how old the facts are, and the facts."""
    if not row.reference:
        content = canonical({"error": row.error})
        return ToolResult(call_id=call.call_id, tool=call.tool, content=content, is_error=True)
    assert row.as_of is not None
    content = canonical({"evidence_id": row.reference, "data": row.result, "as_of": row.as_of.isoformat()})
    return ToolResult(call_id=call.call_id, tool=call.tool, content=content, evidence_id=row.reference)


def evidence_views(session: Session) -> dict[str, EvidenceView]:
    """Everything the session may cite, by reference."""
    return {
        row.reference: EvidenceView(
            evidence_id=row.reference,
            tool=row.tool,
            data=row.result or {},
            as_of=row.as_of or row.at,
            fresh_until=row.fresh_until or row.at,
        )
        for row in Evidence.objects.filter(session=session).exclude(reference="")
    }
