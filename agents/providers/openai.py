"""OpenAI's Responses API, stateless: nothing is stored there, and encrypted reasoning is sent back with the next call.

https://platform.openai.com/docs/api-reference/responses
"""

from collections.abc import Sequence
from typing import Any

from agents.errors import RetryableError
from agents.openai_client import call_openai
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
from agents.wire import read, text_of, token_count

NAME = "openai"


class Responses:
    def complete(self, request: ModelRequest, *, endpoint: Endpoint) -> ModelResponse:
        tools = [
            {
                "type": "function",
                "name": tool.name,
                "description": tool.description,
                "parameters": tool.schema,
                "strict": False,
            }
            for tool in request.tools
        ]
        body: dict[str, Any] = {
            "model": endpoint.model,
            "instructions": request.system,
            "input": _items(request),
            "max_output_tokens": request.max_output_tokens,
            "store": False,
            "include": ["reasoning.encrypted_content"],
            **({"tools": tools} if tools else {}),
        }
        answer = call_openai(endpoint, lambda client: client.responses.create(**body))
        if read(endpoint.label, lambda: answer.status) in ("failed", "cancelled"):
            raise RetryableError(f"{endpoint.label} could not finish its answer", may_be_billed=True)
        return read(endpoint.label, lambda: _decode(answer))


def _items(request: ModelRequest) -> list[Any]:
    found: list[Any] = []
    for message in request.messages:
        native = message.native_of(NAME)
        if isinstance(native, Sequence):
            found += native
        elif message.author is Author.TOOLS:
            found += [
                {"type": "function_call_output", "call_id": result.call_id, "output": result.content}
                for result in message.results
            ]
        else:
            role = "user" if message.author is Author.DESK else "assistant"
            found += [{"role": role, "content": message.text}] if message.text else []
            found += [
                {
                    "type": "function_call",
                    "call_id": call.call_id,
                    "name": call.tool,
                    "arguments": call.arguments or "{}",
                }
                for call in message.calls
            ]
    return found


def _decode(answer: Any) -> ModelResponse:
    parts: list[Part] = []
    refusals: list[str] = []
    for item in answer.output:
        if item.type == "function_call":
            parts.append(
                ToolCall(
                    call_id=text_of(item.call_id), tool=text_of(item.name), arguments=text_of(item.arguments)
                )
            )
        elif item.type == "message":
            for content in item.content:
                if content.type == "refusal":
                    refusals.append(text_of(content.refusal))
                else:
                    parts.append(Text(text=text_of(content.text)))
    if refusals:
        parts = [Text(text="\n".join(refusals))]
    native = [item.model_dump(mode="json", exclude_none=True) for item in answer.output]
    return ModelResponse(
        message=Message(
            author=Author.MODEL, parts=tuple(parts), native=Native(provider=NAME, payload=native)
        ),
        finish=_finish(answer, refused=bool(refusals), parts=parts),
        usage=_usage(answer.usage),
        model=str(answer.model or ""),
    )


def _finish(answer: Any, *, refused: bool, parts: Sequence[Part]) -> Finish:
    reason = getattr(answer.incomplete_details, "reason", None)
    if refused or reason == "content_filter":
        return Finish.REFUSED
    if answer.status != "completed":
        return Finish.CUT_OFF
    return Finish.TOOL_CALLS if any(isinstance(part, ToolCall) for part in parts) else Finish.ANSWER


def _usage(usage: Any) -> Usage:
    if usage is None:
        return Usage()
    details = getattr(usage, "input_tokens_details", None)
    return Usage(
        input_tokens=token_count(usage.input_tokens),
        output_tokens=token_count(usage.output_tokens),
        cached_tokens=token_count(getattr(details, "cached_tokens", None)),
        cache_write_tokens=token_count(getattr(details, "cache_write_tokens", None)),
    )


PROVIDER = Responses()
