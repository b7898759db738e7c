"""The same signals through backtesting.py, an engine of other people: a trade-by-trade check of ours, never a part of the product.

It knows one instrument, all the money in every trade, market orders at the next open, a stop, a target and a fee. So: no slippage, no
trailing or time stop, `trading.backtest.capital.unlimited` on our side. The stop counts from the fill, which is the next open; it is
set when the order is made, so that the entry bar is looked at too.
"""

import warnings
from typing import NamedTuple

import numpy as np
import pytest

from trading.types.research import Bars, ExitKind, Signals

# A power of two: scaling prices by it, as FractionalBacktest does, rounds nothing.
UNIT = 2.0**-30


class PeerTrade(NamedTuple):
    """A closed trade; bars count from 0, prices are in quote."""

    kind: ExitKind
    entry_bar: int
    exit_bar: int
    entry_price: float
    exit_price: float
    size_base: float


def peer_trades(bars: Bars, signals: Signals, *, fee_ratio: float, start_equity: float) -> list[PeerTrade]:
    """The closed trades; one still open at the end is left out. Skips the test where backtesting.py is not installed."""
    pytest.importorskip(
        "backtesting", reason="backtesting.py is a development dependency and not installed here"
    )
    import pandas as pd
    from backtesting.lib import FractionalBacktest

    frame = pd.DataFrame(
        {
            "Open": bars.open,
            "High": bars.high,
            "Low": bars.low,
            "Close": bars.close,
            "Volume": bars.volume_base,
        },
        index=pd.to_datetime(bars.open_time_ms, unit="ms"),
    )
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        test = FractionalBacktest(
            frame,
            strategy(bars, signals),
            cash=start_equity,
            commission=fee_ratio,
            fractional_unit=UNIT,
            finalize_trades=False,
        )
        done = test.run()["_trades"]
    return [_trade(row, signals=signals) for row in done.sort_values("ExitBar").itertuples()]


def strategy(bars: Bars, signals: Signals):
    """A Strategy class that says what `signals` say."""
    from backtesting import Strategy

    stop, target = (
        np.broadcast_to(column, len(bars)) for column in (signals.stop_ratio, signals.target_ratio)
    )
    fills = bars.open * UNIT

    class Said(Strategy):
        def init(self) -> None:
            pass

        def next(self) -> None:
            bar = len(self.data) - 1
            if self.position:
                if signals.exit[bar]:
                    self.position.close()
            elif signals.enter[bar] and not signals.exit[bar] and bar + 1 < len(bars):
                # Given to the made order: `buy(sl=…)` compares them with this close, not with the fill they belong to.
                fill = fills[bar + 1]
                has_target = not np.isnan(target[bar])
                self.buy()._replace(
                    sl_price=fill * (1.0 - stop[bar]),
                    tp_price=fill * (1.0 + target[bar]) if has_target else None,
                )

    return Said


def _trade(row, *, signals: Signals) -> PeerTrade:
    if signals.exit[row.ExitBar - 1] and row.ExitBar > row.EntryBar:
        kind = ExitKind.SIGNAL
    else:
        kind = ExitKind.STOP if row.ExitPrice <= row.SL * (1 + 1e-12) else ExitKind.TARGET
    return PeerTrade(
        kind,
        int(row.EntryBar),
        int(row.ExitBar),
        float(row.EntryPrice),
        float(row.ExitPrice),
        float(row.Size),
    )


def assert_equal(trades, peer: list[PeerTrade]) -> None:
    """Our closed trades against theirs: bars and kinds exactly, prices to rounding, sizes to their smallest unit."""
    ours = trades[trades["exit_kind"] != ExitKind.END]
    assert [(int(t["exit_kind"]), int(t["entry_bar"]), int(t["exit_bar"])) for t in ours] == [
        (int(t.kind), t.entry_bar, t.exit_bar) for t in peer
    ]
    for name, tolerance in (("entry_price", 1e-9), ("exit_price", 1e-9), ("size_base", 1e-6)):
        np.testing.assert_allclose(ours[name], [getattr(t, name) for t in peer], rtol=tolerance, err_msg=name)
