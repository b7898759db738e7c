"""The evidence guard: every claim is recomputed from the stored tool result it cites, or there is no trade. Pure (D13)."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from decimal import Decimal
from typing import Any

from agents.errors import NoTradeError
from agents.types import Claim, StopReason

# A claim may round, but not by more than this part of the true value.
MAX_ROUNDING_RATIO = Decimal("0.01")


@dataclass(frozen=True, slots=True, kw_only=True)
class EvidenceView:
    """A stored tool result. It may be cited until `fresh_until`."""

    evidence_id: str
    tool: str
    data: Mapping[str, Any]
    as_of: datetime
    fresh_until: datetime


@dataclass(frozen=True, slots=True, kw_only=True)
class CheckedClaim:
    """A claim that held; `value` is the stored one, not the model's."""

    evidence_id: str
    tool: str
    field: str
    value: str


def check_claims(
    claims: Sequence[Claim], *, evidence: Mapping[str, EvidenceView], venue: str, symbol: str, at: datetime
) -> tuple[CheckedClaim, ...]:
    """All claims, verified. Raises NoTradeError on a missing, stale or contradicting one, and when none is about
    the instrument itself."""
    if not claims:
        raise _no("no claim cites a tool result; an idea without evidence is not traded")
    checked = tuple(_check(claim, evidence=evidence, at=at) for claim in claims)
    cited = (evidence[claim.evidence_id].data for claim in checked)
    if not any(data.get("venue") == venue and data.get("symbol") == symbol for data in cited):
        raise _no(f"no claim is about {symbol} on {venue} itself")
    return checked


def _check(claim: Claim, *, evidence: Mapping[str, EvidenceView], at: datetime) -> CheckedClaim:
    source = evidence.get(claim.evidence_id)
    if source is None:
        raise _no(f"{claim.evidence_id[:12]!r} is no tool result of this session")
    if at > source.fresh_until:
        age_s = (at - source.as_of).total_seconds()
        raise _no(
            f"{claim.evidence_id} ({source.tool}) is {age_s:.0f} s old and may not be relied on any more"
        )
    stored = look_up(source.data, claim.field)
    if stored is None:
        raise _no(f"{claim.evidence_id} ({source.tool}) has no value {claim.field!r}")
    if not agrees(claim.value, stored):
        raise _no(
            f"the claim {claim.field} = {claim.value} contradicts {claim.evidence_id} ({source.tool}), which says {stored}"
        )
    return CheckedClaim(evidence_id=claim.evidence_id, tool=source.tool, field=claim.field, value=stored)


def look_up(data: Mapping[str, Any], path: str) -> str | None:
    """The scalar at a dotted path ("indicators.rsi_14", "asks.0.price") as text; None when there is none."""
    node: Any = data
    for key in path.split("."):
        if isinstance(node, Mapping):
            node = node.get(key)
        elif isinstance(node, list | tuple) and key.isascii() and key.isdigit() and int(key) < len(node):
            node = node[int(key)]
        else:
            return None
    if node is None or isinstance(node, Mapping | list | tuple):
        return None
    return {True: "true", False: "false"}[node] if isinstance(node, bool) else str(node)


def agrees(claimed: str, stored: str) -> bool:
    """True for the same text, or the stored number rounded to the claim's digits and within 1 % of it."""
    if claimed == stored:
        return True
    try:
        said, true = Decimal(claimed), Decimal(stored)
        exponent = said.as_tuple().exponent
        if not true.is_finite() or not isinstance(exponent, int):  # NaN and infinity have no exponent
            return False
        half_a_digit = Decimal(1).scaleb(min(exponent, 0)) / 2
        difference = abs(said - true)
    except ArithmeticError:  # not a number, or beyond all numbers
        return False
    return difference <= half_a_digit and difference <= abs(true) * MAX_ROUNDING_RATIO


def _no(message: str) -> NoTradeError:
    return NoTradeError(message, stop=StopReason.EVIDENCE)
