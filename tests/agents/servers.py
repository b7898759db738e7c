"""Local HTTP servers that speak the three model APIs and say what a script tells them to.

    with ModelServer("anthropic", script=debate) as server:
        ...settings from server.settings(), or server.environment() for another process

A script is a function Turn -> Reply. `debate` is a sensible desk; `use`, `say`, `refuse`, `cut_off`, `fail` and `raw` make replies.
"""

import json
import re
import threading
import time
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any, Self

PROTOCOLS = ("openai_compatible", "openai", "anthropic")
MODELS = {"openai_compatible": "local-model", "openai": "gpt-6.1-terra", "anthropic": "claude-haiku-5-5"}


@dataclass(frozen=True)
class Call:
    """`arguments` as a text goes out as it is, valid JSON or not."""

    tool: str
    arguments: Mapping[str, Any] | str = field(default_factory=dict)

    @property
    def text(self) -> str:
        return self.arguments if isinstance(self.arguments, str) else json.dumps(self.arguments)


@dataclass(frozen=True)
class Reply:
    text: str = ""
    calls: tuple[Call, ...] = ()
    finish: str = "stop"  # stop, length, refusal
    status: int = 200
    headers: Mapping[str, str] = field(default_factory=dict)
    body: str | None = None
    content_type: str = "application/json"
    delay_s: float = 0
    has_usage: bool = True


@dataclass(frozen=True)
class Turn:
    """What the model is shown: the role it plays, the brief, and every tool result with its tool's name, in order."""

    role: str
    brief: dict[str, Any]
    results: tuple[tuple[str, dict[str, Any]], ...]
    reminders: tuple[str, ...]
    tools: tuple[str, ...]
    body: dict[str, Any]

    def result(self, tool: str) -> dict[str, Any]:
        """The newest result of `tool`."""
        return next(content for name, content in reversed(self.results) if name == tool)

    def has(self, tool: str) -> bool:
        return any(name == tool for name, _ in self.results)


Script = Callable[[Turn], Reply]


def say(answer: Mapping[str, Any] | str) -> Reply:
    return Reply(text=answer if isinstance(answer, str) else json.dumps(answer))


def use(*calls: Call) -> Reply:
    return Reply(calls=calls)


def refuse(words: str = "I cannot help with that.") -> Reply:
    return Reply(text=words, finish="refusal")


def cut_off(text: str = '{"action": "buy", "sym') -> Reply:
    return Reply(text=text, finish="length")


def fail(status: int, *, headers: Mapping[str, str] | None = None, code: str = "") -> Reply:
    body = json.dumps({"type": "error", "error": {"type": "api_error", "message": "scripted", "code": code}})
    return Reply(status=status, headers=headers or {}, body=body)


def raw(body: str, *, content_type: str = "application/json") -> Reply:
    return Reply(body=body, content_type=content_type)


# --- a sensible desk ---


def claim(content: Mapping[str, Any], path: str) -> dict[str, Any]:
    """A true claim on a tool result."""
    value: Any = content["data"]
    for key in path.split("."):
        value = value[int(key)] if isinstance(value, list) else value[key]
    return {"evidence_id": content["evidence_id"], "field": path, "value": value}


PLAN: dict[str, Any] = {
    "order_type": "market",
    "stop_distance_atr": "2",
    "target_distance_atr": "8",
    "max_hold_s": 1800,
    "size_scale_ratio": "1",
}


def debate(turn: Turn) -> Reply:
    """Looks first, then buys, plans and accepts, with true claims."""
    return {"analyst": analyse, "trader": plan, "risk manager": review}[turn.role](turn)


def analyse(turn: Turn) -> Reply:
    if not turn.results:
        return use(Call("get_price"), Call("get_historical_prices", {"timeframe": "1m"}))
    claims = [
        claim(turn.result("get_price"), "ask"),
        claim(turn.result("get_historical_prices"), "indicators.rsi_14"),
    ]
    return say(
        {
            "action": "buy",
            "symbol": turn.brief["instrument"]["symbol"],
            "confidence_ratio": 0.65,
            "horizon_s": 1800,
            "thesis": "The trend is up.",
            "claims": claims,
        }
    )


def plan(turn: Turn) -> Reply:
    symbol = turn.brief["instrument"]["symbol"]
    if not turn.has("propose_order"):
        return use(Call("propose_order", {"symbol": symbol, **PLAN}))
    proposal = turn.result("propose_order")
    return say(
        {
            "action": "plan",
            "symbol": symbol,
            **PLAN,
            "rationale": "In at the market.",
            "claims": [claim(proposal, "appraisal.stop_price")],
        }
    )


def review(turn: Turn) -> Reply:
    if not turn.results:
        return use(Call("portfolio_exposure_snapshot"), Call("get_order_book", {"levels": 3}))
    return say(
        {
            "verdict": "accept",
            "symbol": turn.brief["instrument"]["symbol"],
            "size_scale_ratio": 0.5,
            "reasons": ["Exposure is small."],
            "claims": [claim(turn.result("get_order_book"), "spread_bps")],
        }
    )


# --- the three protocols ---


class Protocol:
    path = ""

    def turn(self, body: dict[str, Any]) -> Turn:
        raise NotImplementedError

    def answer(self, reply: Reply, *, model: str, number: int) -> dict[str, Any]:
        raise NotImplementedError


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


class Chat(Protocol):
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


class Responses(Protocol):
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


class Messages(Protocol):
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


WIRE: dict[str, Protocol] = {"openai_compatible": Chat(), "openai": Responses(), "anthropic": Messages()}


class ModelServer:
    """A server on a free loopback port. `turns` is everything it was asked, in order."""

    def __init__(self, protocol: str, *, script: Script = debate) -> None:
        self.protocol, self.script = protocol, script
        self.turns: list[Turn] = []
        server = self

        class Handler(BaseHTTPRequestHandler):
            def do_POST(self) -> None:
                server._handle(self)

            def log_message(self, format: str, *args: Any) -> None:
                pass

        self._http = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
        self._http.daemon_threads = True
        self._thread = threading.Thread(target=self._http.serve_forever, kwargs={"poll_interval": 0.02})

    def __enter__(self) -> Self:
        self._thread.start()
        return self

    def __exit__(self, *_: object) -> None:
        self._http.shutdown()
        self._http.server_close()
        self._thread.join()

    @property
    def base_url(self) -> str:
        port = self._http.server_address[1]
        return f"http://127.0.0.1:{port}" + ("" if self.protocol == "anthropic" else "/v1")

    def settings(self) -> dict[str, Any]:
        """Django settings that send the desk's model calls here."""
        return {
            "AI_PROVIDER": self.protocol,
            "AI_MODEL": MODELS[self.protocol],
            "AI_BASE_URL": self.base_url,
            "AI_API_KEY": "key-of-the-test",
            "AI_LOCAL": self.protocol == "openai_compatible",
            "AI_RULES_FALLBACK": False,
        }

    def environment(self) -> dict[str, str]:
        """The same for another process of the desk."""
        flags = {True: "1", False: "0"}
        return {
            f"NEURATRADE_{name}": flags[value] if isinstance(value, bool) else str(value)
            for name, value in self.settings().items()
        }

    def _handle(self, request: BaseHTTPRequestHandler) -> None:
        wire = WIRE[self.protocol]
        body = json.loads(request.rfile.read(int(request.headers["Content-Length"])))
        assert request.path.split("?")[0] == wire.path, f"{request.path} is not {wire.path}"
        turn = wire.turn(body)
        self.turns.append(turn)
        reply = self.script(turn)
        if reply.delay_s:
            time.sleep(reply.delay_s)
        text = reply.body
        if text is None:
            text = json.dumps(wire.answer(reply, model=body["model"], number=len(self.turns)))
        raw_body = text.encode()
        try:
            request.send_response(reply.status)
            request.send_header("Content-Type", reply.content_type)
            request.send_header("Content-Length", str(len(raw_body)))
            for name, value in reply.headers.items():
                request.send_header(name, value)
            request.end_headers()
            request.wfile.write(raw_body)
        except OSError:
            pass  # the client did not wait
