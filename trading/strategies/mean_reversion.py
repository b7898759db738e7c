"""Buys an oversold market that has stopped falling, and leaves at the middle band (Bollinger bands and Wilder's RSI). Long only.

Oversold: a close below the lower band with a low RSI. Stopped: the next bar closes above that close and above its own middle. No
entry into a falling knife: a fall of many ATRs, a sell-off on heavy volume that closed at its low, or bad news where known.
"""

from collections.abc import Collection, Mapping, Sequence

import numpy as np

from trading.protocols import IndicatorProvider
from trading.types.columns import always, before, clearly_below, was
from trading.types.research import Bars, BoolArray, FloatArray, MarketTerms, Signals

# Wilder's average forgets its seed by (1 - 1/n) a bar: after 20 n bars less than 1e-8 of it is left.
FORGETS = 20
# A bar that closed in the lowest quarter of its range found no buyer.
_AT_ITS_LOW = 0.25


class MeanReversion:
    name = "mean-reversion"
    features: tuple[str, ...] = ()
    optional_features: tuple[str, ...] = ("sentiment",)
    is_pair = False

    def warmup_bars(self, parameters: Mapping[str, float]) -> int:
        p = parameters
        remembered = FORGETS * max(p["rsi_period"], p["atr_period"])
        return int(max(remembered, p["band_period"], p["knife_bars"])) + 2

    def signals(
        self, bars: Bars, *, parameters: Mapping[str, float], indicators: IndicatorProvider
    ) -> Signals:
        p, close = parameters, bars.close
        _, middle, lower = indicators.bollinger(
            close, period=int(p["band_period"]), deviations=p["band_deviations"]
        )
        rsi = indicators.rsi(close, period=int(p["rsi_period"]))
        atr_ratio = indicators.atr(bars.high, bars.low, close, period=int(p["atr_period"])) / close
        oversold = clearly_below(close, lower) & (rsi < p["rsi_below"])
        steady = (close > before(close)) & (close >= (bars.high + bars.low) / 2)
        leave = ~clearly_below(close, middle) & np.isfinite(middle)
        knife = _is_knife(bars, p, atr_ratio=atr_ratio, indicators=indicators)
        return Signals(
            enter=was(oversold) & steady & (atr_ratio > 0) & ~knife & ~leave,
            exit=leave,
            stop_ratio=p["stop_atr"] * atr_ratio,
            target_ratio=p["target_atr"] * atr_ratio,
            trailing_ratio=always(np.nan),
            confidence_ratio=always(p["confidence_ratio"]),
            max_hold_bars=int(p["max_hold_bars"]),
        )

    def objection(self, parameters: Mapping[str, float], *, terms: Sequence[MarketTerms]) -> str:
        return ""

    def remarks(
        self, parameters: Mapping[str, float], *, terms: Sequence[MarketTerms], features: Collection[str]
    ) -> tuple[str, ...]:
        if "sentiment" in features:
            return ()
        return ("no sentiment is known here: falling knives are told by price and volume alone",)


def _is_knife(
    bars: Bars, p: Mapping[str, float], *, atr_ratio: FloatArray, indicators: IndicatorProvider
) -> BoolArray:
    """Where a low price is no bargain. Unknown sentiment (NaN) says nothing, for or against."""
    deepest = before(bars.close, bars=int(p["knife_bars"])) * (1 - p["knife_atr"] * atr_ratio)
    usual = indicators.sma(bars.volume_base, period=int(p["band_period"]))
    dumped = (bars.volume_base > p["knife_volume"] * usual) & (
        bars.close <= bars.low + _AT_ITS_LOW * (bars.high - bars.low)
    )
    knife = (bars.close < deepest) | was(dumped)
    sentiment = bars.features.get("sentiment")
    return knife if sentiment is None else knife | (sentiment < p["sentiment_least"])


STRATEGY = MeanReversion()
