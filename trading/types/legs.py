"""What a pair of legs costs: four fills, two on each side."""

import math
from collections.abc import Sequence

from trading.types.research import MarketTerms


def costs_bps(terms: Sequence[MarketTerms]) -> float:
    """The fees and slippage of entering and leaving every leg, in basis points of one leg's value."""
    return sum(leg.round_trip_ratio for leg in terms) * 10_000


def objection(allowed_bps: float, *, terms: Sequence[MarketTerms]) -> str:
    """Why a pair that allows for `allowed_bps` of costs may not run on these terms; empty when it may."""
    if len(terms) != 2:
        return f"it trades two legs; give two instruments, not {len(terms)}"
    costs = costs_bps(terms)
    if allowed_bps < costs - 1e-9:
        return (
            f"costs_bps of {allowed_bps:g} is less than the {costs:g} that four fills cost on these terms; "
            f"set it to {math.ceil(costs - 1e-9)} or more"
        )
    return ""
