"""The t-test against scipy's, which the product does not import for it."""

import math

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from trading.backtest.report import student


@given(st.floats(-60, 60), st.integers(1, 100_000))
@settings(max_examples=40, deadline=None)
def test_probability_equals_scipys(t: float, freedom: int) -> None:
    from scipy.special import stdtr

    assert student.two_sided(t, freedom=freedom) == pytest.approx(
        2 * stdtr(freedom, -abs(t)), rel=1e-6, abs=1e-290
    )


@given(st.lists(st.floats(-1, 1), min_size=2, max_size=200).filter(lambda values: np.std(values) > 1e-6))
@settings(max_examples=40, deadline=None)
def test_p_value_equals_scipys_one_sample_test(values: list[float]) -> None:
    from scipy.stats import ttest_1samp

    assert student.p_value(np.array(values)) == pytest.approx(
        ttest_1samp(values, 0.0).pvalue, rel=1e-6, abs=1e-290
    )


@pytest.mark.parametrize("values", [[], [0.1], [0.0, 0.0], [0.1] * 7])
def test_nothing_is_told_without_spread(values: list[float]) -> None:
    assert student.p_value(np.array(values)) is None


def test_the_test_reads_no_more_into_a_coin() -> None:
    assert student.two_sided(0.0, freedom=9) == pytest.approx(1)
    assert math.isclose(student.two_sided(2.262157, freedom=9), 0.05, abs_tol=1e-7)
