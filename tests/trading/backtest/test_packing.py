"""What is packed comes back the same, and a thinned curve hides no drawdown."""

import numpy as np
import pytest

from trading.backtest import packing
from trading.errors import InvalidValueError
from trading.types.research import TRADE_DTYPE


def test_trades_come_back_with_their_columns() -> None:
    trades = np.zeros(3, dtype=TRADE_DTYPE)
    trades["pnl"] = (1.5, -2.25, np.nan)
    found = packing.unpack(packing.pack(trades))
    assert found.dtype == TRADE_DTYPE
    np.testing.assert_array_equal(found["pnl"], trades["pnl"])


def test_a_long_curve_is_thinned_and_keeps_its_ends_and_extremes() -> None:
    rng = np.random.default_rng(3)
    equity = 10_000 + rng.standard_normal(100_000).cumsum()
    time_ms = np.arange(equity.size) * 60_000
    times, values = packing.unpack_curve(packing.pack_curve(time_ms, equity))
    assert times.size <= packing.CURVE_POINTS
    assert (times[0], times[-1]) == (0, time_ms[-1])
    assert values.min() == pytest.approx(equity.min(), rel=1e-8)
    assert values.max() == pytest.approx(equity.max(), rel=1e-8)


def test_a_short_curve_stays_whole() -> None:
    times, values = packing.unpack_curve(packing.pack_curve(np.arange(5), np.arange(5.0)))
    assert times.tolist() == [0, 1, 2, 3, 4]
    assert values.tolist() == [0, 1, 2, 3, 4]


def test_damage_is_one_line() -> None:
    with pytest.raises(InvalidValueError, match="run the backtest again"):
        packing.unpack(packing.pack(np.arange(5))[:-3])
