"""Chat completions: any server that speaks OpenAI's older API (mlx_lm.server, llama.cpp, Google's endpoint, gateways).

https://platform.openai.com/docs/api-reference/chat. No response_format and no tool_choice: local servers ignore or reject them.
"""

import json
from collections.abc import Mapping
from typing import Any

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
from agents.wire import read, some, text_of, token_count

NAME = "openai_compatible"


class ChatCompletions:
    def complete(self, request: ModelRequest, *, endpoint: Endpoint) -> ModelResponse:
        tools = [
            {
                "type": "function",
                "function": {"name": tool.name, "description": tool.description, "parameters": tool.schema},
            }
            for tool in request.tools
        ]
        body: dict[str, Any] = {
            "model": endpoint.model,
            "messages": [{"role": "system", "content": request.system}, *_messages(request)],
            "max_tokens": request.max_output_tokens,
            **({"tools": tools} if tools else {}),
        }
        answer = call_openai(endpoint, lambda client: client.chat.completions.create(**body))
        return read(endpoint.label, lambda: _decode(answer))


def _messages(request: ModelRequest) -> list[dict[str, Any]]:
    found: list[dict[str, Any]] = []
    for message in request.messages:
        native = message.native_of(NAME)
        if isinstance(native, Mapping):
            found.append(_sendable(native))
        elif message.author is Author.TOOLS:
            found += [
                {"role": "tool", "tool_call_id": result.call_id, "content": result.content}
                for result in message.results
            ]
        elif message.author is Author.DESK:
            found.append({"role": "user", "content": message.text})
        else:
            found.append(_assistant(message))
    return found


def _sendable(native: Mapping[str, Any]) -> dict[str, Any]:
    """The server's own message as servers take it back: with a content, and with arguments that are JSON."""
    calls = [
        {**call, "function": {**call["function"], "arguments": _json_or_empty(call["function"]["arguments"])}}
        for call in native.get("tool_calls") or ()
    ]
    return {"content": "", **native, **({"tool_calls": calls} if calls else {})}


def _json_or_empty(arguments: Any) -> str:
    """mlx_lm.server answers 400 to a history with arguments that are not JSON; the refusal of the call stands in its result."""
    try:
        json.loads(arguments)
    except (TypeError, ValueError):
        return json.dumps(arguments) if isinstance(arguments, Mapping) else "{}"
    return str(arguments)


def _assistant(message: Message) -> dict[str, Any]:
    calls = [
        {
            "id": call.call_id,
            "type": "function",
            "function": {"name": call.tool, "arguments": call.arguments or "{}"},
        }
        for call in message.calls
    ]
    return {"role": "assistant", "content": message.text, **({"tool_calls": calls} if calls else {})}


def _decode(answer: Any) -> ModelResponse:
    choice = some(answer.choices)[0]
    said = choice.message
    parts: list[Part] = [Text(text=text_of(said.content))] if said.content else []
    for number, call in enumerate(said.tool_calls or ()):
        parts.append(
            ToolCall(
                call_id=call.id or f"call_{number}",
                tool=text_of(call.function.name),
                arguments=_arguments(call.function.arguments),
            )
        )
    native = said.model_dump(mode="json", exclude_none=True)
    refusal = getattr(said, "refusal", None)
    if refusal:
        parts = [Text(text=text_of(refusal))]
    return ModelResponse(
        message=Message(
            author=Author.MODEL, parts=tuple(parts), native=Native(provider=NAME, payload=native)
        ),
        finish=_finish(choice.finish_reason, refused=bool(refusal), has_calls=bool(said.tool_calls)),
        usage=_usage(answer.usage),
        model=str(answer.model or ""),
    )


def _arguments(value: Any) -> str:
    """Arguments are JSON text by the protocol; some servers send the object itself."""
    return json.dumps(value) if isinstance(value, Mapping) else text_of(value or "")


def _finish(reason: object, *, refused: bool, has_calls: bool) -> Finish:
    if refused or reason == "content_filter":
        return Finish.REFUSED
    if reason == "length":
        return Finish.CUT_OFF
    return Finish.TOOL_CALLS if has_calls else Finish.ANSWER


def _usage(usage: Any) -> Usage:
    if usage is None:
        return Usage()
    details = getattr(usage, "prompt_tokens_details", None)
    return Usage(
        input_tokens=token_count(usage.prompt_tokens),
        output_tokens=token_count(usage.completion_tokens),
        cached_tokens=token_count(getattr(details, "cached_tokens", None)),
    )


PROVIDER = ChatCompletions()
