"""What every provider must do, whatever the market: agree with TA-Lib, know only the past, and answer odd input in one way."""

import subprocess
import sys
from typing import Any

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from tests.trading.indicators.markets import MARKETS, PARAMETERS, inputs
from trading import indicators
from trading.errors import TradingError
from trading.indicators import catalog

PROVIDERS = sorted(indicators.all_providers())
NAMES = sorted(catalog.INDICATORS)
GIVEN = {"sma": {"period": 3}, "ema": {"period": 3}}


@pytest.mark.parametrize("name", NAMES)
@settings(max_examples=25, deadline=None)
@given(data=st.data())
def test_every_provider_gives_the_same_numbers_and_the_same_warm_up(name: str, data: st.DataObject) -> None:
    market, parameters = data.draw(MARKETS), data.draw(PARAMETERS[name])
    indicator = catalog.INDICATORS[name]
    wanted = indicators.provider("talib").compute(name, inputs(name, market), parameters)
    first = indicator.first(*indicator.checked(parameters))
    for provider in PROVIDERS:
        outputs = indicators.provider(provider).compute(name, inputs(name, market), parameters)
        for output, other, start in zip(outputs, wanted, first, strict=True):
            assert output.dtype == np.float64
            assert output.shape == market["close"].shape
            assert np.isnan(output[:start]).all()
            assert not np.isnan(output[start:]).any()
            scale = np.abs(other[start:]).max(initial=0.0)
            assert np.allclose(output[start:], other[start:], rtol=0, atol=1e-9 * scale)


@pytest.mark.parametrize("provider", PROVIDERS)
@pytest.mark.parametrize("name", NAMES)
@settings(max_examples=15, deadline=None)
@given(data=st.data())
def test_the_past_keeps_its_values_when_later_bars_come(
    name: str, provider: str, data: st.DataObject
) -> None:
    market, parameters = data.draw(MARKETS), data.draw(PARAMETERS[name])
    cut = data.draw(st.integers(0, market["close"].size))
    columns = inputs(name, market)
    whole = indicators.provider(provider).compute(name, columns, parameters)
    early = indicators.provider(provider).compute(name, tuple(c[:cut] for c in columns), parameters)
    for part, output in zip(early, whole, strict=True):
        assert np.array_equal(part, output[:cut], equal_nan=True)


@pytest.mark.parametrize("provider", PROVIDERS)
@pytest.mark.parametrize("name", NAMES)
@pytest.mark.parametrize("hole", [np.nan, np.inf, -np.inf])
def test_missing_values_shift_the_warm_up_or_end_the_result(name: str, provider: str, hole: float) -> None:
    rng, size = np.random.default_rng(5), 200
    close = 100 + np.cumsum(rng.normal(0, 1, size))
    market = {"values": close, "high": close + 1, "low": close - 1, "close": close, "volume": close}
    columns = inputs(name, market)
    whole = indicators.provider(provider).compute(name, columns, GIVEN.get(name, {}))
    holed = tuple(column.copy() for column in columns)
    holed[-1][[0, 1, 170]] = hole  # only in the last column: a bar counts when all of it is there
    outputs = indicators.provider(provider).compute(name, holed, GIVEN.get(name, {}))
    fresh = indicators.provider(provider).compute(name, tuple(c[2:170] for c in columns), GIVEN.get(name, {}))
    for output, complete, part in zip(outputs, whole, fresh, strict=True):
        assert output.shape == complete.shape
        assert np.isnan(output[:2]).all()
        assert np.isnan(output[170:]).all()
        assert np.array_equal(output[2:170], part, equal_nan=True)
        assert not np.isnan(output[169])


@pytest.mark.parametrize("provider", PROVIDERS)
@pytest.mark.parametrize("name", NAMES)
def test_no_bars_give_no_values_and_lists_do_as_well_as_arrays(name: str, provider: str) -> None:
    indicator = catalog.INDICATORS[name]
    method = getattr(indicators.provider(provider), name)
    nothing = method(*([] for _ in indicator.inputs), **GIVEN.get(name, {}))
    whole = method(*([1.0, 2, 3, 4] for _ in indicator.inputs), **GIVEN.get(name, {}))
    several = len(indicator.outputs) > 1
    assert [part.shape for part in (nothing if several else (nothing,))] == [(0,)] * len(indicator.outputs)
    assert [part.shape for part in (whole if several else (whole,))] == [(4,)] * len(indicator.outputs)


@pytest.mark.parametrize("provider", PROVIDERS)
def test_a_read_only_column_and_a_strided_one_are_as_good(provider: str) -> None:
    values = np.random.default_rng(1).uniform(90, 110, 200)
    frozen, spread = values.copy(), np.repeat(values, 2)[::2]
    frozen.flags.writeable = False
    wanted = indicators.provider(provider).rsi(values)
    assert np.array_equal(indicators.provider(provider).rsi(frozen), wanted, equal_nan=True)
    assert np.array_equal(indicators.provider(provider).rsi(spread), wanted, equal_nan=True)


@pytest.mark.parametrize("provider", PROVIDERS)
@pytest.mark.parametrize(
    ("name", "columns", "parameters", "line"),
    [
        ("sma", ([1.0],), {"period": 1}, "period must be at least 2 and at most 100000, not 1"),
        ("sma", ([1.0],), {"period": 2.5}, "period must be a whole number of bars, not 2.5"),
        ("sma", ([1.0],), {"period": True}, "period must be a whole number of bars, not True"),
        ("sma", ([1.0],), {"period": "x"}, "period must be a number, not 'x'"),
        ("rsi", ([1.0],), {"period": 100_001}, "period must be at least 2 and at most 100000, not 100001"),
        ("rsi", ([1.0],), {"length": 3}, "rsi has no parameter length; it takes period"),
        ("macd", ([1.0],), {"fast": 26}, "the fast period 26 must be below the slow period 26"),
        ("bollinger", ([1.0],), {"deviations": float("nan")}, "deviations must be above zero, not nan"),
        ("supertrend", ([1.0],) * 3, {"multiplier": 0.0}, "multiplier must be above zero, not 0.0"),
        ("atr", ([1.0], [1.0, 2.0], [1.0]), {}, "equal length, not high 1, low 2, close 1"),
        ("rsi", ([[1.0]],), {}, "values must be one row of numbers, not 2 dimensions"),
        ("rsi", (["a"],), {}, "values must be one row of numbers"),
        ("obv", ([1.0],), {}, r"give 2 columns \(close, volume\), not 1"),
        ("vwap", ([1.0],), {}, "there is no indicator 'vwap'; give one of: sma, ema, rsi"),
    ],
)
def test_what_makes_no_sense_is_refused_in_one_line(
    provider: str, name: str, columns: tuple[Any, ...], parameters: dict[str, Any], line: str
) -> None:
    with pytest.raises(TradingError, match=line) as refusal:
        indicators.provider(provider).compute(name, columns, parameters)
    assert isinstance(refusal.value, ValueError)
    assert "\n" not in str(refusal.value)


def test_an_unknown_provider_is_refused_by_name() -> None:
    with pytest.raises(ValueError, match="no indicator provider 'pandas'; give one of: numba, talib"):
        indicators.provider("pandas")


def loaded(program: str) -> set[str]:
    """Which heavy libraries a fresh process has loaded at the end of `program`."""
    show = "import sys; print(*({'talib', 'numba', 'pandas', 'scipy'} & set(sys.modules)))"
    ended = subprocess.run(
        [sys.executable, "-c", f"{program}; {show}"], capture_output=True, text=True, check=True
    )
    return set(ended.stdout.split())


@pytest.mark.parametrize("use", ["indicators.rsi([1.0] * 20)", "indicators.stream('rsi', [1.0] * 20)"])
def test_no_process_of_the_desk_pays_for_what_it_does_not_use(use: str) -> None:
    assert loaded("from trading import indicators") == set()
    assert loaded(f"from trading import indicators; {use}") == {"talib"}
    assert "pandas" in loaded(f"from trading import indicators; {use}; import pandas; pandas.Series([1.0])")
