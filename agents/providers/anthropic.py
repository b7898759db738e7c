"""Anthropic's Messages API. https://docs.anthropic.com/en/api/messages"""

import json
from collections.abc import Mapping, Sequence
from functools import cache
from typing import TYPE_CHECKING, Any

from agents.errors import FatalError, MalformedError, RetryableError
from agents.types import (
    Author,
    Endpoint,
    Finish,
    Message,
    ModelRequest,
    ModelResponse,
    Native,
    Part,
    Text,
    ToolCall,
    Usage,
)
from agents.wire import read, status_error, text_of, token_count

if TYPE_CHECKING:
    from anthropic import Anthropic

NAME = "anthropic"
OFFICIAL_URL = "https://api.anthropic.com"


class Messages:
    def complete(self, request: ModelRequest, *, endpoint: Endpoint) -> ModelResponse:
        tools = [
            {"name": tool.name, "description": tool.description, "input_schema": tool.schema}
            for tool in request.tools
        ]
        body: dict[str, Any] = {
            "model": endpoint.model,
            "system": request.system,
            "messages": _messages(request),
            "max_tokens": request.max_output_tokens,
            **({"tools": tools} if tools else {}),
        }
        answer = _call(endpoint, body)
        return read(endpoint.label, lambda: _decode(answer))


@cache
def _shared_client() -> "Anthropic":
    """One connection pool for the process: making a client costs a tenth of a second, copying it nothing."""
    import anthropic

    return anthropic.Anthropic(api_key="none", base_url=OFFICIAL_URL, max_retries=0)


def _call(endpoint: Endpoint, body: Mapping[str, Any]) -> Any:
    """One call through the official SDK, with its errors typed; it never retries here."""
    import anthropic

    try:
        client = _shared_client().with_options(
            api_key=endpoint.api_key or "none",
            base_url=endpoint.base_url or OFFICIAL_URL,
            timeout=endpoint.timeout_s,
            max_retries=0,
        )
        answer = client.messages.create(**body)
    except anthropic.APITimeoutError as error:
        raise RetryableError(
            f"{endpoint.label} did not answer within {endpoint.timeout_s:g} s", may_be_billed=True
        ) from error
    except anthropic.APIConnectionError as error:
        raise RetryableError(f"{endpoint.label} cannot be reached; check NEURATRADE_AI_BASE_URL") from error
    except anthropic.APIStatusError as error:
        raise status_error(
            who=endpoint.label,
            status=error.status_code,
            headers=error.response.headers,
            message=error.message,
        ) from error
    except anthropic.APIError as error:
        raise MalformedError(f"the answer of {endpoint.label} is not in its protocol") from error
    except anthropic.AnthropicError as error:
        raise FatalError(f"{endpoint.label}: {error}") from error
    except ValueError as error:  # a body that claims to be JSON and is not
        raise MalformedError(f"the answer of {endpoint.label} is not JSON") from error
    if isinstance(answer, str):  # what the SDK returns for a body that is no JSON
        raise MalformedError(f"{endpoint.label} answered with something else than JSON")
    return answer


def _messages(request: ModelRequest) -> list[dict[str, Any]]:
    found: list[dict[str, Any]] = []
    for message in request.messages:
        native = message.native_of(NAME)
        role = "assistant" if message.author is Author.MODEL else "user"
        content = (
            [_sendable(block) for block in native]
            if isinstance(native, Sequence)
            else [_block(part) for part in message.parts]
        )
        if content:  # an empty turn is an answer the API gives but does not take
            found.append({"role": role, "content": content})
    return found


def _sendable(block: Any) -> Any:
    """The model's own block as the API takes it back: a call's input must be an object, even where the model's was none."""
    is_broken = block["type"] == "tool_use" and not isinstance(block.get("input"), Mapping)
    return {**block, "input": {}} if is_broken else block


def _block(part: Part) -> dict[str, Any]:
    if isinstance(part, Text):
        return {"type": "text", "text": part.text}
    if isinstance(part, ToolCall):
        return {
            "type": "tool_use",
            "id": part.call_id,
            "name": part.tool,
            "input": _object(part.arguments),
        }
    return {
        "type": "tool_result",
        "tool_use_id": part.call_id,
        "content": part.content,
        "is_error": part.is_error,
    }


def _object(arguments: str) -> dict[str, Any]:
    """Another provider's call as this API wants it: an object, empty when the text was none."""
    try:
        value = json.loads(arguments or "{}")
    except ValueError:
        return {}
    return value if isinstance(value, dict) else {}


def _decode(answer: Any) -> ModelResponse:
    finish = _FINISH[answer.stop_reason]
    blocks = tuple(answer.content)
    parts: list[Part] = []
    for block in blocks:
        if block.type == "text":
            parts.append(Text(text=text_of(block.text)))
        elif block.type == "tool_use":
            arguments = json.dumps(block.input, allow_nan=False)
            parts.append(ToolCall(call_id=text_of(block.id), tool=text_of(block.name), arguments=arguments))
    native = [block.model_dump(mode="json", exclude_none=True, warnings=False) for block in blocks]
    return ModelResponse(
        message=Message(
            author=Author.MODEL, parts=tuple(parts), native=Native(provider=NAME, payload=native)
        ),
        finish=finish,
        usage=_usage(answer.usage),
        model=str(answer.model or ""),
    )


# pause_turn belongs to server-side tools, which are never offered: it would be an answer out of protocol.
_FINISH = {
    "end_turn": Finish.ANSWER,
    "stop_sequence": Finish.ANSWER,
    "tool_use": Finish.TOOL_CALLS,
    "max_tokens": Finish.CUT_OFF,
    "model_context_window_exceeded": Finish.CUT_OFF,
    "refusal": Finish.REFUSED,
}


def _usage(usage: Any) -> Usage:
    """Anthropic counts cached tokens beside the input; the desk counts them in."""
    if usage is None:
        return Usage()
    cached = token_count(getattr(usage, "cache_read_input_tokens", None))
    written = token_count(getattr(usage, "cache_creation_input_tokens", None))
    return Usage(
        input_tokens=token_count(usage.input_tokens) + cached + written,
        output_tokens=token_count(usage.output_tokens),
        cached_tokens=cached,
        cache_write_tokens=written,
    )


PROVIDER = Messages()
