"""The past: minute candles before the start, which end exactly at the first live price."""

from __future__ import annotations

import random
from collections.abc import Iterator
from decimal import Decimal
from typing import TYPE_CHECKING

from trading.practice.engine.candles import MINUTE_MS, Candle
from trading.practice.instruments import Instrument
from trading.practice.prices.drivers import MARKET_VOLATILITY_PER_ROOT_S, Path, beta_of

if TYPE_CHECKING:
    import numpy as np

    Grid = np.ndarray[tuple[int, int], np.dtype[np.float64]]
    Floats = np.ndarray[tuple[int, ...], np.dtype[np.float64]]

SAMPLES_PER_MINUTE = 4
USUAL_NOTIONAL_PER_MINUTE = 48_000.0


class Past:
    """Shapes of the last ``minutes`` minutes: log prices relative to the start price, and relative activity."""

    def __init__(
        self,
        *,
        minutes: int,
        seed: int,
        paths: dict[str, tuple[Path, float]] | None = None,
        volatility: float = 1.0,
    ) -> None:
        import numpy as np

        self.minutes = minutes
        self._seed = seed
        self._paths = paths or {}
        generator = np.random.default_rng([seed, 1])
        count = minutes * SAMPLES_PER_MINUTE
        self._sigma = MARKET_VOLATILITY_PER_ROOT_S * volatility * (60 / SAMPLES_PER_MINUTE) ** 0.5
        clusters = np.convolve(generator.normal(0, 1, count + 240), np.ones(240) / 240**0.5, mode="valid")[
            :count
        ]
        self._activity = np.exp(0.5 * clusters)
        self._market = self._sigma * self._activity * generator.normal(0, 1, count)
        if self._paths:
            leader, start_s = next(iter(self._paths.values()))
            self._market = np.diff(self._recorded(leader, start_s))
            self._activity = np.ones(count)

    def log_prices(self, symbol: str) -> Floats:
        """Log of price over start price at every sample, from the oldest to the start (which is zero)."""
        import numpy as np

        if symbol in self._paths:
            logs = self._recorded(*self._paths[symbol])
        else:
            own = np.random.default_rng([self._seed, 2, *symbol.encode()])
            steps = beta_of(symbol, seed=self._seed) * self._market
            steps = steps + 0.5 * self._sigma * self._activity * own.normal(0, 1, len(steps))
            logs = np.concatenate([[0.0], np.cumsum(steps)])
        result: Floats = logs - logs[-1]
        return result

    def candles(
        self, instrument: Instrument, *, start_price: float, end_ms: int, venue: str
    ) -> Iterator[Candle]:
        """Candles up to the minute before the one of ``end_ms``, rounded to the instrument's grids."""
        import numpy as np

        prices = start_price * np.exp(self.log_prices(instrument.symbol))
        windows = np.lib.stride_tricks.sliding_window_view(prices, SAMPLES_PER_MINUTE + 1)[
            ::SAMPLES_PER_MINUTE
        ]
        volume_random = random.Random(f"{self._seed}:{venue}:{instrument.symbol}:past")
        first_ms = end_ms // MINUTE_MS * MINUTE_MS - self.minutes * MINUTE_MS
        close = instrument.round_price(Decimal(repr(float(prices[0]))))
        for index, window in enumerate(windows):
            opened = close
            high, low, close = (
                instrument.round_price(Decimal(repr(float(value))))
                for value in (window.max(), window.min(), window[-1])
            )
            activity = float(self._activity[index * SAMPLES_PER_MINUTE])
            notional = USUAL_NOTIONAL_PER_MINUTE * activity * volume_random.lognormvariate(-0.1, 0.45)
            size = instrument.floor_size(Decimal(repr(notional)) / close)
            bought = instrument.floor_size(size * Decimal(repr(round(volume_random.uniform(0.35, 0.65), 3))))
            yield Candle(
                open_ms=first_ms + index * MINUTE_MS,
                open=opened,
                high=max(high, opened, close),
                low=min(low, opened, close),
                close=close,
                volume_base=size,
                volume_quote=size * close,
                buy_volume_base=bought,
                buy_volume_quote=bought * close,
                trade_count=max(1, int(48 * activity)),
            )

    def _recorded(self, path: Path, start_s: float) -> Floats:
        import numpy as np

        step = 60 / SAMPLES_PER_MINUTE
        moments = start_s - step * np.arange(self.minutes * SAMPLES_PER_MINUTE, -1, -1)
        result: Floats = np.array([path.log_return(start_s, float(at)) for at in moments])
        return result
