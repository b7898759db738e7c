"""Live equals batch to the last bit: bar by bar, looked at before the close, and after a restart."""

import math
import pickle
from collections.abc import Mapping
from typing import Any

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from tests.trading.indicators.markets import MARKETS, PARAMETERS, inputs
from trading import indicators
from trading.errors import InvalidValueError
from trading.indicators import catalog, samples
from trading.types.research import FloatArray

NAMES = sorted(catalog.INDICATORS)
LONG = 20_000
GIVEN = {"sma": {"period": 20}, "ema": {"period": 20}}
BATCH = indicators.provider()


@pytest.fixture(scope="module")
def market() -> Mapping[str, FloatArray]:
    return samples.candles(bars=LONG, seed=7)


def as_tuple(value: float | tuple[float, ...]) -> tuple[float, ...]:
    return value if isinstance(value, tuple) else (value,)


def are_equal(one: Any, other: Any) -> bool:
    return bool(np.array_equal(np.array(one, dtype=float), np.array(other, dtype=float), equal_nan=True))


@pytest.mark.parametrize("name", NAMES)
def test_live_is_the_batch_over_twenty_thousand_bars_and_across_a_restart(
    name: str, market: Mapping[str, FloatArray]
) -> None:
    columns, parameters = inputs(name, market), GIVEN.get(name, {})
    rows = list(zip(*(column.tolist() for column in columns), strict=True))
    wanted = BATCH.compute(name, columns, parameters)
    live = indicators.stream(name, **parameters)
    answers = [as_tuple(live.update(*row)) for row in rows[: LONG // 2]]
    live = indicators.stream(
        name, *(column[: LONG // 2] for column in columns), **parameters
    )  # a new process
    assert are_equal(as_tuple(live.value), answers[-1])
    answers += [as_tuple(live.update(*row)) for row in rows[LONG // 2 :]]
    assert are_equal(answers, np.transpose(wanted))


@pytest.mark.parametrize("name", NAMES)
@settings(max_examples=20, deadline=None)
@given(data=st.data())
def test_a_stream_opened_anywhere_goes_on_as_the_batch_and_peeking_changes_nothing(
    name: str, data: st.DataObject
) -> None:
    market, parameters = data.draw(MARKETS), data.draw(PARAMETERS[name])
    columns = inputs(name, market)
    size = columns[0].size
    start = data.draw(st.integers(0, size))
    wanted = BATCH.compute(name, columns, parameters)
    live = indicators.stream(name, *(column[:start] for column in columns), **parameters)
    if start:
        assert are_equal(as_tuple(live.value), [output[start - 1] for output in wanted])
    for i in range(start, size):
        row = [float(column[i]) for column in columns]
        before = live.value
        live.peek(*(value * 1.5 for value in row))
        assert are_equal(as_tuple(live.value), as_tuple(before))
        assert are_equal(as_tuple(live.peek(*row)), [output[i] for output in wanted])
        assert are_equal(as_tuple(live.update(*row)), [output[i] for output in wanted])
        assert are_equal(as_tuple(live.value), [output[i] for output in wanted])


@pytest.mark.parametrize("name", NAMES)
@pytest.mark.parametrize("bars", [0, 300])
def test_a_bar_that_is_not_finite_or_not_whole_is_refused_and_changes_nothing(
    name: str, bars: int, market: Mapping[str, FloatArray]
) -> None:
    columns, parameters = inputs(name, market), GIVEN.get(name, {})
    live = indicators.stream(name, *(column[:bars] for column in columns), **parameters)
    whole = [float(column[bars]) for column in columns]
    for bad in ([*whole[:-1], math.nan], [math.inf, *whole[1:]], [*whole, 1.0], whole[1:]):
        for ask in (live.update, live.peek):
            with pytest.raises(InvalidValueError, match=f"{name} takes one finite number each for"):
                ask(*bad)
    wanted = BATCH.compute(name, tuple(column[: bars + 1] for column in columns), parameters)
    assert are_equal(as_tuple(live.update(*whole)), [output[-1] for output in wanted])


def test_a_history_may_begin_late_but_must_have_no_holes() -> None:
    closes = np.random.default_rng(4).uniform(90, 110, 60)
    late = np.concatenate(([np.nan, np.nan], closes))
    assert indicators.stream("rsi", late).value == indicators.rsi(closes)[-1]
    late[30] = np.nan
    with pytest.raises(InvalidValueError, match="bar 30 of the history is not finite"):
        indicators.stream("rsi", late)


def test_what_makes_no_sense_is_refused_in_one_line() -> None:
    with pytest.raises(InvalidValueError, match="no indicator 'vwap'"):
        indicators.stream("vwap")
    with pytest.raises(InvalidValueError, match="period must be at least 2"):
        indicators.stream("rsi", period=1)
    with pytest.raises(InvalidValueError, match="give 3 columns"):
        indicators.stream("atr", [1.0, 2.0])


def test_a_stream_is_opened_anew_rather_than_pickled() -> None:
    with pytest.raises(TypeError, match="pickle"):
        pickle.dumps(indicators.stream("rsi", [float(i) for i in range(30)]))
