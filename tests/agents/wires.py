"""The three model APIs as a server speaks them: a request's body to a Turn, a Reply to an answer's body."""

import json
import re
from typing import Any, Protocol

from tests.agents.scripts import Call, Reply, Turn


class Wire(Protocol):
    path: str

    def turn(self, body: dict[str, Any]) -> Turn: ...

    def answer(self, reply: Reply, *, model: str, number: int) -> dict[str, Any]: ...


def _turn(
    system: str, body: dict[str, Any], *, user: list[str], results: list[tuple[str, str]], tools: list[str]
) -> Turn:
    role = re.match(r"You are the (analyst|trader|risk manager)", system)
    assert role, "the system prompt does not say which role it is for"
    return Turn(
        role=role[1],
        brief=json.loads(user[0]),
        results=tuple((name, json.loads(content)) for name, content in results),
        reminders=tuple(user[1:]),
        tools=tuple(tools),
        body=body,
    )


class Chat:
    path = "/v1/chat/completions"

    def turn(self, body: dict[str, Any]) -> Turn:
        system, *rest = body["messages"]
        assert system["role"] == "system"
        names: dict[str, str] = {}
        results = []
        for message in rest:
            for call in message.get("tool_calls") or ():
                json.loads(call["function"]["arguments"])
                names[call["id"]] = call["function"]["name"]
            if message["role"] == "tool":
                results.append((names[message["tool_call_id"]], message["content"]))
        return _turn(
            system["content"],
            body,
            user=[message["content"] for message in rest if message["role"] == "user"],
            results=results,
            tools=[tool["function"]["name"] for tool in body.get("tools", ())],
        )

    def answer(self, reply: Reply, *, model: str, number: int) -> dict[str, Any]:
        calls = [
            {
                "id": f"call_{number}_{i}",
                "type": "function",
                "function": {"name": c.tool, "arguments": c.text},
            }
            for i, c in enumerate(reply.calls)
        ]
        message: dict[str, Any] = {"role": "assistant", "content": reply.text or None}
        message |= {"tool_calls": calls} if calls else {}
        message |= {"refusal": reply.text, "content": None} if reply.finish == "refusal" else {}
        finish = "tool_calls" if calls else "length" if reply.finish == "length" else "stop"
        usage = {"prompt_tokens": 900, "completion_tokens": 80, "total_tokens": 980}
        return {
            "id": f"chat-{number}",
            "object": "chat.completion",
            "created": 1,
            "model": model,
            "choices": [{"index": 0, "message": message, "finish_reason": finish}],
            **(
                {"usage": {**usage, "prompt_tokens_details": {"cached_tokens": 100}}}
                if reply.has_usage
                else {}
            ),
        }


class Responses:
    path = "/v1/responses"

    def turn(self, body: dict[str, Any]) -> Turn:
        assert body["store"] is False
        names: dict[str, str] = {}
        results = []
        reasoned = {item["id"] for item in body["input"] if item.get("type") == "reasoning"}
        for item in body["input"]:
            if item.get("type") == "function_call":
                names[item["call_id"]] = item["name"]
                assert f"rs_{item['call_id'].split('_')[1]}" in reasoned, "reasoning was not sent back"
            if item.get("type") == "function_call_output":
                results.append((names[item["call_id"]], item["output"]))
        return _turn(
            body["instructions"],
            body,
            user=[item["content"] for item in body["input"] if item.get("role") == "user"],
            results=results,
            tools=[tool["name"] for tool in body.get("tools", ())],
        )

    def answer(self, reply: Reply, *, model: str, number: int) -> dict[str, Any]:
        output: list[dict[str, Any]] = [
            {"type": "reasoning", "id": f"rs_{number}", "summary": [], "encrypted_content": "sealed"}
        ]
        output += [
            {
                "type": "function_call",
                "id": f"fc_{number}_{i}",
                "call_id": f"call_{number}_{i}",
                "name": call.tool,
                "arguments": call.text,
                "status": "completed",
            }
            for i, call in enumerate(reply.calls)
        ]
        if reply.text:
            content: dict[str, Any] = {"type": "output_text", "text": reply.text, "annotations": []}
            if reply.finish == "refusal":
                content = {"type": "refusal", "refusal": reply.text}
            output.append(
                {
                    "type": "message",
                    "id": f"m_{number}",
                    "role": "assistant",
                    "status": "completed",
                    "content": [content],
                }
            )
        usage = {
            "input_tokens": 900,
            "input_tokens_details": {"cached_tokens": 100},
            "output_tokens": 80,
            "output_tokens_details": {"reasoning_tokens": 20},
            "total_tokens": 980,
        }
        is_cut = reply.finish == "length"
        return {
            "id": f"resp_{number}",
            "object": "response",
            "created_at": 1,
            "model": model,
            "status": "incomplete" if is_cut else "completed",
            "incomplete_details": {"reason": "max_output_tokens"} if is_cut else None,
            "output": output,
            "parallel_tool_calls": True,
            "tool_choice": "auto",
            "tools": [],
            "usage": usage if reply.has_usage else None,
        }


class Messages:
    path = "/v1/messages"

    def turn(self, body: dict[str, Any]) -> Turn:
        names: dict[str, str] = {}
        results, user = [], []
        for message in body["messages"]:
            blocks = message["content"]
            if message["role"] == "assistant":
                assert any(b["type"] == "thinking" and b["signature"] == "signed" for b in blocks), (
                    "thinking was not sent back"
                )
            for block in blocks:
                if block["type"] == "tool_use":
                    assert isinstance(block["input"], dict), "a call's input is no object"
                    names[block["id"]] = block["name"]
                elif block["type"] == "tool_result":
                    results.append((names[block["tool_use_id"]], block["content"]))
                elif block["type"] == "text" and message["role"] == "user":
                    user.append(block["text"])
        tools = [tool["name"] for tool in body.get("tools", ())]
        return _turn(body["system"], body, user=user, results=results, tools=tools)

    def answer(self, reply: Reply, *, model: str, number: int) -> dict[str, Any]:
        content: list[dict[str, Any]] = [{"type": "thinking", "thinking": "hm", "signature": "signed"}]
        content += [{"type": "text", "text": reply.text}] if reply.text else []
        content += [
            {"type": "tool_use", "id": f"toolu_{number}_{i}", "name": c.tool, "input": _object(c)}
            for i, c in enumerate(reply.calls)
        ]
        stop = {"length": "max_tokens", "refusal": "refusal"}.get(reply.finish, "end_turn")
        usage = {"input_tokens": 800, "cache_read_input_tokens": 100, "output_tokens": 80}
        return {
            "id": f"msg_{number}",
            "type": "message",
            "role": "assistant",
            "model": model,
            "content": content,
            "stop_reason": "tool_use" if reply.calls else stop,
            "stop_sequence": None,
            **({"usage": usage} if reply.has_usage else {}),
        }


def _object(call: Call) -> Any:
    """This protocol has objects only: a text that is no JSON goes out as a text, as a broken server might send it."""
    try:
        return json.loads(call.text)
    except ValueError:
        return call.text


WIRE: dict[str, Wire] = {"openai_compatible": Chat(), "openai": Responses(), "anthropic": Messages()}
