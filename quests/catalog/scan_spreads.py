"""Compares what the same pair costs at two venues, net of both taker fees: buy at the lower ask, sell at the higher bid.

Most of the time there is nothing left after fees, and then that is the result: the widest gaps seen, and what they lacked.
"""

from collections import defaultdict
from collections.abc import Mapping
from dataclasses import dataclass
from decimal import Decimal
from itertools import permutations
from typing import Any

from quests import sight
from quests.protocols import RunContext
from quests.types import Cadence, JobKind, Opportunity, Outcome
from trading.encoding import encode
from trading.models import Instrument
from trading.types import Quote

# What prices usually move against us between seeing the gap and both fills.
SLIPPAGE_RESERVE_BPS = Decimal(3)
SKILL = "cross-venue-spread"


@dataclass(frozen=True, slots=True, kw_only=True)
class Edge:
    """Buying on one venue and selling on the other, in basis points of the buying price."""

    gross_bps: Decimal
    fees_bps: Decimal

    @property
    def net_bps(self) -> Decimal:
        return self.gross_bps - self.fees_bps - SLIPPAGE_RESERVE_BPS


def edge(buy: Quote, sell: Quote, *, buy_fee_ratio: Decimal, sell_fee_ratio: Decimal) -> Edge:
    """The edge of buying at `buy.ask` and selling at `sell.bid`; the selling fee is paid on the selling price."""
    ratio = sell.bid / buy.ask
    return Edge(gross_bps=(ratio - 1) * 10_000, fees_bps=(buy_fee_ratio + sell_fee_ratio * ratio) * 10_000)


Seen = tuple[Instrument, Quote]


@dataclass(frozen=True, slots=True)
class ScanSpreads:
    cadence: Cadence = Cadence.MICRO
    job: JobKind = JobKind.MARKET_SCAN
    purpose: str = "compares the same pair across venues, net of fees"

    def run(self, context: RunContext) -> Outcome:
        seen: dict[str, Any] = {}
        opportunities: list[Opportunity] = []
        for symbol, quotes in _fresh_quotes(context).items():
            best = _best(quotes)
            if best is None:
                continue
            buy, sell, gap = best
            seen[symbol] = _figures(buy, sell, gap)
            if gap.net_bps > 0:
                opportunities.append(_opportunity(buy, sell, gap))
        summary = f"{len(seen)} pairs compared, {len(opportunities)} with an edge after fees"
        return Outcome(summary=summary, result={"seen": seen}, opportunities=tuple(opportunities))


def _fresh_quotes(context: RunContext) -> Mapping[str, list[Seen]]:
    quotes: dict[str, list[Seen]] = defaultdict(list)
    for instrument in sight.watched_instruments():
        quote = sight.fresh_quote(venue=instrument.venue.name, symbol=instrument.symbol, at=context.at)
        if quote is not None:
            quotes[instrument.symbol].append((instrument, quote))
    return quotes


def _best(quotes: list[Seen]) -> tuple[Seen, Seen, Edge] | None:
    """The pair of venues with the most left after fees; None with fewer than two."""
    pairs = [
        (
            buy,
            sell,
            edge(
                buy[1],
                sell[1],
                buy_fee_ratio=buy[0].taker_fee_ratio,
                sell_fee_ratio=sell[0].taker_fee_ratio,
            ),
        )
        for buy, sell in permutations(quotes, 2)
    ]
    return max(pairs, key=lambda pair: pair[2].net_bps, default=None)


def _figures(buy: Seen, sell: Seen, gap: Edge) -> dict[str, str]:
    return {
        "buy_at": buy[0].venue.name,
        "ask": format(buy[1].ask, "f"),
        "sell_at": sell[0].venue.name,
        "bid": format(sell[1].bid, "f"),
        "gross_bps": f"{gap.gross_bps:.2f}",
        "fees_bps": f"{gap.fees_bps:.2f}",
        "net_bps": f"{gap.net_bps:.2f}",
    }


def _opportunity(buy: Seen, sell: Seen, gap: Edge) -> Opportunity:
    instrument, quote = buy
    return Opportunity(
        venue=instrument.venue.name,
        symbol=instrument.symbol,
        score=float(gap.net_bps),
        skill_name=SKILL,
        why=f"{gap.net_bps:.1f} bps below {sell[0].venue.name} after fees and slippage",
        market={
            "quote": encode(quote),
            "other_quote": encode(sell[1]),
            "spread_bps": str(round(quote.spread_bps, 3)),
            "indicators": _figures(buy, sell, gap),
        },
    )


QUEST = ScanSpreads()
