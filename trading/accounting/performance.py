"""How well closed trades did. Pure. A trade here is a round trip: from flat to flat, however many fills it took."""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import datetime
from decimal import Decimal, localcontext

from trading.accounting.fifo import EXACT, total
from trading.types import ONE, ZERO

# Closer to zero than one basis point of what was traded is neither a win nor a loss.
BREAK_EVEN_RATIO = Decimal("0.0001")


@dataclass(frozen=True, slots=True, kw_only=True)
class Step:
    """One fill of one instrument in one account: its net base change, the PnL it realised and the quote it turned over."""

    base: Decimal
    pnl: Decimal
    turnover: Decimal
    at: datetime


@dataclass(frozen=True, slots=True, kw_only=True)
class RoundTrip:
    """A position from flat to flat. `pnl` is after fees, in quote."""

    opened_at: datetime
    closed_at: datetime
    pnl: Decimal
    turnover: Decimal

    @property
    def is_break_even(self) -> bool:
        return abs(self.pnl) <= self.turnover * BREAK_EVEN_RATIO

    @property
    def is_win(self) -> bool:
        return self.pnl > 0 and not self.is_break_even

    @property
    def is_loss(self) -> bool:
        return self.pnl < 0 and not self.is_break_even


@dataclass(frozen=True, slots=True, kw_only=True)
class Performance:
    """Over closed round trips. Ratios are None where there is nothing to divide by: no decided trade, or no loss yet."""

    trips: int
    wins: int
    losses: int
    realised_pnl: Decimal
    win_rate_ratio: Decimal | None
    profit_factor: Decimal | None
    max_drawdown: Decimal
    consecutive_losses: int


def round_trips(
    steps: Sequence[Step], *, start_base: Decimal = ZERO, dust_base: Decimal = ZERO
) -> list[RoundTrip]:
    """The closed trips among `steps`, oldest first. `start_base` is the position before the first step.

    Less than `dust_base` cannot be sold and counts as flat: fees in the base asset leave such a rest after most trips.

    A trip already under way at the start is counted from the first step we see. A fill that turns a long into a short
    closes one trip and opens the next.
    """
    trips: list[RoundTrip] = []

    def is_held(base: Decimal) -> bool:
        return bool(base) and abs(base) >= dust_base

    with localcontext(EXACT):
        size, pnl, turnover = start_base, ZERO, ZERO
        opened_at: datetime | None = steps[0].at if steps and is_held(start_base) else None
        for step in steps:
            before, size = size, size + step.base
            opened_at = opened_at or step.at
            pnl, turnover = pnl + step.pnl, turnover + step.turnover
            if is_held(before) and (not is_held(size) or (before > 0) != (size > 0)):
                trips.append(RoundTrip(opened_at=opened_at, closed_at=step.at, pnl=pnl, turnover=turnover))
                pnl, turnover = ZERO, ZERO
                opened_at = step.at if is_held(size) else None
    return trips


def consecutive_losses(trips: Iterable[RoundTrip]) -> int:
    """How many of the last closed trips lost in a row; a break-even trip neither counts nor ends the row."""
    count = 0
    for trip in sorted(trips, key=lambda item: item.closed_at):
        count = 0 if trip.is_win else count + trip.is_loss
    return count


def max_drawdown(equities: Iterable[Decimal]) -> Decimal:
    """The deepest fall below an earlier peak, in the unit of the curve."""
    deepest, peak = ZERO, None
    with localcontext(EXACT):
        for equity in equities:
            peak = equity if peak is None else max(peak, equity)
            deepest = max(deepest, peak - equity)
    return deepest


def max_drawdown_ratio(equities: Iterable[Decimal]) -> Decimal:
    """The deepest fall below an earlier peak as a part of that peak, 0 to 1; points before the first positive peak are left out."""
    deepest, peak = ZERO, ZERO
    for equity in equities:
        peak = max(peak, equity)
        if peak > 0:
            deepest = max(deepest, ONE - equity / peak)
    return deepest


def measure(trips: Sequence[RoundTrip]) -> Performance:
    """Figures over closed round trips; the drawdown is that of their running PnL, starting at zero."""
    ordered = sorted(trips, key=lambda item: item.closed_at)
    wins = [trip.pnl for trip in ordered if trip.is_win]
    losses = [trip.pnl for trip in ordered if trip.is_loss]
    curve = [ZERO]
    with localcontext(EXACT):
        for trip in ordered:
            curve.append(curve[-1] + trip.pnl)
    lost = -total(losses)
    decided = len(wins) + len(losses)
    return Performance(
        trips=len(ordered),
        wins=len(wins),
        losses=len(losses),
        realised_pnl=curve[-1],
        win_rate_ratio=Decimal(len(wins)) / decided if decided else None,
        profit_factor=total(wins) / lost if lost else None,
        max_drawdown=max_drawdown(curve),
        consecutive_losses=consecutive_losses(ordered),
    )
