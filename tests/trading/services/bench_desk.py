"""A small bench for tests: candles that come back to their mean, stored as history, and a request for them."""

from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import numpy as np

from trading.history import store
from trading.services.bench import BacktestRequest, Leg
from trading.types.research import TIMEFRAME_S, Bars

START = datetime(2022, 1, 1, tzinfo=UTC)


def make_bars(
    *, venue: str = "binance", symbol: str = "BTC/USDT", days: int = 20, timeframe: str = "5m", seed: int = 1
) -> Bars:
    """A price that swings about 100 with noise: mean reversion trades here, without costs at least."""
    step_ms = TIMEFRAME_S[timeframe] * 1000
    length = days * 86_400_000 // step_ms
    rng = np.random.default_rng(seed)
    noise = rng.standard_normal(length * 4) * 0.004
    log_price = np.zeros(length * 4)
    for place in range(1, log_price.size):
        log_price[place] = log_price[place - 1] * 0.99 + noise[place]
    path = 100 * np.exp(log_price).reshape(length, 4)
    before = np.concatenate(([path[0, 0]], path[:-1, 3]))
    return Bars(
        venue=venue,
        symbol=symbol,
        timeframe=timeframe,
        open_time_ms=int(START.timestamp()) * 1000 + np.arange(length) * step_ms,
        open=before,
        high=np.maximum(path.max(axis=1), before),
        low=np.minimum(path.min(axis=1), before),
        close=path[:, 3].copy(),
        volume_base=rng.lognormal(2, 0.3, length),
    )


def store_bars(home: Path, **wanted: Any) -> Bars:
    """`make_bars`, stored in `home`."""
    bars = make_bars(**wanted)
    store.save(home / "history", bars)
    return bars


def request(**other: Any) -> BacktestRequest:
    """Mean reversion on those bars, at costs that let it trade."""
    return BacktestRequest(
        **{
            "strategy": "mean-reversion",
            "legs": (Leg(venue="binance", symbol="BTC/USDT"),),
            "timeframe": "5m",
            "parameters": {},
            "fee_ratio": 0.0001,
            **other,
        }
    )
