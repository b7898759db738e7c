"""Fewer points that still show every extreme."""

import numpy as np
from hypothesis import given, settings
from hypothesis import strategies as st

from tests.trading.backtest.runs import bars
from trading.backtest.report import thinning


@given(st.lists(st.floats(-1e6, 1e6), min_size=1, max_size=600), st.integers(2, 40))
@settings(max_examples=50, deadline=None)
def test_ends_and_extremes_stay(values: list[float], buckets: int) -> None:
    times, column = np.arange(len(values)), np.array(values)
    line = thinning.line(times, column, buckets=buckets)
    assert len(line.values) <= 2 * buckets + 2
    assert list(line.time_ms) == sorted(set(line.time_ms))
    assert (line.time_ms[0], line.time_ms[-1]) == (0, len(values) - 1)
    assert np.isclose(min(line.values), column.min(), rtol=1e-8)
    assert np.isclose(max(line.values), column.max(), rtol=1e-8)


def test_candles_put_whole_timeframes_together() -> None:
    market = bars(100 + np.sin(np.arange(3000)), timeframe="1m", range_ratio=0.01)
    candles = thinning.candles(market, most=60)
    assert (candles.timeframe, candles.bars_per_candle, len(candles.close)) == ("1h", 60, 50)
    assert candles.open[1] == float(f"{market.open[60]:.9g}")
    assert candles.close[0] == float(f"{market.close[59]:.9g}")
    assert candles.high[3] == float(f"{market.high[180:240].max():.9g}")
    assert candles.low[-1] == float(f"{market.low[2940:].min():.9g}")


def test_few_bars_are_shown_as_they_are() -> None:
    candles = thinning.candles(bars([1.0, 2.0, 3.0]))
    assert (candles.timeframe, candles.close) == ("1h", (1.0, 2.0, 3.0))
    assert thinning.candles(bars([])).close == ()


def test_decades_are_shown_in_spans_of_days() -> None:
    candles = thinning.candles(bars(np.arange(1.0, 4001.0), timeframe="1d"))
    assert candles.timeframe == "10d"
    assert len(candles.close) <= thinning.MOST_CANDLES
