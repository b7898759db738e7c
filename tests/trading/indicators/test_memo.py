"""A sweep's memory: the same question once, never another's answer, and never more memory than allowed."""

from collections.abc import Mapping
from typing import Any

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from trading import indicators
from trading.indicators.facade import Facade, Outputs

VALUES = np.random.default_rng(8).uniform(90, 110, 1000)
BYTES = VALUES.nbytes


class Counting(Facade):
    name = "counting"

    def __init__(self) -> None:
        self.asked: list[str] = []

    def compute(self, name: str, given: tuple[Any, ...], parameters: Mapping[str, Any]) -> Outputs:
        self.asked.append(name)
        return indicators.provider().compute(name, given, parameters)


def test_the_same_question_is_computed_once_however_it_is_put() -> None:
    counting = Counting()
    memo = indicators.cached(counting)
    first = memo.rsi(VALUES)
    assert memo.rsi(VALUES, period=14) is first
    assert memo.rsi(VALUES[:]) is first
    assert np.array_equal(first, indicators.rsi(VALUES), equal_nan=True)
    assert counting.asked == ["rsi"]
    assert (memo.hits, memo.misses, memo.name) == (2, 1, "counting")


def test_other_parameters_columns_and_indicators_are_other_questions() -> None:
    memo = indicators.cached(Counting())
    memo.ema(VALUES, period=14)
    for other in (memo.rsi(VALUES), memo.sma(VALUES, period=14), memo.ema(VALUES[1:], period=14)):
        assert other.size
    memo.ema(VALUES[::2], period=14)
    memo.ema(VALUES[:500], period=14)
    memo.ema(VALUES.copy(), period=14)
    assert (memo.hits, memo.misses) == (0, 7)


def test_several_outputs_come_back_as_they_were() -> None:
    memo = indicators.cached(indicators.provider())
    upper, _, lower = memo.bollinger(VALUES)
    again = memo.bollinger(VALUES, period=20, deviations=2.0)
    assert again[0] is upper
    assert again[2] is lower


def test_what_is_shared_cannot_be_written_to() -> None:
    shared = indicators.cached(indicators.provider()).rsi(VALUES)
    with pytest.raises(ValueError, match="read-only"):
        shared[0] = 1.0
    assert np.array_equal(indicators.provider("numba").sma(shared, period=3).shape, shared.shape)


def test_a_column_that_came_and_went_is_never_mistaken_for_another() -> None:
    """Freed memory is handed out again at once; a memory by address alone would answer with the last one's numbers."""
    memo = indicators.cached(indicators.provider())
    for level in range(50):
        column = np.full(1000, float(level))
        assert memo.sma(column, period=2)[-1] == level


@settings(max_examples=30, deadline=None)
@given(st.lists(st.integers(2, 12), max_size=40), st.integers(0, 8))
def test_it_never_keeps_more_than_allowed_and_always_answers_right(periods: list[int], room: int) -> None:
    memo = indicators.cached(indicators.provider(), most_bytes=room * BYTES)
    for period in periods:
        assert np.array_equal(
            memo.sma(VALUES, period=period), indicators.sma(VALUES, period=period), equal_nan=True
        )
        assert memo.size_bytes <= room * BYTES
    kept = len(set(periods))
    if kept + 1 <= room:  # each result, and the one column all are about
        assert memo.size_bytes == (kept + 1 if kept else 0) * BYTES
        assert memo.misses == kept


def test_the_least_used_goes_first() -> None:
    counting = Counting()
    memo = indicators.cached(counting, most_bytes=3 * BYTES)
    memo.sma(VALUES, period=2)
    memo.sma(VALUES, period=3)
    memo.sma(VALUES, period=2)
    memo.sma(VALUES, period=4)
    memo.sma(VALUES, period=2)
    assert (memo.hits, memo.misses) == (2, 3)


def test_nonsense_is_refused_before_it_is_remembered() -> None:
    memo = indicators.cached(indicators.provider())
    with pytest.raises(ValueError, match="at least 2"):
        memo.rsi(VALUES, period=1)
    assert memo.size_bytes == 0
