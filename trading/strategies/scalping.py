"""Takes a small, quick rebound on 1m bars: bullish RSI divergence, confirmed by volume, and by the book where it is known. Long only.

Divergence: the price made a lower low than any pivot since a first one, while the RSI is higher than it was there. A low is a pivot when no low of the `pivot_bars` bars on either
side lies below it; so it is known only that many bars later, and only then acted on.

Break-even: with stop s, target t and costs c of a round trip (two taker fees, slippage both ways), all as parts of the price, a win
gains t - c and a loss costs s + c. The win rate w that neither wins nor loses solves w (t - c) = (1 - w) (s + c):

    w = (s + c) / (s + t)

At t <= c even a win loses: w >= 1. There the strategy refuses to run.
"""

from collections.abc import Collection, Mapping, Sequence

import numpy as np

from trading.errors import InvalidValueError
from trading.protocols import IndicatorProvider
from trading.types.columns import always, before, clearly_below
from trading.types.research import Bars, BoolArray, FloatArray, MarketTerms, Signals

# See mean reversion: after 20 n bars Wilder's average has forgotten where it began.
FORGETS = 20
BOOK = "bid_share_ratio"


class Scalping:
    name = "scalping"
    features: tuple[str, ...] = ()
    optional_features: tuple[str, ...] = (BOOK,)
    is_pair = False

    def warmup_bars(self, parameters: Mapping[str, float]) -> int:
        p = parameters
        seen = p["divergence_bars"] + 3 * p["pivot_bars"]
        return int(max(FORGETS * p["rsi_period"] + seen, p["volume_bars"])) + 2

    def signals(
        self, bars: Bars, *, parameters: Mapping[str, float], indicators: IndicatorProvider
    ) -> Signals:
        p = parameters
        if bars.timeframe != "1m":
            raise InvalidValueError(
                f"{self.name} reads bars of 1m, not {bars.timeframe}: it holds for minutes"
            )
        rsi = indicators.rsi(bars.close, period=int(p["rsi_period"]))
        usual = before(indicators.sma(bars.volume_base, period=int(p["volume_bars"])))
        enter = divergence(
            bars.low,
            rsi,
            pivot_bars=int(p["pivot_bars"]),
            within_bars=int(p["divergence_bars"]),
            rsi_below=p["rsi_below"],
        )
        enter &= (bars.volume_base >= p["volume_times"] * usual) & (usual > 0)
        if BOOK in bars.features:  # NaN, a book that was not seen, is no confirmation
            enter &= bars.features[BOOK] > p["bid_share_least"]
        leave = rsi > p["rsi_exit"]
        return Signals(
            enter=enter & ~leave,
            exit=leave,
            stop_ratio=always(p["stop_ratio"]),
            target_ratio=always(p["target_ratio"]),
            trailing_ratio=always(p["trailing_ratio"] or np.nan),
            confidence_ratio=always(p["confidence_ratio"]),
            max_hold_bars=int(p["max_hold_bars"]),
        )

    def objection(self, parameters: Mapping[str, float], *, terms: Sequence[MarketTerms]) -> str:
        for market in terms:
            if parameters["target_ratio"] <= market.round_trip_ratio:
                return (
                    f"it cannot win at {market.venue} {market.symbol}: the target of {parameters['target_ratio']:.3%} does "
                    f"not pay the costs of {market.round_trip_ratio:.3%} (two taker fees of {market.taker_fee_ratio:.3%}, "
                    f"slippage of {market.slippage_bps:.3g} bps a fill)"
                )
        return ""

    def remarks(
        self, parameters: Mapping[str, float], *, terms: Sequence[MarketTerms], features: Collection[str]
    ) -> tuple[str, ...]:
        said = [
            f"at {market.venue} {market.symbol} it needs a win rate above {break_even_ratio(parameters, terms=market):.1%} "
            f"to earn its costs of {market.round_trip_ratio:.3%} a round trip"
            for market in terms
        ]
        if BOOK not in features:
            said.append(
                f"no recorded books here: the rule that bids hold more than {parameters['bid_share_least']:.0%} of the near "
                "book is left out, so it enters more often than it would live"
            )
        return tuple(said)


def break_even_ratio(parameters: Mapping[str, float], *, terms: MarketTerms) -> float:
    """The win rate at which nothing is won or lost; 1 or more: it cannot win. The formula is derived at the top."""
    stop, target = parameters["stop_ratio"], parameters["target_ratio"]
    return (stop + terms.round_trip_ratio) / (stop + target)


def divergence(
    low: FloatArray, rsi: FloatArray, *, pivot_bars: int, within_bars: int, rsi_below: float
) -> BoolArray:
    """Where a bullish divergence becomes known: `pivot_bars` after its second low. Shape (n,).

    The second low lies below every pivot since the first, and the first at most `within_bars` before it.
    """
    found = np.zeros(low.shape, dtype=np.bool_)
    pivots = np.flatnonzero(_is_pivot(low, bars=pivot_bars))
    prices, strengths = low[pivots], rsi[pivots]
    diverges = np.zeros(pivots.shape, dtype=np.bool_)
    is_lowest = strengths < rsi_below
    for back in range(1, min(within_bars // (pivot_bars + 1) + 1, pivots.size)):
        is_lowest[back:] &= prices[back:] < prices[:-back]
        is_near = pivots[back:] - pivots[:-back] <= within_bars
        is_stronger = clearly_below(strengths[:-back], strengths[back:])
        diverges[back:] |= is_lowest[back:] & is_near & is_stronger
    found[pivots[diverges] + pivot_bars] = True
    return found


def _is_pivot(low: FloatArray, *, bars: int) -> BoolArray:
    """Lows with nothing as low in the `bars` before and nothing lower in the `bars` after; False where either side is cut off."""
    pivot = np.zeros(low.shape, dtype=np.bool_)
    if low.size <= 2 * bars:
        return pivot
    middle = low[bars : low.size - bars]
    inner = np.ones(middle.shape, dtype=np.bool_)
    for step in range(1, bars + 1):
        inner &= middle < low[bars - step : low.size - bars - step]
        inner &= middle <= low[bars + step : low.size - bars + step]
    pivot[bars : low.size - bars] = inner
    return pivot


STRATEGY = Scalping()
