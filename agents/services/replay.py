"""Replays a session from its transcript: the same loop, the recorded answers, no call to anything outside (D14).

A question the transcript does not hold fails with ReplayMissError; it is never asked for real.
"""

from collections.abc import Mapping, Sequence
from decimal import Decimal
from uuid import UUID

from django.conf import settings

from agents import loop
from agents.answers import ANSWERS, Answer, parse_answer
from agents.encoding import decode_message, request_hash
from agents.errors import ReplayMissError
from agents.models import Session, Step, StepAnswer
from agents.services import recording
from agents.services.toolbox import Toolbox
from agents.skillbook import read_book
from agents.types import (
    Endpoint,
    Limits,
    Message,
    ModelRequest,
    ModelResponse,
    Role,
    ToolCall,
    desk_says,
)


class ReplayProvider:
    """A provider that answers from a stored session, by the hash of the question."""

    def __init__(self, answers: Mapping[str, StepAnswer]) -> None:
        self._answers = answers

    @classmethod
    def of(cls, session: Session) -> "ReplayProvider":
        answered = StepAnswer.objects.filter(
            step__session=session, step__kind=Step.Kind.MODEL, outcome=StepAnswer.Outcome.ANSWERED
        ).select_related("step")
        return cls({answer.step.request_hash: answer for answer in answered})

    def complete(self, request: ModelRequest, *, endpoint: Endpoint | None = None) -> ModelResponse:
        wanted = request_hash(request)
        if wanted not in self._answers:
            raise ReplayMissError(f"the transcript holds no answer to question {wanted[:12]}")
        return recording.response_of(self._answers[wanted])


class ReplayDesk:
    """The `loop.Desk` of a replay: time stands still and nothing is spent."""

    def __init__(self, session: Session) -> None:
        self._session = session
        self._provider = ReplayProvider.of(session)
        toolbox = Toolbox(
            role=Role(session.role),
            decision=session.decision,
            book=read_book(settings.SKILLS_DIR),
            pinned=session.skills,
        )
        self._specs = toolbox.specs
        self._tools = {
            step.request_hash: step.answer
            for step in session.steps.filter(kind=Step.Kind.TOOLS, answer__isnull=False).select_related(
                "answer"
            )
        }
        self._calls_made = 0

    def ask(self, history: Sequence[Message]) -> ModelResponse:
        self._calls_made += 1
        request = ModelRequest(
            role=Role(self._session.role),
            system=self._session.system,
            messages=tuple(history),
            tools=self._specs,
            max_output_tokens=settings.AI_MAX_OUTPUT_TOKENS,
        )
        return self._provider.complete(request)

    def use_tools(self, calls: Sequence[ToolCall]) -> Message:
        answer = self._tools.get(recording.calls_hash(calls))
        if answer is None or answer.message is None:
            raise ReplayMissError(
                f"the transcript holds no result of {', '.join(call.tool for call in calls)}"
            )
        return decode_message(answer.message)

    def calls_made(self) -> int:
        return self._calls_made

    def elapsed_s(self) -> float:
        return 0.0

    def spent_usd(self) -> Decimal:
        return Decimal(0)


def replay(session_id: UUID | str) -> loop.Outcome[Answer]:
    """The session's outcome from its transcript alone. Raises ReplayMissError when it is not complete."""
    session = Session.objects.select_related("decision__instrument__venue").get(pk=session_id)
    kind = ANSWERS[Role(session.role)]
    return loop.run(
        desk_says(session.brief),
        desk=ReplayDesk(session),
        limits=Limits(),
        parse=lambda text: parse_answer(kind, text),
    )
