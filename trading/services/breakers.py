"""Measures, asks the breakers, and does what they say. The desk may trade only while this keeps succeeding."""

from dataclasses import dataclass
from datetime import datetime

from trading.models import EquityMark, Operator
from trading.risk import breakers
from trading.risk.breakers import OK_FOR, Action, Observation, Trip
from trading.risk.limits import for_profile
from trading.services import equity, performance, state
from trading.services.equity import Marked
from trading.types import ZERO, TradingState


@dataclass(frozen=True, slots=True, kw_only=True)
class Watched:
    """`stale_since` goes into the next call: since when prices have not been good enough to value what is held."""

    trip: Trip | None
    is_ok: bool
    stale_since: datetime | None
    mark: EquityMark | None


def watch(*, operator: Operator, mode: str, stale_since: datetime | None, at: datetime) -> Watched:
    """One round: mark, evaluate, act, and renew `ok_until` when every breaker could be evaluated. Raises on anything odd."""
    limits = for_profile(operator.risk_profile)
    marked = equity.mark(operator=operator, mode=mode, max_age_s=limits.max_mark_age_s, at=at)
    stale_since = (stale_since or at) if marked.stale_what else None
    seen = observe(operator=operator, mode=mode, marked=marked, stale_since=stale_since, at=at)
    trip = breakers.evaluate(seen, limits=limits)
    if trip is not None:
        _act(trip, operator=operator, mode=mode, at=at)
    is_ok = marked.mark is not None and stale_since is None
    if is_ok:
        state.renew_ok(operator=operator, mode=mode, until=at + OK_FOR)
    return Watched(trip=trip, is_ok=is_ok, stale_since=stale_since, mark=marked.mark)


def observe(
    *, operator: Operator, mode: str, marked: Marked, stale_since: datetime | None, at: datetime
) -> Observation:
    """What the breakers look at, from SQL alone."""
    desk = state.current(operator=operator, mode=mode)
    # Without a mark of now there is no equity to compare a loss with; staleness is then what speaks.
    pnl = performance.daily_realised_pnl(operator=operator, mode=mode, at=at) if marked.mark else ZERO
    # Just stale counts as stale: the first round must already step down.
    stale_s = max((at - stale_since).total_seconds(), 0.001) if stale_since else 0.0
    return Observation(
        at=at,
        state=TradingState(desk.state),
        cause_kind=desk.cause_kind,
        is_liquidating=desk.is_liquidating,
        points=equity.nav_points(operator=operator, mode=mode, since=desk.drawdown_from, at=at),
        equity=marked.mark.equity if marked.mark else ZERO,
        daily_realised_pnl=pnl,
        stale_s=stale_s,
        stale_what=", ".join(marked.stale_what),
        unexplained_quote=marked.unexplained_quote,
        jumps=marked.jumps,
    )


def standing_trip(*, operator: Operator, mode: str, at: datetime) -> Trip | None:
    """What would trip again at once if the desk were ACTIVE now: the day's loss. Resuming would be undone within seconds."""
    worth = equity.standing(operator=operator, mode=mode, since=None, at=at).equity
    pnl = performance.daily_realised_pnl(operator=operator, mode=mode, at=at)
    seen = Observation(
        at=at,
        state=TradingState.ACTIVE,
        cause_kind="",
        is_liquidating=False,
        points=(),
        equity=worth,
        daily_realised_pnl=pnl,
        stale_s=0.0,
    )
    return breakers.evaluate(seen, limits=for_profile(operator.risk_profile)) if worth > 0 else None


def _act(trip: Trip, *, operator: Operator, mode: str, at: datetime) -> None:
    if trip.action is Action.LIQUIDATE:
        state.begin_liquidation(operator=operator, mode=mode, cause=trip.cause, kind=trip.kind, at=at)
    elif trip.action is Action.RECOVER:
        state.recover(operator=operator, mode=mode, cause=trip.cause, at=at)
    else:
        target = TradingState.HALTED if trip.action is Action.HALT else TradingState.REDUCING
        state.set_state(operator=operator, mode=mode, state=target, cause=trip.cause, kind=trip.kind, at=at)
