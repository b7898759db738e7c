"""One tiny run of each kind: what it compiles is all that a real run needs, because the kernels see one kind of array only."""

import numpy as np

from trading.backtest.capital import unlimited
from trading.backtest.metrics import quick
from trading.backtest.run import run, run_pair
from trading.types.research import Bars, MarketTerms, Signals


def warm_all() -> None:
    signals = Signals(
        enter=np.array([True, False, False]),
        exit=np.zeros(3, dtype=np.bool_),
        stop_ratio=np.array([0.1]),
        target_ratio=np.array([np.nan]),
        trailing_ratio=np.array([np.nan]),
        confidence_ratio=np.array([0.5]),
    )
    spot, perpetual = _bars("A/B"), _bars("A/B:B")
    terms = [
        MarketTerms(venue="none", symbol=bars.symbol, maker_fee_ratio=0.0, taker_fee_ratio=0.0)
        for bars in (spot, perpetual)
    ]
    capital = unlimited(start_equity=1000.0)
    quick(run([spot], [signals], terms=terms[:1], capital=capital))
    run_pair(spot, perpetual, signals, terms=terms, capital=capital)


def _bars(symbol: str) -> Bars:
    price = np.array([100.0, 101.0, 102.0])
    return Bars(
        venue="none",
        symbol=symbol,
        timeframe="1m",
        open_time_ms=np.arange(3) * 60_000,
        open=price,
        high=price,
        low=price,
        close=price,
        volume_base=price,
    )
