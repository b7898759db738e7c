"""Holds a coin and is short its perpetual, to collect the funding that longs pay shorts. A pair of legs.

`funding_ratio` is the rate of one payment, as last known at the bar's close; positive: shorts receive. Expected is the lowest of the last
few rates times the payments of the planned hold: funding is sticky, but its peaks are not. Entered when that exceeds all costs.
"""

from collections.abc import Collection, Mapping, Sequence

import numpy as np

from trading.errors import InvalidValueError
from trading.protocols import IndicatorProvider
from trading.types import legs
from trading.types.columns import always, before, required
from trading.types.research import Bars, FloatArray, MarketTerms, Signals

BPS = 10_000
SHORTEST_MS = 3_600_000


class FundingArbitrage:
    name = "funding-arbitrage"
    features: tuple[str, ...] = ("funding_ratio",)
    optional_features: tuple[str, ...] = ()
    is_pair = True

    def warmup_bars(self, parameters: Mapping[str, float]) -> int:
        """Counted for the shortest bars it reads; longer ones need fewer."""
        return int(parameters["seen_payments"]) * _bars_of(parameters["payment_hours"], step_ms=SHORTEST_MS)

    def signals(
        self, bars: Bars, *, parameters: Mapping[str, float], indicators: IndicatorProvider
    ) -> Signals:
        p = parameters
        if bars.step_ms < SHORTEST_MS:
            raise InvalidValueError(f"{self.name} reads bars of 1h or longer, not {bars.timeframe}")
        rate = required(bars, "funding_ratio", by=self.name)
        every = _bars_of(p["payment_hours"], step_ms=bars.step_ms)
        expected_bps = lowest(rate, every=every, count=int(p["seen_payments"])) * p["hold_payments"] * BPS
        leave = rate * BPS <= p["exit_rate_bps"]
        return Signals(
            enter=(expected_bps >= p["costs_bps"] + p["least_net_bps"]) & ~leave,
            exit=leave,
            stop_ratio=always(p["stop_bps"] / BPS),
            target_ratio=always(np.nan),
            trailing_ratio=always(np.nan),
            confidence_ratio=always(p["confidence_ratio"]),
            max_hold_bars=_bars_of(p["hold_payments"] * p["payment_hours"], step_ms=bars.step_ms),
        )

    def objection(self, parameters: Mapping[str, float], *, terms: Sequence[MarketTerms]) -> str:
        return legs.objection(parameters["costs_bps"], terms=terms)

    def remarks(
        self, parameters: Mapping[str, float], *, terms: Sequence[MarketTerms], features: Collection[str]
    ) -> tuple[str, ...]:
        return ("the short leg's margin and liquidation are not in it: keep its leverage low",)


def _bars_of(hours: float, *, step_ms: int) -> int:
    """How many bars `hours` are, at least one."""
    return max(round(hours * 3_600_000 / step_ms), 1)


def lowest(rate: FloatArray, *, every: int, count: int) -> FloatArray:
    """The lowest of the last `count` payments' rates, looked at `every` bars apart; NaN while one of them is unknown. Shape (n,)."""
    least = rate.copy()
    for payment in range(1, count):
        least = np.minimum(least, before(rate, bars=payment * every))
    return least


STRATEGY = FundingArbitrage()
