"""What each role is told and what its answer becomes: typed fields in, typed fields out, never prose from role to role. Pure.

An answer can only name the decision's own instrument, and everything else an order needs comes from typed records or code.
"""

import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from agents.answers import AnalystAnswer, Answer, ReviewAnswer, TraderAnswer, answer_schema
from agents.encoding import canonical, plain
from agents.errors import NoTradeError
from agents.evidence import CheckedClaim
from agents.types import Role, StopReason
from trading.types import InstrumentSpec, OrderType, Review, Side, TradeIdea, TradePlan

_NUMBER = re.compile(r"-?\d{1,20}(\.\d{1,20})?")
_NAME = re.compile(r"[a-z][a-z0-9_]{0,40}")


@dataclass(frozen=True, slots=True, kw_only=True)
class Brief:
    """The facts a role starts from. `idea` and `plan` are what the roles before it decided, `skill` the one the quest names."""

    role: Role
    instrument: InstrumentSpec
    mode: str
    market: Mapping[str, Any]
    at: datetime
    idea: TradeIdea | None = None
    plan: TradePlan | None = None
    claims: tuple[CheckedClaim, ...] = ()
    skill: str = ""


def system_prompt(*, role: Role, handbook: str, skills: Mapping[str, str]) -> str:
    """The role's handbook, the skills it may open (name: description) and the form of its answer; the same for every brief."""
    listed = "\n".join(f"- {name}: {description}" for name, description in sorted(skills.items()))
    known = (
        f"\n\n## Skills\n\nOpen one with `activate_skill` before you rely on it.\n\n{listed}"
        if listed
        else ""
    )
    schema = canonical(answer_schema(role))
    return f"{handbook.strip()}{known}\n\n## Your answer\n\nOne JSON object of this schema and nothing else:\n{schema}\n"


def brief_text(brief: Brief) -> str:
    """The first message of a session: one JSON object, with the time last."""
    spec = brief.instrument
    facts: dict[str, Any] = {
        "task": _TASKS[brief.role],
        "instrument": {
            "venue": spec.venue,
            "symbol": spec.symbol,
            "base": spec.base,
            "quote": spec.quote,
            "maker_fee_ratio": plain(spec.maker_fee_ratio),
            "taker_fee_ratio": plain(spec.taker_fee_ratio),
        },
        "mode": brief.mode,
        "market": numbers_only(brief.market),
    }
    if brief.idea and brief.idea.side:
        facts["idea"] = {
            "side": brief.idea.side.value,
            "confidence_ratio": plain(brief.idea.confidence_ratio),
            "horizon_s": brief.idea.horizon_s,
        }
    if brief.plan:
        facts["plan"] = {
            "order_type": brief.plan.order_type.value,
            "stop_distance_atr": plain(brief.plan.stop_distance_atr),
            "target_distance_atr": plain(brief.plan.target_distance_atr),
            "max_hold_s": brief.plan.max_hold_s,
            "size_scale_ratio": plain(brief.plan.size_scale_ratio),
        }
    if brief.skill:
        facts["skill"] = brief.skill
    if brief.claims:
        facts["verified"] = [{"tool": c.tool, "field": c.field, "value": c.value} for c in brief.claims]
    return f"{canonical(facts)[:-1]},{canonical({'now': brief.at.isoformat()})[1:]}"


_TASKS = {
    Role.ANALYST: "Is there a trade worth proposing in this instrument now?",
    Role.TRADER: "Plan the entry of the idea, or refuse it.",
    Role.RISK_MANAGER: "Argue against the plan: accept, shrink or veto it.",
}


def numbers_only(market: Mapping[str, Any]) -> dict[str, Any]:
    """The numeric facts of `market` under plain names, two levels deep. Text is dropped: it may come from outside (J3)."""
    found: dict[str, Any] = {}
    for key, value in market.items():
        if not _NAME.fullmatch(str(key)):
            continue
        if isinstance(value, Mapping):
            inner = {k: v for k, v in value.items() if _NAME.fullmatch(str(k)) and _is_number(v)}
            if inner:
                found[key] = plain(inner)
        elif _is_number(value):
            found[key] = plain(value)
    return found


def _is_number(value: object) -> bool:
    if isinstance(value, str):
        return _NUMBER.fullmatch(value) is not None
    return isinstance(value, int | float) and not isinstance(value, bool) and abs(value) < 1e20


def idea_of(answer: AnalystAnswer, *, instrument: InstrumentSpec) -> TradeIdea:
    """The analyst's idea about the decision's instrument; NoTradeError when it is none, or about something else."""
    _refuse_other_symbol(answer, instrument)
    if answer.is_no or answer.confidence_ratio is None or answer.horizon_s is None:
        raise NoTradeError(answer.thesis, stop=StopReason.ANSWERED)
    return TradeIdea(
        venue=instrument.venue,
        symbol=instrument.symbol,
        side=Side.BUY,
        confidence_ratio=answer.confidence_ratio,
        horizon_s=answer.horizon_s,
        thesis=answer.thesis,
    )


def plan_of(
    answer: TraderAnswer, *, instrument: InstrumentSpec, proposals: Sequence[Mapping[str, Any]]
) -> TradePlan:
    """The trader's plan. `proposals` are what it passed to `propose_order`: the last one must say the same."""
    _refuse_other_symbol(answer, instrument)
    if (
        answer.is_no
        or answer.order_type is None
        or answer.stop_distance_atr is None
        or answer.target_distance_atr is None
        or answer.max_hold_s is None
    ):
        raise NoTradeError(answer.rationale, stop=StopReason.ANSWERED)
    plan = TradePlan(
        order_type=OrderType(answer.order_type),
        stop_distance_atr=answer.stop_distance_atr,
        target_distance_atr=answer.target_distance_atr,
        max_hold_s=answer.max_hold_s,
        size_scale_ratio=answer.size_scale_ratio,
        rationale=answer.rationale,
    )
    if proposals:
        _refuse_other_proposal(plan, proposals[-1])
    return plan


def _refuse_other_proposal(plan: TradePlan, proposal: Mapping[str, Any]) -> None:
    for name in ("order_type", "stop_distance_atr", "target_distance_atr", "max_hold_s", "size_scale_ratio"):
        planned = getattr(plan, name)
        said = plain(planned.value if isinstance(planned, OrderType) else planned)
        if str(proposal.get(name)) != str(said):
            raise NoTradeError(
                f"the plan's {name} is {said}, but the trader proposed {proposal.get(name)}",
                stop=StopReason.FORBIDDEN,
            )


def review_of(answer: ReviewAnswer, *, instrument: InstrumentSpec) -> Review:
    """The risk manager's answer; a veto is an answer like another."""
    _refuse_other_symbol(answer, instrument)
    return Review(
        is_veto=answer.is_no, size_scale_ratio=answer.size_scale_ratio, reasons=tuple(answer.reasons)
    )


def _refuse_other_symbol(answer: Answer, instrument: InstrumentSpec) -> None:
    if answer.symbol != instrument.symbol:
        raise NoTradeError(
            f"the answer is about {answer.symbol[:40]!r}, the decision about {instrument.symbol}",
            stop=StopReason.FORBIDDEN,
        )
