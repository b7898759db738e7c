"""What a plug-in of the agents must provide.

| folder | object in each module | what it is |
|---|---|---|
| `agents/providers/` | `PROVIDER: Provider` | asks one kind of model API |
| `agents/tools/` | `TOOL: Tool` | one question a role may ask, or the one thing it may propose |
"""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from decimal import Decimal
from typing import Any, Generic, Protocol, TypeVar

from pydantic import BaseModel, ValidationError

from agents.encoding import strict_json
from agents.errors import ToolError
from agents.types import Effect, Endpoint, ModelRequest, ModelResponse, Role, ToolSpec
from trading.risk.limits import RiskLimits
from trading.types import Candle, InstrumentSpec, OrderBook, Quote, Snapshot, TradeIdea

LONGEST_ARGUMENTS = 4_000


class Provider(Protocol):
    """One kind of model API.

    `complete` makes exactly one call and never retries. It raises RetryableError (outage), OverloadedError (429, 529),
    FatalError (key, model, request) or MalformedError (an answer that is not in the protocol).
    """

    def complete(self, request: ModelRequest, *, endpoint: Endpoint) -> ModelResponse: ...


class ToolContext(Protocol):
    """The world as tools see it at one instant: reads only. None means not known or not fresh."""

    @property
    def at(self) -> datetime: ...

    @property
    def instrument(self) -> InstrumentSpec:
        """The one instrument the decision is about."""
        ...

    def instruments(self) -> Sequence[InstrumentSpec]:
        """Every instrument the desk watches."""
        ...

    def quote(self, instrument: InstrumentSpec) -> Quote | None: ...

    def book(self, instrument: InstrumentSpec) -> OrderBook | None: ...

    def candles(self, instrument: InstrumentSpec, *, timeframe: str, limit: int) -> Sequence[Candle]:
        """Closed candles, oldest first."""
        ...

    def snapshot(self) -> Snapshot:
        """What the risk rules would look at now."""
        ...

    def balances(self) -> Mapping[str, Decimal]:
        """The account's holdings by asset."""
        ...

    @property
    def risk_limits(self) -> RiskLimits: ...

    @property
    def idea(self) -> TradeIdea | None:
        """What the analyst proposed; None while there is nothing yet."""
        ...


@dataclass(frozen=True, slots=True, kw_only=True)
class ToolOutput:
    """What a tool found. Claims may cite `data` until `valid_for_s` after `as_of`."""

    data: Mapping[str, Any]
    as_of: datetime
    valid_for_s: float

    @property
    def fresh_until(self) -> datetime:
        return self.as_of + timedelta(seconds=self.valid_for_s)


class AnyTool(Protocol):
    """A tool without its argument type, as the registry holds it."""

    @property
    def spec(self) -> ToolSpec: ...

    @property
    def roles(self) -> frozenset[Role]: ...

    @property
    def effect(self) -> Effect: ...

    def call(self, arguments: str, *, context: ToolContext) -> ToolOutput: ...


A = TypeVar("A", bound=BaseModel)


@dataclass(frozen=True, slots=True, kw_only=True)
class Tool(Generic[A]):
    """A typed function with its argument model, which is also its JSON schema; only `roles` are offered it."""

    name: str
    description: str
    arguments: type[A]
    roles: frozenset[Role]
    run: Callable[[A, ToolContext], ToolOutput]
    effect: Effect = Effect.READ

    @property
    def spec(self) -> ToolSpec:
        return ToolSpec(name=self.name, description=self.description, schema=closed_schema(self.arguments))

    def call(self, arguments: str, *, context: ToolContext) -> ToolOutput:
        """Parses the model's raw arguments strictly and runs; ToolError says what was wrong."""
        return self.run(parse_arguments(self.arguments, arguments), context)


def parse_arguments(model: type[A], text: str) -> A:
    """The validated arguments; ToolError in one line on anything else. An empty text means no arguments."""
    if len(text) > LONGEST_ARGUMENTS:
        raise ToolError(f"the arguments are longer than {LONGEST_ARGUMENTS} characters")
    try:
        return model.model_validate(strict_json(text or "{}"))
    except ValidationError as error:
        raise ToolError(f"bad arguments: {first_problem(error)}") from error
    except (ValueError, RecursionError) as error:
        raise ToolError(f"the arguments are not valid JSON: {str(error)[:120]}") from error


def first_problem(error: ValidationError) -> str:
    """ "field: what is wrong", of the first of pydantic's complaints."""
    first = error.errors(include_url=False, include_context=False, include_input=False)[0]
    place = ".".join(str(part) for part in first["loc"])
    return f"{place}: {first['msg']}" if place else first["msg"]


def closed_schema(model: type[BaseModel]) -> dict[str, Any]:
    """The JSON schema without pydantic's titles: fewer tokens, same meaning."""
    schema = _untitled(model.model_json_schema())
    assert isinstance(schema, dict)
    return schema


def _untitled(node: Any) -> Any:
    if isinstance(node, dict):
        return {
            key: {name: _untitled(field) for name, field in value.items()}
            if key == "properties"
            else _untitled(value)
            for key, value in node.items()
            if key != "title" or isinstance(value, dict)
        }
    return [_untitled(item) for item in node] if isinstance(node, list) else node
