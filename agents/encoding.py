"""Messages, calls and specs to JSON-able dicts and back, and the hash of a request. Pure and exact."""

import hashlib
import json
from collections.abc import Mapping
from decimal import Decimal
from typing import Any

from agents.types import Author, Message, ModelRequest, Native, Part, Text, ToolCall, ToolResult


def canonical(value: object) -> str:
    """One text per value: sorted keys, no blanks, no NaN; raises TypeError on what JSON cannot hold."""
    return json.dumps(value, sort_keys=True, separators=(",", ":"), allow_nan=False)


def digest(value: object) -> str:
    """SHA-256 hex of the canonical text."""
    return hashlib.sha256(canonical(value).encode()).hexdigest()


def encode_message(message: Message) -> dict[str, Any]:
    plain: dict[str, Any] = {
        "author": message.author.value,
        "parts": [_encode_part(part) for part in message.parts],
    }
    if message.native:
        plain["native"] = {"provider": message.native.provider, "payload": message.native.payload}
    return plain


def _encode_part(part: Part) -> dict[str, Any]:
    if isinstance(part, Text):
        return {"kind": "text", "text": part.text}
    if isinstance(part, ToolCall):
        return {"kind": "call", "call_id": part.call_id, "tool": part.tool, "arguments": part.arguments}
    return {
        "kind": "result",
        "call_id": part.call_id,
        "tool": part.tool,
        "content": part.content,
        "is_error": part.is_error,
        "evidence_id": part.evidence_id,
    }


def decode_message(data: Mapping[str, Any]) -> Message:
    """The message that `encode_message` wrote; KeyError or ValueError on anything else."""
    native = data.get("native")
    return Message(
        author=Author(data["author"]),
        parts=tuple(_decode_part(part) for part in data["parts"]),
        native=Native(provider=native["provider"], payload=native["payload"]) if native else None,
    )


def _decode_part(data: Mapping[str, Any]) -> Part:
    fields = {key: value for key, value in data.items() if key != "kind"}
    kinds: dict[str, type[Text] | type[ToolCall] | type[ToolResult]] = {
        "text": Text,
        "call": ToolCall,
        "result": ToolResult,
    }
    return kinds[data["kind"]](**fields)


def request_hash(request: ModelRequest) -> str:
    """Names a request by its whole content; the same question in a replay has the same hash."""
    return digest(
        {
            "role": request.role.value,
            "system": request.system,
            "messages": [encode_message(message) for message in request.messages],
            "tools": [[tool.name, tool.description, tool.schema] for tool in request.tools],
            "max_output_tokens": request.max_output_tokens,
        }
    )


def plain(value: object) -> Any:
    """`value` as JSON holds it: decimals as plain text without trailing zeros, times as ISO, sequences as lists."""
    if isinstance(value, Decimal):
        return decimal_text(value)
    if isinstance(value, Mapping):
        return {str(key): plain(item) for key, item in value.items()}
    if isinstance(value, list | tuple | frozenset | set):
        items = sorted(value) if isinstance(value, frozenset | set) else value
        return [plain(item) for item in items]
    if hasattr(value, "isoformat"):
        return value.isoformat()
    return value


def decimal_text(value: Decimal) -> str:
    """ "0.10" gives "0.1", "1E+2" gives "100"."""
    text = format(value, "f")
    return text.rstrip("0").rstrip(".") if "." in text else text


def strict_json(text: str) -> Any:
    """The value of a JSON text, numbers as Decimal or int; ValueError on NaN, infinity, doubled keys or anything else."""
    return json.loads(
        text, parse_float=Decimal, parse_constant=_refuse_constant, object_pairs_hook=_object_without_doubles
    )


def _refuse_constant(name: str) -> object:
    raise ValueError(f"{name} is not a number the desk can use")


def _object_without_doubles(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
    found: dict[str, Any] = {}
    for key, value in pairs:
        if key in found:
            raise ValueError(f"the key {key!r} appears twice")
        found[key] = value
    return found
