"""Why the desk's trades of a strategy earned what they did and not what a backtest of the same time says: gathers both, compares them.

The backtest is the kernel over the candles of the period, with the desk's own fees, limits, equity and instruments. The comparison
itself is `trading/accounting/drift.py`; here the single trades get the desk's own reasons.
"""

from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass, replace
from datetime import datetime, timedelta
from typing import TYPE_CHECKING

from trading.accounting.drift import Difference, Drift, Trade, compare
from trading.errors import InvalidValueError, TradingError
from trading.models import Decision, EquityMark, Event, Instrument, Operator
from trading.services import drift_trades
from trading.services import strategies as pages
from trading.services.bench import Bench
from trading.services.drift_bench import open_bench
from trading.types import Mode, TradingState
from trading.types.research import TIMEFRAME_S

if TYPE_CHECKING:
    from django.db.models import QuerySet

_STATE_EVENTS = ("state.changed", "breaker.tripped")
_LONGEST_REASON = 160


class NothingToCompareError(TradingError):
    """The desk decided nothing for the strategy in the period; the message says where there is something."""


@dataclass(frozen=True, slots=True, kw_only=True)
class DriftRequest:
    """`timeframe` empty: the one the decisions name, else the page's first. `slippage_bps` is what the backtest assumes per fill."""

    strategy: str
    mode: Mode
    since: datetime
    until: datetime
    timeframe: str = ""
    slippage_bps: float = 2.0


@dataclass(frozen=True, slots=True, kw_only=True)
class DriftReport:
    """`notes` are what a reader must know, in words."""

    request: DriftRequest
    timeframe: str
    instruments: tuple[str, ...]
    quote: str
    drift: Drift
    notes: tuple[str, ...]


def strategies(*, mode: Mode, since: datetime, until: datetime) -> list[str]:
    """The strategies that the desk decided for in the period, in order of name; skills without an engine cannot be backtested."""
    rows = _decisions(mode=mode, since=since, until=until).exclude(skill_name="")
    known = {play.name for _, play in pages.all()}
    return sorted(known.intersection(rows.values_list("skill_name", flat=True)))


def first_decision_at(*, mode: Mode, strategy: str = "") -> datetime | None:
    """When the desk first decided for `strategy`, or for any; None when it never did."""
    rows = Decision.objects.filter(mode=mode).exclude(skill_name="")
    if strategy:
        rows = rows.filter(skill_name=strategy)
    return rows.order_by("opened_at").values_list("opened_at", flat=True).first()


def explain(request: DriftRequest) -> DriftReport:
    """The period's drift. Raises NothingToCompareError, MissingHistoryError with the command that brings candles, or another
    TradingError in one line.
    """
    decisions = list(
        _decisions(mode=request.mode, since=request.since, until=request.until)
        .filter(skill_name=request.strategy)
        .select_related("instrument__venue", "operator")
        .order_by("opened_at")
    )
    if not decisions:
        raise NothingToCompareError(_nothing(request))
    instruments = sorted({item.instrument for item in decisions}, key=str)
    bench = _bench(request, decisions=decisions, instruments=instruments)
    since_ms, until_ms = bench.period_ms
    markets, signals = bench.cut(bench.signals({}), since_ms=since_ms, until_ms=until_ms)
    run = bench.run(markets, signals)
    desk = [
        trade
        for instrument, bars in zip(instruments, markets, strict=True)
        for trade in drift_trades.of_desk(
            instrument=instrument,
            strategy=request.strategy,
            mode=request.mode,
            since=request.since,
            until=request.until,
            bars=bars,
        )
    ]
    step = timedelta(seconds=TIMEFRAME_S[bench.request.timeframe])
    found = compare(desk=desk, backtest=drift_trades.of_backtest(run, markets), step=step)
    return DriftReport(
        request=request,
        timeframe=bench.request.timeframe,
        instruments=tuple(str(instrument) for instrument in instruments),
        quote=instruments[0].quote,
        drift=with_reasons(found, decisions=decisions, mode=request.mode, step=step),
        notes=_notes(decisions, digest=bench.play.digest),
    )


def _bench(
    request: DriftRequest, *, decisions: Sequence[Decision], instruments: Sequence[Instrument]
) -> Bench:
    """The backtest's bars, costs and capital, as the desk had them; refuses what the desk cannot trade."""
    timeframe = request.timeframe or _timeframe(decisions)
    if timeframe and timeframe not in TIMEFRAME_S:
        raise InvalidValueError(f"timeframe {timeframe!r} is unknown; give one of: {', '.join(TIMEFRAME_S)}")
    operator = decisions[0].operator
    bench = open_bench(
        request.strategy,
        instruments=instruments,
        timeframe=timeframe,
        since=request.since,
        until=request.until,
        start_equity=_equity(operator, mode=request.mode, at=request.since),
        profile=operator.risk_profile,
        slippage_bps=request.slippage_bps,
    )
    if bench.strategy.is_pair:
        raise InvalidValueError(
            f"{request.strategy} trades a pair with a short leg; the desk cannot, so there is nothing to compare"
        )
    bench.refuse({})
    return bench


def with_reasons(found: Drift, *, decisions: Sequence[Decision], mode: Mode, step: timedelta) -> Drift:
    """The same differences; those of one side alone say why, as far as the desk's books tell."""
    mine = [item.desk for item in found.differences if item.desk]
    theirs = [item.backtest for item in found.differences if item.backtest]

    def told(item: Difference) -> Difference:
        if item.desk is None and item.backtest is not None:
            reason = _why_missed(item.backtest, decisions=decisions, desk=mine, mode=mode, step=step)
        elif item.backtest is None and item.desk is not None:
            reason = _why_extra(item.desk, backtest=theirs)
        else:
            return item
        return replace(item, reason=reason[:_LONGEST_REASON])

    return Drift(differences=tuple(told(item) for item in found.differences))


def _why_missed(
    trade: Trade, *, decisions: Sequence[Decision], desk: Sequence[Trade], mode: Mode, step: timedelta
) -> str:
    for decision in decisions:
        is_of_it = abs(drift_trades.signal_at(decision) - trade.signal_at) < step
        if is_of_it and str(decision.instrument) == trade.instrument:
            return f"{decision.status}: {decision.reason}" if decision.reason else decision.status
    last = Event.objects.filter(kind__in=_STATE_EVENTS, mode=mode, at__lte=trade.entry_at).last()
    if last is not None and last.payload.get("to") not in {None, TradingState.ACTIVE.value}:
        return f"the desk was {last.payload['to']}: {last.payload.get('cause', '')}"
    for held in desk:
        if held.instrument == trade.instrument and held.entry_at <= trade.signal_at < held.exit_at:
            return f"the desk still held what it bought at {held.entry_at:%Y-%m-%d %H:%M}"
    return "no decision was made: the desk was not running, or its scan did not see the signal"


def _why_extra(trade: Trade, *, backtest: Sequence[Trade]) -> str:
    for held in backtest:
        if held.instrument == trade.instrument and held.entry_at <= trade.signal_at < held.exit_at:
            return f"the backtest was still in its trade of {held.entry_at:%Y-%m-%d %H:%M}"
    return "the candles of the backtest give no entry at that close"


def _decisions(*, mode: Mode, since: datetime, until: datetime) -> "QuerySet[Decision]":
    return Decision.objects.filter(mode=mode, opened_at__gte=since, opened_at__lt=until)


def _timeframe(decisions: Sequence[Decision]) -> str:
    """What most of the decisions name; empty when none does."""
    named = Counter(str(item.market.get("signal", {}).get("timeframe", "")) for item in decisions)
    named.pop("", None)
    return named.most_common(1)[0][0] if named else ""


def _equity(operator: Operator, *, mode: Mode, at: datetime) -> float:
    """What the desk was worth when the period began, by its own marks: the last before, else the first after."""
    marks = EquityMark.objects.filter(operator=operator, mode=mode)
    mark = marks.filter(at__lte=at).order_by("-at").first() or marks.order_by("at").first()
    if mark is None or mark.equity <= 0:
        raise NothingToCompareError(
            "the desk's equity at that time is not known (no equity marks); it is marked while `guard_risk` runs"
        )
    return float(mark.equity)


def _notes(decisions: Sequence[Decision], *, digest: str) -> tuple[str, ...]:
    other = sum(1 for item in decisions if item.skill_hash and item.skill_hash != digest)
    if not other:
        return ()
    return (
        f"{other} of {len(decisions)} decisions were made by another version of the strategy's page; the backtest uses today's",
    )


def _nothing(request: DriftRequest) -> str:
    period = f"{request.since:%Y-%m-%d %H:%M} to {request.until:%Y-%m-%d %H:%M}"
    others = strategies(mode=request.mode, since=request.since, until=request.until)
    line = f"the {request.mode} desk decided nothing for {request.strategy} from {period}"
    if others:
        return f"{line}; in that time it did for: {', '.join(others)}"
    first = first_decision_at(mode=request.mode, strategy=request.strategy)
    if first is not None:
        return f"{line}; its first decision was on {first:%Y-%m-%d %H:%M}: give that as --from"
    return f"{line}, nor ever; switch it on (NEURATRADE_STRATEGIES), or play it over history with `neuratrade rehearse`"
