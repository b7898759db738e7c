"""Indicators against their own definitions, written out plainly here."""

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from trading import indicators

PRICES = st.lists(st.floats(min_value=1, max_value=1e6, allow_nan=False), min_size=40, max_size=120)
CLOSE = pytest.approx


def wilder(values: list[float], *, period: int) -> list[float]:
    """Wilder's smoothing: first the plain mean, then each new value with weight 1/period."""
    smooth = [sum(values[:period]) / period]
    for value in values[period:]:
        smooth.append((smooth[-1] * (period - 1) + value) / period)
    return smooth


@settings(max_examples=25, deadline=None)
@given(PRICES)
def test_sma_and_bollinger(prices: list[float]) -> None:
    middle = indicators.sma(prices, period=20)
    upper, band, lower = indicators.bollinger(prices, period=20, deviations=2)
    assert middle.shape == (len(prices),)
    assert np.isnan(middle[:19]).all()
    window = np.array(prices[-20:])
    assert middle[-1] == CLOSE(window.mean(), rel=1e-6)
    assert band[-1] == CLOSE(window.mean(), rel=1e-6)
    scale = max(prices)
    assert upper[-1] - lower[-1] == CLOSE(4 * window.std(), rel=1e-3, abs=scale * 1e-3)


@settings(max_examples=25, deadline=None)
@given(PRICES)
def test_rsi_is_wilders(prices: list[float]) -> None:
    changes = np.diff(prices)
    gain = wilder([max(change, 0.0) for change in changes], period=14)[-1]
    loss = wilder([max(-change, 0.0) for change in changes], period=14)[-1]
    value = indicators.rsi(prices)
    assert np.isnan(value[:14]).all()
    expected = 0.0 if gain + loss == 0 else 100 * gain / (gain + loss)
    assert value[-1] == CLOSE(expected, abs=1e-6)


@settings(max_examples=25, deadline=None)
@given(st.lists(st.tuples(st.floats(10, 20), st.floats(0, 5), st.floats(0, 1)), min_size=20, max_size=60))
def test_atr_is_wilders(bars: list[tuple[float, float, float]]) -> None:
    high = [low + size for low, size, _ in bars]
    low = [low for low, _, _ in bars]
    close = [low + size * part for low, size, part in bars]
    ranges = [
        max(high[i] - low[i], abs(high[i] - close[i - 1]), abs(low[i] - close[i - 1]))
        for i in range(1, len(bars))
    ]
    value = indicators.atr(high, low, close)
    assert np.isnan(value[:14]).all()
    assert value[-1] == CLOSE(wilder(ranges, period=14)[-1], rel=1e-9, abs=1e-9)


def test_ema_and_macd() -> None:
    prices = [100 + np.sin(i / 5) * 3 + i / 10 for i in range(80)]
    ema = [sum(prices[:12]) / 12]
    for price in prices[12:]:
        ema.append(ema[-1] + (price - ema[-1]) * 2 / 13)
    assert indicators.ema(prices, period=12)[-1] == CLOSE(ema[-1])

    line, signal, histogram = indicators.macd(prices)
    assert np.isnan(line[:33]).all()
    assert not np.isnan(line[33:]).any()
    assert histogram[-1] == CLOSE(line[-1] - signal[-1])


def test_short_empty_and_bad_input() -> None:
    assert indicators.rsi([]).shape == (0,)
    assert np.isnan(indicators.rsi([1.0, 2.0])).all()
    assert [part.shape for part in indicators.macd([])] == [(0,)] * 3
    assert [part.shape for part in indicators.bollinger([])] == [(0,)] * 3
    with pytest.raises(ValueError, match="one row"):
        indicators.sma([[1.0, 2.0]], period=2)
    with pytest.raises(ValueError, match="at least 2"):
        indicators.sma([1.0, 2.0], period=1)
    with pytest.raises(ValueError, match="equal length"):
        indicators.atr([1.0, 2.0], [1.0], [1.0, 2.0])
    with pytest.raises(ValueError, match="slow period"):
        indicators.macd([1.0, 2.0], fast=26, slow=12)
