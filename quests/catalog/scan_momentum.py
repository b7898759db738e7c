"""Looks for instruments that drift upwards more steadily than noise would, and far enough to pay their own costs.

The drift's strength is the t-statistic of the mean log return, mean / (standard deviation / sqrt(n)), over the last half
hour: under no drift it exceeds 1 about one time in six. It only ranks what is worth a debate; it is no signal to trade.
"""

import math
import statistics
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from quests import sight
from quests.errors import NoMarketError
from quests.protocols import RunContext
from quests.types import Cadence, JobKind, Opportunity, Outcome
from trading import indicators
from trading.encoding import encode
from trading.models import Instrument
from trading.services import market
from trading.types import Candle, Quote

BARS = 30
# Wilder's RSI remembers far back; with fewer bars its value would depend on where we began to look.
BARS_READ = 120
MIN_DRIFT_T = 1.0
# Above it the rise has mostly happened.
MAX_RSI = 70.0
# A move is expected over this many 1m bars, growing with the square root of time.
HORIZON_BARS = 60
SKILL = "momentum-scan"
_NO_QUOTE = {"objection": "no fresh quote"}


@dataclass(frozen=True, slots=True, kw_only=True)
class Momentum:
    """Over closed 1m bars; `drift_t` has no unit, `cost_bps` is a round trip as taker plus the spread."""

    drift_t: float
    rsi_14: float
    change_bps: float
    expected_move_bps: float
    volume_ratio: float
    spread_bps: float
    cost_bps: float

    @property
    def objection(self) -> str:
        """Why this is not worth a debate; empty when it is."""
        if self.spread_bps > sight.MAX_SPREAD_BPS:
            return f"spread of {self.spread_bps:.1f} bps is above {sight.MAX_SPREAD_BPS}"
        if self.drift_t < MIN_DRIFT_T:
            return f"drift of {self.drift_t:.2f} is below {MIN_DRIFT_T}"
        if self.rsi_14 > MAX_RSI:
            return f"RSI of {self.rsi_14:.0f} is above {MAX_RSI:.0f}: too late"
        if self.expected_move_bps <= self.cost_bps:
            return f"an expected move of {self.expected_move_bps:.1f} bps does not pay {self.cost_bps:.1f} bps of costs"
        return ""

    def as_indicators(self) -> dict[str, float]:
        return {
            "drift_t": round(self.drift_t, 3),
            "rsi_14": round(self.rsi_14, 2),
            "change_bps": round(self.change_bps, 2),
            "expected_move_bps": round(self.expected_move_bps, 2),
            "volume_ratio": round(self.volume_ratio, 3),
            "spread_bps": round(self.spread_bps, 3),
            "cost_bps": round(self.cost_bps, 2),
        }


def measure(candles: Sequence[Candle], quote: Quote, *, taker_fee_ratio: float) -> Momentum | None:
    """None with fewer than BARS + 1 closed bars, or when the price did not move at all."""
    bars = candles[-(BARS + 1) :]
    if len(bars) < BARS + 1:
        return None
    closes = [float(bar.close) for bar in bars]
    returns = [math.log(after / before) for before, after in zip(closes, closes[1:], strict=False)]
    deviation = statistics.stdev(returns)
    if deviation == 0:
        return None
    volumes = [float(bar.volume_base) for bar in bars]
    usual = statistics.fmean(volumes[:-5])
    spread_bps = float(quote.spread_bps)
    return Momentum(
        rsi_14=float(indicators.rsi([float(bar.close) for bar in candles])[-1]),
        drift_t=statistics.fmean(returns) / deviation * math.sqrt(len(returns)),
        change_bps=(closes[-1] / closes[0] - 1) * 1e4,
        expected_move_bps=deviation * math.sqrt(HORIZON_BARS) * 1e4,
        volume_ratio=statistics.fmean(volumes[-5:]) / usual if usual else 0.0,
        spread_bps=spread_bps,
        cost_bps=2 * taker_fee_ratio * 1e4 + spread_bps,
    )


@dataclass(frozen=True, slots=True)
class ScanMomentum:
    cadence: Cadence = Cadence.MICRO
    job: JobKind = JobKind.MARKET_SCAN
    purpose: str = "finds instruments that rise steadily enough to be worth a debate"

    def run(self, context: RunContext) -> Outcome:
        seen: dict[str, Any] = {}
        opportunities: list[Opportunity] = []
        for instrument in sight.watched_instruments():
            found, note = look(instrument, at=context.at)
            seen[f"{instrument.venue.name} {instrument.symbol}"] = note
            if found is not None:
                opportunities.append(found)
        if seen and all(note == _NO_QUOTE for note in seen.values()):
            raise NoMarketError(f"none of {len(seen)} instruments has a fresh quote")
        summary = f"{len(seen)} instruments scanned, {len(opportunities)} worth a debate"
        return Outcome(summary=summary, result={"seen": seen}, opportunities=tuple(opportunities))


def look(instrument: Instrument, *, at: datetime) -> tuple[Opportunity | None, Mapping[str, Any]]:
    """The opportunity, if there is one, and what was seen. Raises StaleDataError when Redis is away."""
    quote = sight.fresh_quote(venue=instrument.venue.name, symbol=instrument.symbol, at=at)
    if quote is None:
        return None, _NO_QUOTE
    candles = market.candles(instrument=instrument, timeframe="1m", before=at, limit=BARS_READ)
    momentum = measure(candles, quote, taker_fee_ratio=float(instrument.taker_fee_ratio))
    if momentum is None:
        return None, {"objection": f"needs {BARS + 1} closed 1m candles that move, has {len(candles)}"}
    figures = momentum.as_indicators()
    if momentum.objection:
        return None, {**figures, "objection": momentum.objection}
    opportunity = Opportunity(
        venue=instrument.venue.name,
        symbol=instrument.symbol,
        score=momentum.drift_t,
        skill_name=SKILL,
        why=f"rose {momentum.change_bps:.0f} bps in {BARS} minutes with a drift of {momentum.drift_t:.2f}",
        market={
            "quote": encode(quote),
            "spread_bps": str(round(quote.spread_bps, 3)),
            "indicators": figures,
        },
    )
    return opportunity, figures


QUEST = ScanMomentum()
