"""A trigger fired: looks once more with fresh eyes and, if the setup is still there and tradable, puts it up for debate."""

from dataclasses import dataclass
from datetime import datetime

from quests import sight
from quests.protocols import RunContext
from quests.types import Cadence, JobKind, Opportunity, Outcome
from trading.encoding import encode

# The woken run may have waited; a setup this old is history.
MAX_TRIGGER_AGE_S = 120.0


@dataclass(frozen=True, slots=True)
class WeighSetup:
    cadence: Cadence = Cadence.EVENT
    job: JobKind = JobKind.MARKET_SCAN
    purpose: str = "puts what a trigger saw up for debate"

    def run(self, context: RunContext) -> Outcome:
        facts = context.facts
        venue, symbol = str(facts["venue"]), str(facts["symbol"])
        quote = sight.fresh_quote(venue=venue, symbol=symbol, at=context.at)
        if quote is None:
            return Outcome(summary=f"{venue} {symbol}: no fresh quote, so no debate")
        if quote.spread_bps > sight.MAX_SPREAD_BPS:
            return Outcome(summary=f"{venue} {symbol}: spread of {quote.spread_bps:.1f} bps is too wide")
        age_s = (context.at - datetime.fromisoformat(str(facts["at"]))).total_seconds()
        if age_s > MAX_TRIGGER_AGE_S:
            return Outcome(summary=f"{venue} {symbol}: the trigger fired {age_s:.0f} s ago, too long")
        why = f"{facts['trigger']} at {facts['value']} ({facts['unit']}; fires at {facts['threshold']})"
        opportunity = Opportunity(
            venue=venue,
            symbol=symbol,
            score=1.0,
            skill_name=str(facts["skill_name"]),
            why=why,
            market={
                "quote": encode(quote),
                "spread_bps": str(round(quote.spread_bps, 3)),
                "trigger": dict(facts),
            },
        )
        return Outcome(summary=f"{venue} {symbol}: {why}", opportunities=(opportunity,))


QUEST = WeighSetup()
