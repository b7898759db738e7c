"""Scripts for the model servers: what a model is shown (Turn), what it says (Reply), and a sensible desk (`debate`)."""

import json
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import Any


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
