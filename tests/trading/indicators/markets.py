"""Bars for the indicator tests: any market hypothesis can think of, and columns by name."""

from collections.abc import Mapping
from typing import Any

import numpy as np
from hypothesis import strategies as st

from trading.indicators import catalog
from trading.types.research import FloatArray


def market(*, seed: int, bars: int, price: float, still: float) -> Mapping[str, FloatArray]:
    """Bars whose changes are whole parts per thousand, so that ties happen; in a part `still` of them nothing moves."""
    rng = np.random.default_rng(seed)
    moves = rng.uniform(size=bars) >= still
    close = price * np.cumprod(1 + moves * rng.integers(-50, 51, bars) / 1000)
    before = np.concatenate((close[:1], close[:-1]))
    high = np.maximum(before, close) * (1 + moves * rng.integers(0, 21, bars) / 1000)
    low = np.minimum(before, close) * (1 - moves * rng.integers(0, 21, bars) / 1000)
    volume = moves * rng.integers(0, 1001, bars) / 10
    return {"values": close, "high": high, "low": low, "close": close, "volume": volume}


# Drawn by seed: lists of bars would nearly always be too short to warm anything up. The prices reach from a coin quoted in parts of
# a satoshi to an index.
MARKETS = st.builds(
    market,
    seed=st.integers(0, 2**32 - 1),
    bars=st.one_of(st.integers(1, 40), st.integers(41, 250)),
    price=st.sampled_from([3e-9, 0.07, 1.0, 431.25, 98_000.0]),
    still=st.sampled_from([0.0, 0.3, 0.95]),
)

PARAMETERS: Mapping[str, st.SearchStrategy[dict[str, Any]]] = {
    **{name: st.fixed_dictionaries({"period": st.integers(2, 30)}) for name in ("sma", "ema", "rsi", "adx")},
    "atr": st.fixed_dictionaries({"period": st.integers(1, 30)}),
    "macd": st.fixed_dictionaries(
        {"fast": st.integers(2, 10), "slow": st.integers(11, 30), "signal": st.integers(1, 10)}
    ),
    "bollinger": st.fixed_dictionaries({"period": st.integers(2, 30), "deviations": st.floats(0.5, 4)}),
    "stochastic": st.fixed_dictionaries(
        {"period": st.integers(1, 20), "slow_k": st.integers(1, 5), "slow_d": st.integers(1, 5)}
    ),
    "obv": st.just({}),
    "ichimoku": st.fixed_dictionaries(
        {
            **{name: st.integers(2, 30) for name in ("conversion", "base", "span_b")},
            "displacement": st.integers(0, 30),
        }
    ),
    # No round multiplier: a close exactly on the band would turn, or not, on the last bit of the range.
    "supertrend": st.fixed_dictionaries(
        {"period": st.integers(2, 20), "multiplier": st.floats(0.5, 4).map(lambda factor: factor + 0.0123456)}
    ),
}


def inputs(name: str, market: Mapping[str, FloatArray]) -> tuple[FloatArray, ...]:
    return tuple(market[column] for column in catalog.INDICATORS[name].inputs)
