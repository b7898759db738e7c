"""Buys where a pair is cheap and sells it where it is dear, when the gap pays for all four fills. A pair of legs.

The first instrument is the cheap one, bought; the second the dear one, sold from stock or short; `other_close` is the second's close at the
same time. Both legs are left together when the gap has closed, so what is won is the gap at entry, less the gap at exit, less costs.
"""

from collections.abc import Collection, Mapping, Sequence

import numpy as np

from trading.protocols import IndicatorProvider
from trading.types import legs
from trading.types.columns import always, required, was
from trading.types.research import Bars, FloatArray, MarketTerms, Signals

BPS = 10_000


class CrossVenueArbitrage:
    name = "cross-venue-arbitrage"
    features: tuple[str, ...] = ("other_close",)
    optional_features: tuple[str, ...] = ()
    is_pair = True

    def warmup_bars(self, parameters: Mapping[str, float]) -> int:
        return int(parameters["lasts_bars"])

    def signals(
        self, bars: Bars, *, parameters: Mapping[str, float], indicators: IndicatorProvider
    ) -> Signals:
        p = parameters
        gap_bps = (required(bars, "other_close", by=self.name) / bars.close - 1) * BPS
        pays = net_bps(gap_bps, p) >= p["least_net_bps"]
        lasting = pays.copy()
        for bar in range(1, int(p["lasts_bars"])):
            lasting &= was(pays, bars=bar)
        return Signals(
            enter=lasting,
            exit=gap_bps <= p["exit_gap_bps"],
            stop_ratio=always(p["stop_bps"] / BPS),
            target_ratio=always(np.nan),
            trailing_ratio=always(np.nan),
            confidence_ratio=always(p["confidence_ratio"]),
            max_hold_bars=int(p["max_hold_bars"]),
        )

    def objection(self, parameters: Mapping[str, float], *, terms: Sequence[MarketTerms]) -> str:
        return legs.objection(parameters["costs_bps"], terms=terms)

    def remarks(
        self, parameters: Mapping[str, float], *, terms: Sequence[MarketTerms], features: Collection[str]
    ) -> tuple[str, ...]:
        return (
            "depth and the loan of the sold leg are not in it: closes are taken as prices that could be dealt at",
        )


def net_bps(gap_bps: FloatArray, parameters: Mapping[str, float]) -> FloatArray:
    """What is left of a gap once it has shrunk to the exit's and every fill is paid; shape (n,)."""
    return gap_bps - parameters["exit_gap_bps"] - parameters["costs_bps"]


STRATEGY = CrossVenueArbitrage()
