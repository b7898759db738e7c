"""Model output is read strictly: one JSON object of a closed schema, or nothing."""

import json
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from agents.answers import ANSWERS, AnalystAnswer, ReviewAnswer, TraderAnswer, parse_answer
from agents.errors import FormatError
from agents.types import Role

BUY: dict[str, Any] = {
    "action": "buy",
    "symbol": "BTC/USDT",
    "confidence_ratio": "0.6",
    "horizon_s": 900,
    "thesis": "Up.",
    "claims": [{"evidence_id": "A1", "field": "ask", "value": 50000.01}],
}
PLAN = {
    "action": "plan",
    "symbol": "BTC/USDT",
    "order_type": "limit",
    "stop_distance_atr": 2,
    "target_distance_atr": 3.5,
    "max_hold_s": 900,
    "rationale": "Patient.",
}


def test_a_good_answer_keeps_its_digits() -> None:
    answer = parse_answer(AnalystAnswer, f"```json\n{json.dumps(BUY)}\n```")
    assert str(answer.confidence_ratio) == "0.6"
    assert answer.cited[0].value == "50000.01"
    assert str(parse_answer(TraderAnswer, json.dumps(PLAN)).target_distance_atr) == "3.5"


@pytest.mark.parametrize(
    "text",
    [
        "",
        "   ",
        "null",
        "[]",
        '"buy"',
        f"Here you are: {json.dumps(BUY)}",
        json.dumps(BUY) * 2,
        json.dumps(BUY)[:-1],
        json.dumps(BUY).replace('"0.6"', "NaN"),
        json.dumps(BUY).replace('"0.6"', "Infinity"),
        json.dumps(BUY).replace('"0.6"', "1e400"),
        json.dumps(BUY).replace('"0.6"', "true"),
        json.dumps(BUY).replace('"symbol"', '"action": "no_trade", "symbol"'),
        json.dumps({**BUY, "size": 5}),
        json.dumps({**BUY, "venue": "elsewhere"}),
        json.dumps({**BUY, "confidence_ratio": None}),
        json.dumps({**BUY, "horizon_s": 10}),
        json.dumps({**BUY, "claims": BUY["claims"] * 40}),
        "[" * 9_000,
        "9" * 11_000,
        "x" * 20_000,
    ],
)
def test_anything_else_is_refused_in_one_line(text: str) -> None:
    with pytest.raises(FormatError) as caught:
        parse_answer(AnalystAnswer, text)
    assert "\n" not in str(caught.value)
    assert len(str(caught.value)) < 300


@pytest.mark.parametrize(
    "changes",
    [
        {"order_type": "stop"},
        {"stop_distance_atr": 0},
        {"stop_distance_atr": -2},
        {"target_distance_atr": 1000},
        {"size_scale_ratio": 1.01},
        {"size_scale_ratio": 50},
        {"max_hold_s": 10**7},
        {"price": 1},
        {"stop_distance_atr": None},
    ],
)
def test_a_plan_outside_its_bounds_is_refused(changes: dict[str, object]) -> None:
    with pytest.raises(FormatError):
        parse_answer(TraderAnswer, json.dumps({**PLAN, **changes}))


def test_a_review_can_not_enlarge() -> None:
    answer = {"verdict": "accept", "symbol": "BTC/USDT", "size_scale_ratio": 2, "reasons": ["more"]}
    with pytest.raises(FormatError, match="size_scale_ratio"):
        parse_answer(ReviewAnswer, json.dumps(answer))


@given(st.text(max_size=200), st.sampled_from(list(Role)))
def test_no_text_makes_the_reader_raise_anything_else(text: str, role: Role) -> None:
    with pytest.raises(FormatError):
        parse_answer(ANSWERS[role], text)
