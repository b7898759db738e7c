"""Bars for the indicator tests: any market hypothesis can think of, and columns by name."""

from collections.abc import Mapping
from typing import Any

import numpy as np
from hypothesis import strategies as st

from trading.indicators import catalog
from trading.types.research import FloatArray

# (change of the close in parts per thousand, reach above, reach below, volume); zeros make bars in which nothing moves
_STEP = st.tuples(st.integers(-50, 50), st.integers(0, 20), st.integers(0, 20), st.integers(0, 1000))


def columns_of(steps: list[tuple[int, int, int, int]], *, price: float) -> Mapping[str, FloatArray]:
    change, up, down, volume = np.array(steps, dtype=np.float64).reshape(-1, 4).T
    close = price * np.cumprod(1 + change / 1000)
    before = np.concatenate((close[:1], close[:-1]))
    high = np.maximum(before, close) * (1 + up / 1000)
    low = np.minimum(before, close) * (1 - down / 1000)
    return {"values": close, "high": high, "low": low, "close": close, "volume": volume / 10}


# From a coin quoted in parts of a satoshi to an index.
MARKETS = st.builds(
    lambda steps, price: columns_of(steps, price=price),
    st.lists(_STEP, min_size=1, max_size=160),
    st.sampled_from([3e-9, 0.07, 1.0, 431.25, 98_000.0]),
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
