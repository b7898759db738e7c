"""Looks after positions that a strategy opened: its exit signal ends their plan, its trailing stop moves theirs nearer.

Nothing is sent from here. The plan is changed (`replanning`), and protection carries it out by a signed reduce-only order. Stop, target and
holding time were set with the entry and need nobody. The numbers are those of the entry: a page edited since does not change them.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime
from decimal import Decimal

import numpy as np

from neuratrade.lib.clock import from_epoch_ms
from trading.models import Fill, Position
from trading.protocols import Strategy
from trading.services import live_strategies, market, protection, replanning, strategies
from trading.services.market_bars import TIMEFRAMES
from trading.types import Mode, Purpose
from trading.types.research import Bars


@dataclass(frozen=True, slots=True, kw_only=True)
class Followed:
    """What was done about one position, in words."""

    name: str
    note: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Origin:
    """What the entry's decision says about the strategy that asked for it (see the strategies' scan)."""

    engine: Strategy
    timeframe: str
    values: Mapping[str, float]
    trailing_ratio: float


def follow(*, mode: Mode, at: datetime) -> tuple[Followed, ...]:
    """Looks at every open position that a strategy opened."""
    rows = (
        Position.objects.filter(account__mode=mode)
        .exclude(opened_at=None)
        .select_related("instrument__venue", "decision", "account__venue", "account__operator")
    )
    found = []
    for position in rows:
        origin = origin_of(position)
        if origin is not None and not protection.is_left_over(position):
            note = _follow(position, origin=origin, at=at)
            found.append(Followed(name=f"{position.instrument}", note=note))
    return tuple(found)


def origin_of(position: Position) -> Origin | None:
    """The strategy behind a position; None when it was opened otherwise, or its engine is gone: then its plan alone guards it."""
    facts = position.decision.market if position.decision else {}
    signal, values = facts.get("signal", {}), facts.get("parameters", {})
    engine = strategies.engines().get(signal.get("engine", ""))
    if engine is None or signal.get("timeframe") not in TIMEFRAMES:
        return None
    return Origin(
        engine=engine,
        timeframe=signal["timeframe"],
        values={name: float(value) for name, value in values.items()},
        trailing_ratio=float(facts.get("proposal", {}).get("trailing_ratio", "nan")),
    )


def _follow(position: Position, *, origin: Origin, at: datetime) -> str:
    assert position.opened_at is not None
    bars = _bars_since(position, origin=origin, opened_at=position.opened_at, at=at)
    if bars is None:
        return "too few candles to look at"
    closes = bars.open_time_ms + bars.step_ms
    signals = live_strategies.say(origin.engine, bars, values=origin.values)
    said = np.flatnonzero(signals.exit & (closes > position.opened_at.timestamp() * 1000))
    if said.size:
        when = from_epoch_ms(int(closes[said[0]]))
        left = replanning.leave(position=position, reason=replanning.STRATEGY_LEAVES, at=at)
        return f"{origin.engine.name} left at the close of {when:%H:%M}" if left else "is being left"
    if not np.isnan(origin.trailing_ratio):
        return _trail(position, bars=bars, origin=origin, at=at)
    return "held"


def _bars_since(position: Position, *, origin: Origin, opened_at: datetime, at: datetime) -> Bars | None:
    """The warm-up and every bar since the entry; None when there are not that many."""
    length = TIMEFRAMES[origin.timeframe]
    needed = origin.engine.warmup_bars(origin.values) + 1
    candles = market.candles(
        instrument=position.instrument,
        timeframe=origin.timeframe,
        before=at,
        limit=needed + max(int((at - opened_at) / length), 0) + 1,
    )
    if len(candles) < needed:
        return None
    return live_strategies.bars_of(candles, instrument=position.instrument, timeframe=origin.timeframe)


def _trail(position: Position, *, bars: Bars, origin: Origin, at: datetime) -> str:
    """The stop follows the highest price of the bars completed since the entry; the entry's own price is the first."""
    assert position.opened_at is not None
    whole = bars.high[bars.open_time_ms >= position.opened_at.timestamp() * 1000]
    highest = max([_entry_price(position), *whole.tolist()])
    level = Decimal(str(highest * (1 - origin.trailing_ratio)))
    moved = replanning.tighten_stop(position=position, stop_price=level, at=at)
    return f"stop moved to {level:f}" if moved else "held"


def _entry_price(position: Position) -> float:
    fill = (
        Fill.objects.filter(order__decision=position.decision, order__purpose=Purpose.ENTRY)
        .order_by("executed_at", "id")
        .first()
    )
    return float(position.average_cost if fill is None else fill.price)
