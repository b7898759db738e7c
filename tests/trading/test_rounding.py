"""Rounding to a step: on the grid, on the right side, and never a whole step away."""

from decimal import Decimal as D

import pytest
from hypothesis import given
from hypothesis import strategies as st

from trading.types import round_down, round_up


@pytest.mark.parametrize(
    ("value", "step", "down", "up"),
    [
        ("1.005", "0.01", "1.00", "1.01"),
        ("1.01", "0.01", "1.01", "1.01"),
        ("0", "0.5", "0", "0"),
        ("-1.2", "0.5", "-1.5", "-1.0"),
        ("7", "5", "5", "10"),
    ],
)
def test_examples(value, step, down, up):
    assert round_down(D(value), step=D(step)) == D(down)
    assert round_up(D(value), step=D(step)) == D(up)


@given(
    st.decimals("-1000000", "1000000", places=8),
    st.sampled_from([D("0.00000001"), D("0.00001"), D("0.01"), D("0.05"), D("0.5"), D(1), D(25)]),
)
def test_the_nearest_multiple_on_the_right_side(value, step):
    down, up = round_down(value, step=step), round_up(value, step=step)
    assert down <= value <= up
    assert down % step == 0 == up % step
    assert up - down in (0, step)
