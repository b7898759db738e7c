"""Warming compiles once for every kind of input a run may get: strided, read-only, of other number types, with and without columns."""

import subprocess
import sys

import numpy as np

from trading.backtest import kernel, metrics, pairs, warm
from trading.backtest.capital import unlimited
from trading.backtest.run import run, run_pair
from trading.types.research import Bars, MarketTerms, Signals

COMPILED = (kernel.simulate, pairs.simulate, metrics._deepest)


def market(symbol, *, kind):
    def column(values):
        made = np.array(values, dtype=np.float32 if kind == "other types" else np.float64)
        if kind == "strided":
            made = np.repeat(made, 2)[::2]
        made.flags.writeable = kind != "read-only"
        return made

    prices = dict.fromkeys(("open", "high", "low", "close", "volume_base"), column([100, 101, 102, 103]))
    return Bars(venue="a", symbol=symbol, timeframe="1m", open_time_ms=np.arange(4) * 60_000, **prices)


def test_after_warming_nothing_is_compiled():
    warm()
    before = [len(one.signatures) for one in COMPILED]
    assert before == [1, 1, 1]
    for kind in ("plain", "strided", "read-only", "other types"):
        legs = market("A/B", kind=kind), market("A/B:B", kind=kind)
        terms = [
            MarketTerms(venue="a", symbol=bars.symbol, maker_fee_ratio=0, taker_fee_ratio=0) for bars in legs
        ]
        for size in (1, 4):
            said = Signals(
                enter=np.array([True, False, False, False]),
                exit=np.zeros(8, dtype=np.bool_)[::2],
                stop_ratio=np.full(size, 0.1),
                target_ratio=np.full(size, 0.1, dtype=np.float32),
                trailing_ratio=np.full(size, np.nan),
                confidence_ratio=np.full(size, 1),
                max_hold_bars=1,
            )
            capital = unlimited(start_equity=100)
            metrics.quick(run(legs[:1], [said], terms=terms[:1], capital=capital))
            run(legs, [said, said], terms=terms, capital=capital)
            run_pair(*legs, said, terms=terms, capital=capital, funding=np.zeros(4, dtype=np.float32))
    assert [len(one.signatures) for one in COMPILED] == before


def test_nothing_heavy_is_imported_with_the_package():
    """A desk process that only names the package pays for no compiler; a run needs neither pandas nor vectorbt."""
    look = "import sys; print(sorted({'numba', 'pandas', 'vectorbt', 'plotly'} & set(sys.modules)))"
    for lines, expected in (
        ("import trading.backtest, trading.backtest.capital", "[]"),
        ("from trading.backtest import warm; warm()", "['numba']"),
    ):
        done = subprocess.run(
            [sys.executable, "-c", f"{lines}; {look}"], capture_output=True, text=True, check=True
        )
        assert done.stdout.strip() == expected
