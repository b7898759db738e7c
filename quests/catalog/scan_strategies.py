"""Asks the strategies that are switched on (NEURATRADE_STRATEGIES) about every watched instrument, at the newest close of its bars.

An entry signal is put up for debate with the strategy's version and its proposed stop, target and holding time; debate and gate decide as
about any other idea. First it looks after the positions that strategies opened. What may not run says why in the result.
"""

import math
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from quests import sight
from quests.protocols import RunContext
from quests.types import Cadence, JobKind, Opportunity, Outcome
from trading.encoding import encode
from trading.errors import InvalidValueError
from trading.models import Decision, Instrument
from trading.services import live_strategies, strategy_exits
from trading.services.live_strategies import LiveStrategy, Look, as_text
from trading.types import Mode, Quote

# The longest a plan may hold (agents/answers.py says the same to models).
MAX_HOLD_S = 86_400


@dataclass(frozen=True, slots=True)
class ScanStrategies:
    cadence: Cadence = Cadence.MICRO
    job: JobKind = JobKind.MARKET_SCAN
    purpose: str = "asks the strategies that are switched on, and follows the positions they opened"

    def run(self, context: RunContext) -> Outcome:
        followed = strategy_exits.follow(mode=context.account_mode, at=context.at)
        seen: dict[str, Any] = {}
        opportunities: list[Opportunity] = []
        for entry in live_strategies.switched_on():
            try:
                live = live_strategies.open_one(entry)
            except InvalidValueError as error:
                seen[entry] = {"objection": str(error)}
                continue
            notes: dict[str, str] = {}
            for name, found in _scan(live, mode=context.account_mode, at=context.at):
                notes[name] = found if isinstance(found, str) else found.why
                opportunities += [] if isinstance(found, str) else [found]
            seen[entry] = notes
        return Outcome(
            summary=_summary(seen, entries=len(opportunities), followed=len(followed)),
            result={"seen": seen, "followed": {each.name: each.note for each in followed}},
            opportunities=tuple(opportunities),
        )


def _summary(seen: Mapping[str, Mapping[str, str]], *, entries: int, followed: int) -> str:
    """One line: how many were asked, and of each that may not run at all, why."""
    asked = f"{len(seen)} strategies asked, {entries} entries" if seen else "no strategy is switched on"
    refused = [f"{entry}: {notes['objection']}" for entry, notes in seen.items() if "objection" in notes]
    return "; ".join((asked, f"{followed} positions followed", *refused))


def _scan(live: LiveStrategy, *, mode: Mode, at: datetime) -> Iterator[tuple[str, Opportunity | str]]:
    """Per watched instrument the opportunity, or why there is none."""
    most = int(live.values.get("max_open_positions", 0))
    if most and live_strategies.held_by(live.play.name, mode=mode) >= most:
        yield "everywhere", f"{most} positions of it are open already"
        return
    for instrument in sight.watched_instruments():
        name = f"{instrument.venue.name} {instrument.symbol}"
        try:
            yield name, _look(live, instrument=instrument, at=at)
        except InvalidValueError as error:
            yield name, str(error)


def _look(live: LiveStrategy, *, instrument: Instrument, at: datetime) -> Opportunity | str:
    quote = sight.fresh_quote(venue=instrument.venue.name, symbol=instrument.symbol, at=at)
    if quote is None:
        return "no fresh quote"
    if quote.spread_bps > sight.MAX_SPREAD_BPS:
        return f"spread of {quote.spread_bps:.1f} bps is above {sight.MAX_SPREAD_BPS}"
    objection = live_strategies.objection(live, instrument=instrument, quote=quote)
    if objection:
        return objection
    look = live_strategies.look(live, instrument=instrument, at=at)
    if not look.said("enter") or look.said("exit"):
        return "no entry"
    if Decision.objects.filter(
        instrument=instrument, skill_name=live.play.name, opened_at__gte=look.closed_at
    ).exists():
        return f"its signal of {look.closed_at:%H:%M} was put up already"
    return _opportunity(live, look, instrument=instrument, quote=quote)


def _opportunity(live: LiveStrategy, look: Look, *, instrument: Instrument, quote: Quote) -> Opportunity:
    stop, target = look.said("stop_ratio"), look.said("target_ratio")
    hold_s = min(look.signals.max_hold_bars * look.bars.step_ms // 1000 or MAX_HOLD_S, MAX_HOLD_S)
    trailing = look.said("trailing_ratio")
    return Opportunity(
        venue=instrument.venue.name,
        symbol=instrument.symbol,
        score=_score(stop=stop, target=target, quote=quote, fee=float(instrument.taker_fee_ratio)),
        skill_name=live.play.name,
        skill_hash=live.play.digest,
        why=f"{live.play.name} said buy at the {live.timeframe} close of {look.closed_at:%Y-%m-%d %H:%M} UTC",
        market={
            "quote": encode(quote),
            "spread_bps": str(round(quote.spread_bps, 3)),
            "signal": {
                "engine": live.engine.name,
                "timeframe": live.timeframe,
                "closed_at": look.closed_at.isoformat(),
                "close": as_text(float(look.bars.close[-1])),
            },
            "proposal": {
                "stop_ratio": as_text(stop),
                **({} if math.isnan(target) else {"target_ratio": as_text(target)}),
                **({} if math.isnan(trailing) else {"trailing_ratio": as_text(trailing)}),
                "max_hold_s": hold_s,
                "confidence_ratio": as_text(look.said("confidence_ratio")),
            },
            "parameters": {name: as_text(value) for name, value in live.values.items()},
        },
    )


def _score(*, stop: float, target: float, quote: Quote, fee: float) -> float:
    """What a win brings for what a loss costs, both after fees and spread; it only ranks."""
    costs = 2 * fee + float(quote.spread_bps) / 10_000
    return 1.0 if math.isnan(target) else (target - costs) / (stop + costs)


QUEST = ScanStrategies()
