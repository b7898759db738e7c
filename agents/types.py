"""The agents' frozen values: messages, calls, answers of a model, and why a session stopped. Pure.

A message's parts are the neutral view that every provider understands. `native` keeps what the provider sent, byte for
byte in JSON terms (reasoning, signatures, phases), so that the same provider gets it back unchanged and others ignore it.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from decimal import Decimal
from enum import StrEnum
from typing import TypeAlias

Json: TypeAlias = "None | bool | int | float | str | Sequence[Json] | Mapping[str, Json]"


class Role(StrEnum):
    """Separate powers: the analyst reads, the trader proposes, the risk manager refuses or shrinks."""

    ANALYST = "analyst"
    TRADER = "trader"
    RISK_MANAGER = "risk_manager"


class Effect(StrEnum):
    """READ tools may run again after a crash. A CAPITAL tool's call that was begun is never repeated."""

    READ = "read"
    CAPITAL = "capital"


class Author(StrEnum):
    """DESK is our own text (the brief, a reminder); MODEL is the provider's; TOOLS carries tool results."""

    DESK = "desk"
    MODEL = "model"
    TOOLS = "tools"


@dataclass(frozen=True, slots=True, kw_only=True)
class Text:
    text: str


@dataclass(frozen=True, slots=True, kw_only=True)
class ToolCall:
    """`arguments` is the model's raw JSON text: it is parsed once, strictly, by the tool."""

    call_id: str
    tool: str
    arguments: str


@dataclass(frozen=True, slots=True, kw_only=True)
class ToolResult:
    """`content` is JSON text. `evidence_id` None: the call was refused or failed and nothing may be cited from it."""

    call_id: str
    tool: str
    content: str
    is_error: bool = False
    evidence_id: str | None = None


Part: TypeAlias = Text | ToolCall | ToolResult


@dataclass(frozen=True, slots=True, kw_only=True)
class Native:
    """A model's message in its provider's own words; `payload` is opaque to everybody else."""

    provider: str
    payload: Json


@dataclass(frozen=True, slots=True, kw_only=True)
class Message:
    author: Author
    parts: tuple[Part, ...]
    native: Native | None = None

    @property
    def text(self) -> str:
        return "\n".join(part.text for part in self.parts if isinstance(part, Text))

    @property
    def calls(self) -> tuple[ToolCall, ...]:
        return tuple(part for part in self.parts if isinstance(part, ToolCall))

    @property
    def results(self) -> tuple[ToolResult, ...]:
        return tuple(part for part in self.parts if isinstance(part, ToolResult))

    def native_of(self, provider: str) -> Json:
        """What `provider` itself sent, or None when the message is somebody else's."""
        return self.native.payload if self.native and self.native.provider == provider else None


def desk_says(text: str) -> Message:
    return Message(author=Author.DESK, parts=(Text(text=text),))


@dataclass(frozen=True, slots=True, kw_only=True)
class ToolSpec:
    """A tool as a model sees it; `schema` is the JSON schema of its arguments."""

    name: str
    description: str
    schema: Mapping[str, Json]


@dataclass(frozen=True, slots=True, kw_only=True)
class Usage:
    """Tokens of one call. `input_tokens` includes the cached ones."""

    input_tokens: int = 0
    output_tokens: int = 0
    cached_tokens: int = 0
    cache_write_tokens: int = 0


@dataclass(frozen=True, slots=True, kw_only=True, repr=False)
class Endpoint:
    """Where a model is asked. `is_local` means free of charge; `label` is shown with every word it says. Repr hides the key."""

    provider: str
    model: str
    label: str
    is_local: bool
    base_url: str = ""
    api_key: str = ""
    timeout_s: float = 60.0

    def __repr__(self) -> str:
        return f"Endpoint({self.provider}, {self.model or 'no model'})"


@dataclass(frozen=True, slots=True, kw_only=True)
class ModelRequest:
    role: Role
    system: str
    messages: tuple[Message, ...]
    tools: tuple[ToolSpec, ...]
    max_output_tokens: int


class Finish(StrEnum):
    """How a model's turn ended. Only ANSWER and TOOL_CALLS go on; the others end in NO_TRADE."""

    ANSWER = "answer"
    TOOL_CALLS = "tool_calls"
    CUT_OFF = "cut_off"
    REFUSED = "refused"


@dataclass(frozen=True, slots=True, kw_only=True)
class ModelResponse:
    message: Message
    finish: Finish
    usage: Usage
    model: str


class StopReason(StrEnum):
    """Why a session ended; stored with it. Everything but ANSWERED means NO_TRADE."""

    ANSWERED = "answered"
    REFUSED = "refused"
    CUT_OFF = "cut_off"
    MAX_MODEL_CALLS = "max_model_calls"
    MAX_TOOL_CALLS = "max_tool_calls"
    REPEATED_CALL = "repeated_call"
    FORMAT_ERRORS = "format_errors"
    TIME_LIMIT = "time_limit"
    COST_LIMIT = "cost_limit"
    BUDGET = "budget"
    UNKNOWN_PRICE = "unknown_price"
    PROVIDER_DOWN = "provider_down"
    PROVIDER_FAULT = "provider_fault"
    MALFORMED = "malformed"
    EVIDENCE = "evidence"
    FORBIDDEN = "forbidden"
    INTERNAL = "internal"


@dataclass(frozen=True, slots=True, kw_only=True)
class Limits:
    """What one session may use up. `max_repeats`: how often the same tool may be called with the same arguments."""

    max_model_calls: int = 10
    max_tool_calls: int = 16
    max_repeats: int = 2
    max_format_errors: int = 2
    max_seconds: float = 180.0
    max_cost_usd: Decimal = field(default_factory=lambda: Decimal("0.50"))


@dataclass(frozen=True, slots=True, kw_only=True)
class Claim:
    """A number the model relies on: `value` at `field` (a dotted path) of the tool result `evidence_id`."""

    evidence_id: str
    field: str
    value: str
