"""The compiled pair against plain Python."""

import pytest
from hypothesis import given, settings

from tests.trading.backtest.test_kernel import WORLDS, assert_same
from tests.trading.backtest.worlds import STOPS, pair_world
from trading.backtest import reference, run


@pytest.mark.parametrize("stops", STOPS)
@settings(max_examples=80, deadline=None)
@given(seed=WORLDS)
def test_the_pair_equals_plain_python_trade_by_trade(stops, seed):
    made = pair_world(seed, stops=stops)
    assert_same(made.run(run.run_pair), made.run(reference.run_pair))
