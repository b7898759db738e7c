"""The indicators that the older tests leave out, against their definitions written out plainly; for every provider."""

from collections.abc import Mapping

import numpy as np
import pytest

from trading import indicators
from trading.indicators import samples
from trading.types.research import FloatArray

PROVIDERS = sorted(indicators.all_providers())
CLOSE = pytest.approx


@pytest.fixture(scope="module")
def market() -> Mapping[str, FloatArray]:
    return samples.candles(bars=400, seed=11)


@pytest.fixture(params=PROVIDERS)
def provider(request: pytest.FixtureRequest) -> indicators.Facade:
    return indicators.provider(request.param)


def test_stochastic(provider: indicators.Facade, market: Mapping[str, FloatArray]) -> None:
    high, low, close = market["high"], market["low"], market["close"]
    raw = []
    for i in range(13, 400):
        top, bottom = max(high[i - 13 : i + 1]), min(low[i - 13 : i + 1])
        raw.append(100 * (close[i] - bottom) / (top - bottom) if top > bottom else 0.0)
    slow_k = [sum(raw[i - 2 : i + 1]) / 3 for i in range(2, len(raw))]
    slow_d = [sum(slow_k[i - 2 : i + 1]) / 3 for i in range(2, len(slow_k))]
    line, signal = provider.stochastic(high, low, close)
    assert np.isnan(line[:17]).all()
    assert line[17:].tolist() == CLOSE(slow_k[2:], abs=1e-8)
    assert signal[17:].tolist() == CLOSE(slow_d, abs=1e-8)


def test_obv_starts_with_the_first_volume_and_ignores_an_unchanged_close(
    provider: indicators.Facade,
) -> None:
    obv = provider.obv([10, 11, 11, 9, 9.5], [5.0, 3, 100, 4, 1])
    assert obv.tolist() == [5, 8, 8, 4, 5]


def test_adx_is_wilders(provider: indicators.Facade, market: Mapping[str, FloatArray]) -> None:
    high, low, close = market["high"].tolist(), market["low"].tolist(), market["close"].tolist()
    up, down, true = [0.0], [0.0], [0.0]
    for i in range(1, 400):
        rise, fall = high[i] - high[i - 1], low[i - 1] - low[i]
        up.append(rise if rise > max(fall, 0) else 0.0)
        down.append(fall if fall > max(rise, 0) else 0.0)
        true.append(max(high[i] - low[i], abs(high[i] - close[i - 1]), abs(low[i] - close[i - 1])))
    sums = [sum(column[1:14]) for column in (up, down, true)]
    strengths = []
    for i in range(14, 400):
        sums = [total - total / 14 + column[i] for total, column in zip(sums, (up, down, true), strict=True)]
        plus, minus = sums[0] / sums[2], sums[1] / sums[2]
        strengths.append(100 * abs(plus - minus) / (plus + minus))
    wanted = [sum(strengths[:14]) / 14]
    for strength in strengths[14:]:
        wanted.append((wanted[-1] * 13 + strength) / 14)
    adx = provider.adx(high, low, close)
    assert np.isnan(adx[:27]).all()
    assert adx[27:].tolist() == CLOSE(wanted, abs=1e-8)


def test_ichimoku_spans_are_the_older_ones(
    provider: indicators.Facade, market: Mapping[str, FloatArray]
) -> None:
    high, low = market["high"], market["low"]

    def middle(bars: int, i: int) -> float:
        return float(max(high[i - bars + 1 : i + 1]) + min(low[i - bars + 1 : i + 1])) / 2

    conversion, base, span_a, span_b = provider.ichimoku(high, low)
    for i in range(77, 400):
        assert conversion[i] == middle(9, i)
        assert base[i] == middle(26, i)
        assert span_a[i] == (middle(9, i - 26) + middle(26, i - 26)) / 2
        assert span_b[i] == middle(52, i - 26)
    assert [int(np.isnan(line).sum()) for line in (conversion, base, span_a, span_b)] == [8, 25, 51, 77]


def test_supertrend_follows_the_price_and_turns_where_it_closes_beyond(
    provider: indicators.Facade, market: Mapping[str, FloatArray]
) -> None:
    high, low, close = market["high"].tolist(), market["low"].tolist(), market["close"].tolist()
    ranges = indicators.atr(high, low, close, period=10).tolist()
    upper = (high[10] + low[10]) / 2 + 3 * ranges[10]
    lower = (high[10] + low[10]) / 2 - 3 * ranges[10]
    wanted, is_up = [(lower, 1.0)], True
    for i in range(11, 400):
        middle = (high[i] + low[i]) / 2
        upper = middle + 3 * ranges[i] if close[i - 1] > upper else min(upper, middle + 3 * ranges[i])
        lower = middle - 3 * ranges[i] if close[i - 1] < lower else max(lower, middle - 3 * ranges[i])
        is_up = not close[i] < lower if is_up else close[i] > upper
        wanted.append((lower, 1.0) if is_up else (upper, -1.0))
    line, direction = provider.supertrend(high, low, close)
    assert line[10:].tolist() == CLOSE([level for level, _ in wanted], rel=1e-12)
    assert direction[10:].tolist() == [trend for _, trend in wanted]
    assert {1.0, -1.0} == set(direction[10:].tolist())


@pytest.mark.parametrize("price", [3e-9, 1.0, 98_765.4])
def test_bollinger_keeps_its_width_after_a_crash_and_loses_it_in_a_still_market(
    provider: indicators.Facade, price: float
) -> None:
    rng = np.random.default_rng(2)
    quiet = price * (1 + rng.normal(0, 1e-8, 300))
    values = np.concatenate((quiet[:150], [price * 3], quiet[150:], np.full(40, price)))
    upper, middle, lower = provider.bollinger(values, period=20)
    for i in (100, 149, 171, 175, 200, 290):
        window = values[i - 19 : i + 1]
        assert (upper[i] - lower[i]) / 4 == CLOSE(window.std(), rel=1e-3)
        assert middle[i] == CLOSE(window.mean(), rel=1e-12)
    assert (upper - lower)[-5:].max() <= price * 1e-9
