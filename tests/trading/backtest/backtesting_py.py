"""The same signals through backtesting.py, an engine of other people: a trade-by-trade check of ours, never a part of the product.

It knows one instrument, all the money in every trade, market orders at the next open, a stop, a target and a fee. So: no slippage, and
`trading.backtest.capital.unlimited` on our side. The stop counts from the fill, which is the next open; it is set when the order is made,
so that the entry bar is looked at too. Time stops and trailing stops are told at each close: a position that is over is closed, a stop
that trails is set anew.

One rule differs. A bar that opens at or above the target and then falls to the stop: ours has sold at that open, as the desk does.
backtesting.py asks every bar for its stop before its target, whatever came first, and sells at the stop. And it does not hear what is
said at the very first bar.
"""

import warnings
from typing import NamedTuple

import numpy as np
import pytest

from trading.types.research import Bars, ExitKind, Signals

# A power of two: scaling prices by it, as FractionalBacktest does, rounds nothing.
UNIT = 2.0**-30
ROUNDING = 1e-12


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
    closed: dict[int, ExitKind] = {}
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        test = FractionalBacktest(
            frame,
            strategy(bars, signals, closed=closed),
            cash=start_equity,
            commission=fee_ratio,
            fractional_unit=UNIT,
            finalize_trades=False,
        )
        done = test.run()["_trades"]
    return [_trade(row, signals=signals, closed=closed) for row in done.sort_values("ExitBar").itertuples()]


def strategy(bars: Bars, signals: Signals, *, closed: dict[int, ExitKind]):
    """A Strategy class that says what `signals` say, and writes into `closed` what it ended itself: entry bar -> why."""
    from backtesting import Strategy

    stop, target, trailing = (
        np.broadcast_to(column, len(bars)).tolist()
        for column in (signals.stop_ratio, signals.target_ratio, signals.trailing_ratio)
    )
    enter, leave = (signals.enter & ~signals.exit).tolist(), signals.exit.tolist()
    fills, highs = (bars.open * UNIT).tolist(), (bars.high * UNIT).tolist()

    class Said(Strategy):
        def init(self) -> None:
            self.highest = 0.0

        def next(self) -> None:
            bar = len(self.data) - 1
            if self.trades:
                self.hold(self.trades[0], bar=bar)
            elif enter[bar] and bar + 1 < len(bars):
                self.order(bar)

        def order(self, bar: int) -> None:
            # Given to the made order: `buy(sl=…)` compares them with this close, not with the fill they belong to.
            fill = self.highest = fills[bar + 1]
            self.buy(tag=bar)._replace(
                sl_price=self.level(fill * (1.0 - stop[bar]), said=bar),
                tp_price=None if np.isnan(target[bar]) else fill * (1.0 + target[bar]),
            )

        def hold(self, trade, *, bar: int) -> None:
            is_over = 0 < signals.max_hold_bars <= bar - trade.entry_bar + 1
            if leave[bar] or is_over:
                closed[trade.entry_bar] = ExitKind.SIGNAL if leave[bar] else ExitKind.TIME
                trade.close()
                return
            self.highest = max(self.highest, highs[bar])
            level = self.level(trade.sl, said=trade.tag)
            if level > trade.sl:
                trade.sl = level

        def level(self, fixed: float, *, said: int) -> float:
            """The stop, or where it has trailed to if that is higher."""
            return fixed if np.isnan(trailing[said]) else max(fixed, self.highest * (1.0 - trailing[said]))

    return Said


def _trade(row, *, signals: Signals, closed: dict[int, ExitKind]) -> PeerTrade:
    kind = closed.get(row.EntryBar)
    if kind is None:
        kind = ExitKind.TARGET
        if row.ExitPrice <= row.SL * (1 + ROUNDING):
            ratio = np.broadcast_to(signals.stop_ratio, signals.enter.shape)[row.Tag]
            fixed = row.EntryPrice * (1 - ratio)
            kind = ExitKind.TRAILING if fixed * (1 + ROUNDING) < row.SL else ExitKind.STOP
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
