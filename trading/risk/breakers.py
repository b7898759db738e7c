"""Circuit breakers as pure functions of what was measured (reliability.md section 6).

They only ever step down. The one way up by itself is the end of stale prices, and only when those were the cause.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from decimal import Decimal
from enum import StrEnum

from trading.risk.limits import RiskLimits
from trading.risk.rule import percent
from trading.types import ONE, ZERO, TradingState

WINDOW = timedelta(hours=24)
CONFIRM_AFTER = timedelta(seconds=5)
# How long one complete evaluation is good for. Marks come every 10 s, so one may be missed.
OK_FOR = timedelta(seconds=20)
MAX_PRICE_JUMP_RATIO = Decimal("0.2")
MAX_UNEXPLAINED_RATIO = Decimal("0.01")


class BreakerKind(StrEnum):
    """Why the desk stepped down by itself; stored as `DeskState.cause_kind`."""

    DRAWDOWN = "drawdown"
    DAILY_LOSS = "daily_loss"
    STALE_PRICES = "stale_prices"
    BLIND = "blind"
    PRICE_JUMP = "price_jump"
    UNEXPLAINED_EQUITY = "unexplained_equity"


class Action(StrEnum):
    """RECOVER: back to ACTIVE. REDUCE: no new risk. HALT: nothing goes out. LIQUIDATE: close everything, then halt."""

    RECOVER = "recover"
    REDUCE = "reduce"
    HALT = "halt"
    LIQUIDATE = "liquidate"


@dataclass(frozen=True, slots=True, kw_only=True)
class NavPoint:
    """One equity mark: NAV per unit, which deposits and withdrawals do not move."""

    at: datetime
    nav: Decimal
    is_fresh: bool


@dataclass(frozen=True, slots=True, kw_only=True)
class Observation:
    """What the guard measured. `points` are those of the window, oldest first; `stale_s` is how long prices have been too old."""

    at: datetime
    state: TradingState
    cause_kind: str
    is_liquidating: bool
    points: Sequence[NavPoint]
    equity: Decimal
    daily_realised_pnl: Decimal
    stale_s: float
    stale_what: str = ""
    unexplained_quote: Decimal = ZERO
    jumps: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True, kw_only=True)
class Trip:
    kind: BreakerKind
    action: Action
    cause: str


def evaluate(seen: Observation, *, limits: RiskLimits) -> Trip | None:
    """The gravest step that is due, or None. Asking twice does not trip twice: what is already in force is not repeated."""
    if seen.is_liquidating or seen.state is TradingState.HALTED:
        return None
    drawdown = _drawdown(seen, limits=limits)
    if drawdown:
        return drawdown
    if seen.stale_s > limits.max_blind_s:
        return Trip(
            kind=BreakerKind.BLIND,
            action=Action.HALT,
            cause=f"no fresh price of {seen.stale_what} for {seen.stale_s:.0f} s with a position open; nothing is sent into a blind book",
        )
    if seen.state is TradingState.REDUCING:
        return _recovery(seen)
    return _reduction(seen, limits=limits)


def is_confirmed(ok_until: datetime | None, *, at: datetime) -> bool:
    """Whether the guard's promise holds now. One that reaches further than any does was made by a clock that went back since."""
    return ok_until is not None and at < ok_until <= at + OK_FOR


def peak_nav(points: Sequence[NavPoint]) -> Decimal:
    """The highest NAV of the fresh points; 0 when there is none."""
    return max((point.nav for point in points if point.is_fresh), default=ZERO)


def drawdown_ratio(nav: Decimal, *, peak: Decimal) -> Decimal:
    """How far `nav` stands below `peak`, 0 to 1; 0 when there is no peak."""
    return max(ZERO, ONE - nav / peak) if peak > 0 else ZERO


def daily_loss_ratio(*, equity: Decimal, realised_pnl: Decimal) -> Decimal:
    """The day's realised loss over equity before it; 0 for a gain, 1 when nothing is left to compare with."""
    if realised_pnl >= 0:
        return ZERO
    before = equity - realised_pnl
    return min(ONE, -realised_pnl / before) if before > 0 else ONE


def _drawdown(seen: Observation, *, limits: RiskLimits) -> Trip | None:
    """Trips on two fresh marks, at least 5 s apart and none better in between: one bad tick closes nothing."""
    fresh = [point for point in seen.points if point.is_fresh]
    if not fresh or (seen.at - fresh[-1].at).total_seconds() > limits.max_blind_s:
        return None
    peak = peak_nav(fresh)
    now = drawdown_ratio(fresh[-1].nav, peak=peak)
    for point in reversed(fresh):
        if drawdown_ratio(point.nav, peak=peak) < limits.max_drawdown_ratio:
            return None
        if fresh[-1].at - point.at >= CONFIRM_AFTER:
            return Trip(
                kind=BreakerKind.DRAWDOWN,
                action=Action.LIQUIDATE,
                cause=f"equity stands {percent(now)} below its 24 h peak, limit {percent(limits.max_drawdown_ratio)}",
            )
    return None


def _reduction(seen: Observation, *, limits: RiskLimits) -> Trip | None:
    base = abs(seen.equity)
    if abs(seen.unexplained_quote) > MAX_UNEXPLAINED_RATIO * base:
        return _reduce(
            BreakerKind.UNEXPLAINED_EQUITY,
            f"equity changed by {seen.unexplained_quote:.2f} without a fill, deposit or withdrawal; check the account, then resume",
        )
    if seen.jumps:
        return _reduce(BreakerKind.PRICE_JUMP, f"a price jumped by more than 20 %: {', '.join(seen.jumps)}")
    lost = daily_loss_ratio(equity=seen.equity, realised_pnl=seen.daily_realised_pnl)
    if lost >= limits.max_daily_loss_ratio:
        return _reduce(
            BreakerKind.DAILY_LOSS,
            f"a loss of {percent(lost)} was realised today, limit {percent(limits.max_daily_loss_ratio)}",
        )
    if seen.stale_s > 0:
        return _reduce(
            BreakerKind.STALE_PRICES, f"the price of {seen.stale_what} is too old to value a position"
        )
    return None


def _reduce(kind: BreakerKind, cause: str) -> Trip:
    return Trip(kind=kind, action=Action.REDUCE, cause=cause)


def _recovery(seen: Observation) -> Trip | None:
    if seen.cause_kind == BreakerKind.STALE_PRICES and seen.stale_s <= 0:
        return Trip(kind=BreakerKind.STALE_PRICES, action=Action.RECOVER, cause="prices are fresh again")
    return None
