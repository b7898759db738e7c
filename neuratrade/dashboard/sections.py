"""Reads what the page shows, section by section, as JSON-able values: money as text, times as ISO."""

from collections.abc import Callable
from datetime import datetime, timedelta
from decimal import Decimal
from functools import lru_cache
from typing import Any
from uuid import UUID

from django.conf import settings

from agents.services import budget
from agents.services.transcript import transcript
from quests.models import Run
from trading.errors import StaleDataError
from trading.models import Decision, EquityMark, Event, Heartbeat, Operator, Order, Position
from trading.services import decisions, market, performance, state
from trading.types import ONE, ZERO, OrderType, round_down

DECISIONS_SHOWN = 8
ORDERS_SHOWN = 12
RUNS_SHOWN = 8
EVENTS_SHOWN = 40
CURVE_POINTS = 400
LONGEST_VALUE = 32  # leaves out ids and digests: the explorer has them
CURVE_SPAN = timedelta(hours=24)

Section = Callable[[Operator, datetime], Any]


def read_all(*, at: datetime) -> dict[str, Any]:
    """Every section by name; an empty dict before the desk was prepared (no operator yet)."""
    operator = Operator.objects.order_by("id").first()
    if operator is None:
        return {}
    return {name: read(operator, at) for name, read in _SECTIONS.items()}


def _desk(operator: Operator, at: datetime) -> dict[str, Any]:
    row = state.current(operator=operator, mode=settings.MODE)
    return {
        "mode": settings.MODE,
        "state": row.state,
        "cause": row.cause,
        "is_liquidating": row.is_liquidating,
        "is_watched": row.ok_until is not None and row.ok_until > at,
    }


def _marks(operator: Operator, at: datetime) -> Any:
    return EquityMark.objects.filter(operator=operator, mode=settings.MODE, at__gt=at - CURVE_SPAN)


def _equity(operator: Operator, at: datetime) -> dict[str, Any]:
    last = _marks(operator, at).order_by("-at").first()
    peak = max((nav for nav in _marks(operator, at).values_list("nav", flat=True)), default=ZERO)
    drawdown = ONE - last.nav / peak if last and peak > 0 else ZERO
    return {
        "now": _optional(last and last.equity),
        "cash": _optional(last and last.cash),
        "unrealised_pnl": _optional(last and last.unrealised_pnl),
        "day_pnl": _text(performance.daily_realised_pnl(operator=operator, mode=settings.MODE, at=at)),
        "drawdown_ratio": _text(round(drawdown, 6)),
        "ai_cost_today": _text(budget.spend(at=at).today),
    }


def _curve(operator: Operator, at: datetime) -> list[list[float]]:
    """At most CURVE_POINTS pairs of epoch milliseconds and equity; the newest mark is always among them."""
    points = list(_marks(operator, at).order_by("at").values_list("at", "equity"))
    stride = max(1, -(-len(points) // CURVE_POINTS))
    kept = points[::-1][::stride][::-1]
    return [[round(mark_at.timestamp() * 1000), round(float(equity), 4)] for mark_at, equity in kept]


def _positions(operator: Operator, at: datetime) -> list[dict[str, Any]]:
    rows = Position.objects.filter(account__operator=operator, account__mode=settings.MODE).select_related(
        "instrument__venue"
    )
    return [_position(row) for row in rows if row.size_base >= row.instrument.dust_base]


def _position(row: Position) -> dict[str, Any]:
    mark = _bid(venue=row.instrument.venue.name, symbol=row.instrument.symbol)
    return {
        "venue": row.instrument.venue.name,
        "symbol": row.instrument.symbol,
        "size": _text(row.size_base),
        "average_cost": _text(round_down(row.average_cost, step=row.instrument.price_tick)),
        "mark": _optional(mark),
        "pnl": _text(round((mark - row.average_cost) * row.size_base, 4)) if mark is not None else None,
        "stop": _text(row.stop_price)
        if row.stop_price is not None and row.unprotected_since is None
        else None,
        "target": _optional(row.target_price),
    }


def _bid(*, venue: str, symbol: str) -> Decimal | None:
    try:
        quote = market.latest_quote(venue=venue, symbol=symbol)
    except StaleDataError:
        return None
    return quote.bid if quote else None


def _orders(operator: Operator, at: datetime) -> list[dict[str, Any]]:
    rows = Order.objects.filter(account__operator=operator, mode=settings.MODE).select_related(
        "instrument__venue"
    )
    return [
        {
            "id": str(row.id),
            "at": row.created_at.isoformat(),
            "venue": row.instrument.venue.name,
            "symbol": row.instrument.symbol,
            "purpose": row.purpose,
            "side": row.side,
            "size": _text(row.size_base),
            "price": _optional(row.stop_price if row.type == OrderType.STOP else row.price_bound),
            "state": row.state,
        }
        for row in rows[:ORDERS_SHOWN]
    ]


def _decisions(operator: Operator, at: datetime) -> list[dict[str, Any]]:
    rows = Decision.objects.filter(operator=operator, mode=settings.MODE).select_related("instrument__venue")
    return [
        {
            "id": str(row.id),
            "at": row.opened_at.isoformat(),
            "status": row.status,
            "venue": row.instrument.venue.name,
            "symbol": row.instrument.symbol,
            "source": row.source,
            "reason": row.reason,
            "debate": _debate(row),
        }
        for row in rows[:DECISIONS_SHOWN]
    ]


def _debate(decision: Decision) -> list[dict[str, Any]]:
    """Who said what; an ended debate never changes, so it is read once."""
    if decision.status in decisions.OPEN_STATUSES:
        return _turns(decision.id)
    return _ended_turns(decision.id)


def _turns(decision_id: UUID) -> list[dict[str, Any]]:
    return [_turn(turn) for turn in transcript(decision_id)["debate"]]


_ended_turns = lru_cache(maxsize=4 * DECISIONS_SHOWN)(_turns)


def _turn(turn: dict[str, Any]) -> dict[str, Any]:
    claims = [
        {"evidence": claim["evidence_id"], "field": claim["field"], "value": str(claim["value"])}
        for claim in turn.get("claims") or []
    ]
    return {
        "role": turn["role"],
        "label": turn.get("label") or turn.get("model", ""),
        "words": turn["words"],
        "claims": claims,
    }


def _streams(operator: Operator, at: datetime) -> list[dict[str, Any]]:
    try:
        streams = market.stream_health(at=at)
    except StaleDataError:
        return []
    return [
        {
            "venue": stream.venue,
            "symbol": stream.symbol,
            "age_s": None if stream.age_s is None else round(stream.age_s, 1),
            "is_fresh": stream.is_fresh,
            "source": str(stream.source),
            "messages_per_s": round(stream.messages_per_s),
        }
        for stream in streams
    ]


def _quests(operator: Operator, at: datetime) -> list[dict[str, Any]]:
    return [
        {
            "name": run.quest.name,
            "cadence": run.quest.cadence,
            "at": run.created_at.isoformat(),
            "status": run.status,
            "summary": run.note,
        }
        for run in Run.objects.select_related("quest").order_by("-created_at", "-id")[:RUNS_SHOWN]
    ]


def _processes(operator: Operator, at: datetime) -> list[dict[str, Any]]:
    return [
        {"name": row.process, "doing": row.doing, "age_s": round(max((at - row.beat_at).total_seconds(), 0))}
        for row in Heartbeat.objects.order_by("process")
    ]


def _events(operator: Operator, at: datetime) -> list[dict[str, Any]]:
    rows = Event.objects.filter(mode=settings.MODE).order_by("-id")[:EVENTS_SHOWN]
    return [{"id": row.id, "at": row.at.isoformat(), "text": _sentence(row)} for row in rows]


def _sentence(event: Event) -> str:
    """One line: what happened, to which decision, with the few short values a person would read."""
    values = [
        f"{key} {value}"
        for key, value in event.payload.items()
        if isinstance(value, str | int) and 0 < len(str(value)) <= LONGEST_VALUE
    ]
    return " · ".join([event.kind, *([event.decision_id.hex[:8]] if event.decision_id else []), *values[:4]])


def _text(value: Decimal) -> str:
    return format(value.normalize(), "f")


def _optional(value: Decimal | None) -> str | None:
    return None if value is None else _text(value)


_SECTIONS: dict[str, Section] = {
    "desk": _desk,
    "equity": _equity,
    "curve": _curve,
    "positions": _positions,
    "orders": _orders,
    "decisions": _decisions,
    "streams": _streams,
    "quests": _quests,
    "processes": _processes,
    "events": _events,
}
