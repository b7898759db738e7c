"""Reads a decision's debate back: who said what, on which evidence, at what cost (`why`, dashboard)."""

from datetime import datetime
from typing import Any
from uuid import UUID

from agents.encoding import decimal_text, decode_message
from agents.models import Evidence, Session, Step, StepAnswer
from agents.types import Role
from trading.models import Decision
from trading.types import ZERO

_TURNS = {role.value: turn for turn, role in enumerate(Role)}


def transcript(decision_id: UUID | str) -> dict[str, Any]:
    """JSON-able: `debate` (one entry per role, in order), `evidence`, `cost` and `skill`; empty lists when nobody spoke yet."""
    decision = Decision.objects.get(pk=decision_id)
    sessions = sorted(Session.objects.filter(decision=decision), key=lambda session: _TURNS[session.role])
    return {
        "debate": [_entry(session) for session in sessions],
        "evidence": [_evidence(row) for session in sessions for row in _rows(session)],
        "cost": cost(decision_id),
        "skill": {"name": decision.skill_name, "hash": decision.skill_hash},
    }


def cost(decision_id: UUID | str) -> dict[str, Any]:
    """USD as text; `calls` counts model calls, failed ones included."""
    steps = Step.objects.filter(session__decision__pk=decision_id, kind=Step.Kind.MODEL)
    answers = list(StepAnswer.objects.filter(step__in=steps))
    return {
        "usd": decimal_text(sum((answer.cost_usd for answer in answers), ZERO)),
        "calls": steps.count(),
        "tokens_in": sum(answer.input_tokens for answer in answers),
        "tokens_out": sum(answer.output_tokens for answer in answers),
        "cached": sum(answer.cached_tokens for answer in answers),
    }


def messages(session_id: UUID | str) -> list[dict[str, Any]]:
    """Every step of a session in order, as {number, kind, label, words, tools, outcome, error, cost_usd, at}."""
    steps = Step.objects.filter(session__pk=session_id).select_related("answer").order_by("number")
    return [_step(step) for step in steps]


def _entry(session: Session) -> dict[str, Any]:
    """Provider, model and label are those of the last model that spoke: after a fallback it is not the configured one."""
    last = session.steps.filter(kind=Step.Kind.MODEL).order_by("-number").first()
    return {
        "role": session.role,
        "provider": last.provider if last else session.provider,
        "model": last.model if last else session.model,
        "label": last.label if last else "",
        "words": _words(session),
        "claims": session.claims,
        "stop_reason": session.stop_reason,
        "stop_detail": session.stop_detail,
        "at": _iso(session.ended_at or session.started_at),
    }


def _words(session: Session) -> str:
    answer = session.answer or {}
    said = answer.get("thesis") or answer.get("rationale") or "; ".join(answer.get("reasons", ()))
    return said or session.stop_detail


def _rows(session: Session) -> list[Evidence]:
    return list(Evidence.objects.filter(session=session).order_by("step__number", "position"))


def _evidence(row: Evidence) -> dict[str, Any]:
    return {
        "id": row.reference,
        "role": row.session.role,
        "tool": row.tool,
        "arguments": row.arguments,
        "result": row.result,
        "error": row.error,
        "digest": row.digest,
        "as_of": _iso(row.as_of),
    }


def _step(step: Step) -> dict[str, Any]:
    answer = getattr(step, "answer", None)
    message = decode_message(answer.message) if answer and answer.message else None
    calls = step.request.get("calls", []) if step.kind == Step.Kind.TOOLS else []
    return {
        "number": step.number,
        "kind": step.kind,
        "label": step.label,
        "words": message.text if message else "",
        "tools": [call.tool for call in message.calls]
        if message and message.calls
        else [c[0] for c in calls],
        "outcome": answer.outcome if answer else "under way",
        "error": answer.error if answer else "",
        "cost_usd": decimal_text(answer.cost_usd if answer else step.reserved_usd),
        "at": _iso(step.requested_at),
    }


def _iso(at: datetime | None) -> str | None:
    return at.isoformat() if at else None
