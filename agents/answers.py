"""The closed JSON each role must end with, and its strict reading. Pure.

There is no field for a price, a size in coins or an account: what code decides cannot be asked for.
"""

import re
from decimal import Decimal
from typing import Annotated, Any, Literal, Self, TypeVar

from pydantic import BaseModel, BeforeValidator, ConfigDict, Field, ValidationError, model_validator

from agents.encoding import strict_json
from agents.errors import FormatError
from agents.protocols import closed_schema, first_problem
from agents.types import Claim, Role

LONGEST_ANSWER = 12_000
_FENCE = re.compile(r"^```(?:json)?\s*\n(.*)\n```$", re.DOTALL)


def _no_boolean(value: object) -> object:
    if isinstance(value, bool):
        raise ValueError("true and false are not numbers")
    return value


def _as_text(value: object) -> object:
    if isinstance(value, bool):
        return "true" if value else "false"
    return (
        format(value, "f") if isinstance(value, Decimal) else str(value) if isinstance(value, int) else value
    )


Number = Annotated[Decimal, BeforeValidator(_no_boolean), Field(allow_inf_nan=False)]
Ratio = Annotated[Number, Field(ge=0, le=1)]
Words = Annotated[str, Field(min_length=1, max_length=600)]


class Closed(BaseModel):
    """Nothing unknown gets in, nothing changes afterwards."""

    model_config = ConfigDict(extra="forbid", frozen=True, str_strip_whitespace=True)


class ClaimAnswer(Closed):
    evidence_id: Annotated[
        str, Field(max_length=8, description="evidence_id of a tool result of this session")
    ]
    field: Annotated[str, Field(max_length=80, description="dotted path inside that result's data")]
    value: Annotated[
        str, BeforeValidator(_as_text), Field(max_length=60, description="the value found there")
    ]


Claims = Annotated[list[ClaimAnswer], Field(max_length=16)]


class Answer(Closed):
    """What all three roles say."""

    symbol: Annotated[str, Field(max_length=40, description="the instrument of the brief, unchanged")]
    claims: Claims = []

    @property
    def is_no(self) -> bool:
        raise TypeError("each role has its own way to say no")

    @property
    def words(self) -> str:
        raise TypeError("each role has its own words")

    @property
    def cited(self) -> tuple[Claim, ...]:
        return tuple(Claim(evidence_id=c.evidence_id, field=c.field, value=c.value) for c in self.claims)


class AnalystAnswer(Answer):
    """This desk opens long spot positions only, so there is no "sell"."""

    action: Literal["buy", "no_trade"]
    confidence_ratio: Annotated[Ratio | None, Field(description="0..1, how likely the idea pays")] = None
    horizon_s: Annotated[int | None, Field(ge=60, le=86_400, description="seconds the idea needs")] = None
    thesis: Annotated[Words, Field(description="why, in two or three sentences")]

    @model_validator(mode="after")
    def _complete(self) -> Self:
        if not self.is_no and (self.confidence_ratio is None or self.horizon_s is None):
            raise ValueError("a buy needs confidence_ratio and horizon_s")
        return self

    @property
    def is_no(self) -> bool:
        return self.action == "no_trade"

    @property
    def words(self) -> str:
        return self.thesis


class TraderAnswer(Answer):
    action: Literal["plan", "no_trade"]
    order_type: Literal["market", "limit"] | None = None
    stop_distance_atr: Annotated[Number | None, Field(ge=Decimal("0.5"), le=10)] = None
    target_distance_atr: Annotated[Number | None, Field(ge=Decimal("0.5"), le=20)] = None
    max_hold_s: Annotated[int | None, Field(ge=60, le=86_400)] = None
    size_scale_ratio: Annotated[
        Ratio, Field(description="1 keeps the size that code computes; less shrinks it")
    ] = Decimal(1)
    rationale: Words

    @model_validator(mode="after")
    def _complete(self) -> Self:
        needed = (self.order_type, self.stop_distance_atr, self.target_distance_atr, self.max_hold_s)
        if not self.is_no and None in needed:
            raise ValueError("a plan needs order_type, stop_distance_atr, target_distance_atr and max_hold_s")
        return self

    @property
    def is_no(self) -> bool:
        return self.action == "no_trade"

    @property
    def words(self) -> str:
        return self.rationale


class ReviewAnswer(Answer):
    verdict: Literal["accept", "veto"]
    size_scale_ratio: Annotated[Ratio, Field(description="1 keeps the size; less shrinks it; never more")] = (
        Decimal(1)
    )
    reasons: Annotated[
        list[Annotated[str, Field(min_length=1, max_length=300)]], Field(min_length=1, max_length=8)
    ]

    @property
    def is_no(self) -> bool:
        return self.verdict == "veto"

    @property
    def words(self) -> str:
        return "; ".join(self.reasons)


ANSWERS: dict[Role, type[Answer]] = {
    Role.ANALYST: AnalystAnswer,
    Role.TRADER: TraderAnswer,
    Role.RISK_MANAGER: ReviewAnswer,
}

AnswerT = TypeVar("AnswerT", bound=Answer)


def parse_answer(kind: type[AnswerT], text: str) -> AnswerT:
    """The answer when `text` is exactly one JSON object of the closed schema (one code fence around it is allowed).

    FormatError says in one line what is wrong, so that it can be sent back.
    """
    text = text.strip()
    if not text:
        raise FormatError("the answer is empty")
    if len(text) > LONGEST_ANSWER:
        raise FormatError(f"the answer is longer than {LONGEST_ANSWER} characters")
    fenced = _FENCE.match(text)
    try:
        return kind.model_validate(strict_json(fenced.group(1) if fenced else text))
    except ValidationError as error:
        raise FormatError(first_problem(error)) from error
    except (ValueError, RecursionError) as error:
        raise FormatError(f"the answer is not one JSON object: {str(error)[:120]}") from error


def answer_schema(role: Role) -> dict[str, Any]:
    """The JSON schema of the role's final answer, for its prompt."""
    return closed_schema(ANSWERS[role])
