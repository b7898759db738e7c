"""Rides a rise that the news supports: momentum in units of noise, weighted by sentiment. Long only.

Strength is the log return over n bars divided by what noise alone would move in n bars, ATR ratio x sqrt(n). The score is
strength x (1 + weight x sentiment), sentiment being a column from -1 to 1 that was known at the bar's close. Unknown sentiment: no entry.
"""

from collections.abc import Collection, Mapping, Sequence

import numpy as np

from trading.protocols import IndicatorProvider
from trading.types.columns import always, before, clearly_below, required
from trading.types.research import Bars, MarketTerms, Signals

# See mean reversion: after 20 n bars Wilder's average has forgotten where it began; an EMA is twice as fast.
FORGETS = 20


class SentimentMomentum:
    name = "sentiment-momentum"
    features: tuple[str, ...] = ("sentiment",)
    optional_features: tuple[str, ...] = ()
    is_pair = False

    def warmup_bars(self, parameters: Mapping[str, float]) -> int:
        p = parameters
        remembered = max(FORGETS * p["atr_period"], FORGETS // 2 * p["ema_slow"] + p["ema_slow"])
        return int(max(remembered, p["momentum_bars"])) + 2

    def signals(
        self, bars: Bars, *, parameters: Mapping[str, float], indicators: IndicatorProvider
    ) -> Signals:
        p, close = parameters, bars.close
        sentiment = required(bars, "sentiment", by=self.name)
        fast = indicators.ema(close, period=int(p["ema_fast"]))
        slow = indicators.ema(close, period=int(p["ema_slow"]))
        atr_ratio = indicators.atr(bars.high, bars.low, close, period=int(p["atr_period"])) / close
        length = int(p["momentum_bars"])
        moved = np.log(close / before(close, bars=length))
        noise = np.where(atr_ratio > 0, atr_ratio * np.sqrt(length), np.nan)
        score = moved / noise * (1 + p["sentiment_weight"] * sentiment)
        rises = (score >= p["enter_score"]) & clearly_below(slow, fast) & (sentiment >= p["sentiment_least"])
        leave = clearly_below(fast, slow) | (score < p["exit_score"]) | (sentiment < -p["sentiment_against"])
        return Signals(
            enter=rises & ~(before(score) >= p["enter_score"]) & np.isfinite(before(score)) & ~leave,
            exit=leave,
            stop_ratio=p["stop_atr"] * atr_ratio,
            target_ratio=p["target_atr"] * atr_ratio,
            trailing_ratio=always(np.nan),
            confidence_ratio=always(p["confidence_ratio"]),
            max_hold_bars=int(p["max_hold_bars"]),
        )

    def objection(self, parameters: Mapping[str, float], *, terms: Sequence[MarketTerms]) -> str:
        if parameters["ema_fast"] >= parameters["ema_slow"]:
            return (
                f"ema_fast of {parameters['ema_fast']:g} must be below ema_slow of {parameters['ema_slow']:g}"
            )
        if parameters["exit_score"] >= parameters["enter_score"]:
            return (
                f"exit_score of {parameters['exit_score']:g} must be below enter_score of "
                f"{parameters['enter_score']:g}"
            )
        return ""

    def remarks(
        self, parameters: Mapping[str, float], *, terms: Sequence[MarketTerms], features: Collection[str]
    ) -> tuple[str, ...]:
        return ()


STRATEGY = SentimentMomentum()
