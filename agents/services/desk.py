"""One session's desk: asks models along the route, runs tools, and journals both (D4).

The loop is deterministic, so resuming means running it again with the recorded steps first. A recorded model call is
never made twice; one that was begun and never answered counts as lost and is asked anew; a capital tool that was begun is
never repeated.
"""

import logging
import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from datetime import datetime
from decimal import Decimal

from django.conf import settings

from agents.encoding import decode_message, request_hash
from agents.errors import (
    BudgetError,
    JournalError,
    OverloadedError,
    ProviderError,
    RetryableError,
    SessionError,
)
from agents.models import Evidence, Session, Step, StepAnswer
from agents.protocols import Provider
from agents.router import route
from agents.services import budget, recording
from agents.services.endpoints import configured, providers
from agents.services.toolbox import Toolbox
from agents.types import (
    Author,
    Effect,
    Endpoint,
    Message,
    ModelRequest,
    ModelResponse,
    Role,
    ToolCall,
    ToolResult,
)
from neuratrade.lib.storable import text
from trading.services import leases

log = logging.getLogger(__name__)

LEASE_TTL_S = 150.0
ATTEMPTS = 2
LONGEST_WAIT_S = 5.0
SHORTEST_TIMEOUT_S = 0.1

Clock = Callable[[], datetime]


@dataclass(frozen=True, slots=True, kw_only=True)
class Hold:
    """The lease this process works under."""

    name: str
    owner: str
    epoch: int

    def renew(self, *, at: datetime) -> None:
        """Raises SessionError when somebody else has taken over: stop at once."""
        if not leases.renew(name=self.name, owner=self.owner, epoch=self.epoch, ttl_s=LEASE_TTL_S, at=at):
            raise SessionError(f"the lease {self.name} was lost")


class SessionDesk:
    """The `loop.Desk` of a live session."""

    def __init__(
        self, *, session: Session, toolbox: Toolbox, hold: Hold, clock: Clock, max_seconds: float
    ) -> None:
        self._session = session
        self._toolbox = toolbox
        self._hold = hold
        self._clock = clock
        self._max_seconds = max_seconds
        self._recorded = list(session.steps.select_related("answer").order_by("number"))
        self._messages_recorded = 0
        self._calls_made = 0
        self._down: set[Endpoint] = set()

    def calls_made(self) -> int:
        return self._calls_made

    def elapsed_s(self) -> float:
        return (self._clock() - self._session.started_at).total_seconds()

    def spent_usd(self) -> Decimal:
        costs = StepAnswer.objects.filter(step__session=self._session).values_list("cost_usd", flat=True)
        return sum(costs, Decimal(0))

    # --- models ---

    def ask(self, history: Sequence[Message]) -> ModelResponse:
        request = ModelRequest(
            role=Role(self._session.role),
            system=self._session.system,
            messages=tuple(history),
            tools=self._toolbox.specs,
            max_output_tokens=settings.AI_MAX_OUTPUT_TOKENS,
        )
        wanted = request_hash(request)
        response = self._recorded_answer(wanted) or self._ask_along_route(request, wanted=wanted)
        self._messages_recorded = len(history) + 1
        return response

    def _recorded_answer(self, wanted: str) -> ModelResponse | None:
        while self._recorded and self._recorded[0].kind == Step.Kind.MODEL:
            step = self._recorded.pop(0)
            self._calls_made += 1
            answer = getattr(step, "answer", None)
            if answer is None:
                recording.settle_lost(step, at=self._clock())
            elif answer.outcome == StepAnswer.Outcome.ANSWERED:
                if step.request_hash != wanted:
                    raise JournalError(
                        f"step {step.number} was asked something else: the session cannot be resumed"
                    )
                return recording.response_of(answer)
        return None

    def _ask_along_route(self, request: ModelRequest, *, wanted: str) -> ModelResponse:
        failure: ProviderError | BudgetError = BudgetError(
            "the AI budget is spent, and no local model may answer"
        )
        endpoints = route(
            configured(), spend=budget.spend(at=self._clock()), with_rules=settings.AI_RULES_FALLBACK
        )
        for endpoint in endpoints:
            if endpoint in self._down:
                continue
            try:
                return self._ask_with_patience(endpoint, request, wanted=wanted)
            except (RetryableError, BudgetError) as error:
                log.warning("session=%s endpoint=%r failed: %s", self._session.id, endpoint, error)
                failure = error
                self._down.add(endpoint)
        raise failure

    def _ask_with_patience(self, endpoint: Endpoint, request: ModelRequest, *, wanted: str) -> ModelResponse:
        for attempt in range(1, ATTEMPTS + 1):
            try:
                return self._ask_once(endpoint, request, wanted=wanted)
            except RetryableError as error:
                wait_s = error.retry_after_s if isinstance(error, OverloadedError) else None
                wait_s = 0.5 * attempt if wait_s is None else wait_s
                if attempt == ATTEMPTS or wait_s > min(LONGEST_WAIT_S, self._seconds_left()):
                    raise
                time.sleep(wait_s)
        raise AssertionError("unreachable: the last attempt returns or raises")

    def _ask_once(self, endpoint: Endpoint, request: ModelRequest, *, wanted: str) -> ModelResponse:
        """One call, one step: reserve, record, call, settle."""
        self._hold.renew(at=self._clock())
        provider: Provider = providers()[endpoint.provider]
        step = recording.begin_model_step(
            self._session,
            endpoint=endpoint,
            request=request,
            request_hash=wanted,
            new_messages=[
                message
                for message in request.messages[self._messages_recorded :]
                if message.author is Author.DESK
            ],
            at=self._clock(),
        )
        self._calls_made += 1
        try:
            response = recording.storable_response(
                provider.complete(request, endpoint=self._in_time(endpoint))
            )
        except ProviderError as error:
            recording.settle_failed(
                step, error=text(str(error)), is_billed=error.may_be_billed, at=self._clock()
            )
            raise
        recording.settle_answered(step, endpoint=endpoint, response=response, at=self._clock())
        return response

    def _in_time(self, endpoint: Endpoint) -> Endpoint:
        """No call may outlast its session."""
        return replace(
            endpoint, timeout_s=max(SHORTEST_TIMEOUT_S, min(endpoint.timeout_s, self._seconds_left()))
        )

    def _seconds_left(self) -> float:
        return self._max_seconds - self.elapsed_s()

    # --- tools ---

    def use_tools(self, calls: Sequence[ToolCall]) -> Message:
        step, is_resumed = self._tools_step(calls)
        answer = getattr(step, "answer", None)
        if answer is not None:
            return decode_message(answer.message)
        self._hold.renew(at=self._clock())
        done = {row.position: row for row in Evidence.objects.filter(step=step)}
        results = tuple(
            recording.result_of(done[position], call=call)
            if position in done
            else self._run(step, position=position, call=call, is_resumed=is_resumed)
            for position, call in enumerate(calls)
        )
        message = Message(author=Author.TOOLS, parts=results)
        recording.settle_tools(step, message=message, at=self._clock())
        return message

    def _tools_step(self, calls: Sequence[ToolCall]) -> tuple[Step, bool]:
        if self._recorded and self._recorded[0].kind == Step.Kind.TOOLS:
            step = self._recorded.pop(0)
            if step.request_hash != recording.calls_hash(calls):
                raise JournalError(f"step {step.number} ran other calls: the session cannot be resumed")
            return step, True
        return recording.begin_tools_step(self._session, calls=calls, at=self._clock()), False

    def _run(self, step: Step, *, position: int, call: ToolCall, is_resumed: bool) -> ToolResult:
        at = self._clock()
        if is_resumed and self._toolbox.effect(call.tool) is Effect.CAPITAL:
            return recording.record_result(
                step, position=position, call=call, run=lambda: "interrupted; not repeated", at=at
            )
        return recording.record_result(
            step, position=position, call=call, run=lambda: self._toolbox.run(call, at=at), at=at
        )
