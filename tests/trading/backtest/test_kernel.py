"""The compiled loop against the same rules in plain Python, trade by trade; and what no run may break."""

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from tests.trading.backtest.worlds import STOPS, world
from trading.backtest import reference, run
from trading.types.research import ExitKind

WORLDS = st.integers(min_value=0, max_value=2**63 - 1)


def assert_same(ours, theirs):
    assert ours.refusals == theirs.refusals
    assert len(ours.trades) == len(theirs.trades)
    for name in ours.trades.dtype.names:
        if np.issubdtype(ours.trades.dtype[name], np.floating):
            np.testing.assert_allclose(ours.trades[name], theirs.trades[name], rtol=1e-9, atol=1e-9, err_msg=name)
        else:
            np.testing.assert_array_equal(ours.trades[name], theirs.trades[name], err_msg=name)
    np.testing.assert_array_equal(ours.time_ms, theirs.time_ms)
    np.testing.assert_allclose(ours.equity, theirs.equity, rtol=1e-9)


@pytest.mark.parametrize("stops", STOPS)
@settings(max_examples=120, deadline=None)
@given(seed=WORLDS)
def test_the_kernel_equals_plain_python_trade_by_trade(stops, seed):
    made = world(seed, stops=stops)
    assert_same(made.run(run.run), made.run(reference.run))
