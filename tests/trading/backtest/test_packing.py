"""What is packed comes back the same."""

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


def test_damage_is_one_line() -> None:
    with pytest.raises(InvalidValueError, match="run the backtest again"):
        packing.unpack(packing.pack(np.arange(5))[:-3])
