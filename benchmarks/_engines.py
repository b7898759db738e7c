"""One year of made-up minutes and the engines that trade it, each the same plain RSI strategy: for `benchmarks/backtest.py`."""

from collections.abc import Callable
from typing import Any

import numba
import numpy as np

SEED = 7
STOP, TARGET, FEE = 0.02, 0.04, 0.001
START = 1e12  # so that fees never eat it up: engines stop trading at different smallest amounts
PERIODS = range(6, 26, 2)  # of the sweep
START_MS = 1_704_067_200_000
Columns = dict[str, Any]


# --- the market ----------------------------------------------------------------------------------------------------------------


def make_market(bars: int) -> Columns:
    """Geometric Brownian motion in eight steps a bar, its volatility a lag-one autoregression in logs: calm, and bursts."""
    rng = np.random.default_rng(SEED)
    shocks, level = rng.standard_normal(bars), np.empty(bars)
    level[0] = 0.0
    for bar in range(1, bars):
        level[bar] = 0.97 * level[bar - 1] + 0.16 * shocks[bar]
    sigma = 0.0007 * np.exp(level)
    path = np.exp(np.cumsum((rng.standard_normal((bars, 8)) * (sigma / np.sqrt(8))[:, None]).ravel()))
    price = 30_000 * path.reshape(bars, 8)
    close = price[:, -1].copy()
    open_ = np.concatenate(([30_000.0], close[:-1]))
    high, low = np.maximum(price.max(axis=1), open_), np.minimum(price.min(axis=1), open_)
    return {
        "open": open_,
        "high": high,
        "low": low,
        "close": close,
        "time": START_MS + np.arange(bars) * 60_000,
    }


def add_rsi(market: Columns) -> None:
    import talib

    for period in {14, *PERIODS}:
        market[f"rsi{period}"] = talib.RSI(market["close"], period)


# --- the limit -----------------------------------------------------------------------------------------------------------------


@numba.njit(cache=True)
def bare_loop(open_, high, low, close, rsi, below, above, is_curve, equity, trades):  # type: ignore[no-untyped-def]
    """The least anybody could do: one instrument, no checks, no sizing, no costs but the fee. With `is_curve` also the equity curve,
    the deepest fall and the Sharpe ratio over bars."""
    cash, units, stop, target, count, worst, peak, last = START, 0.0, 0.0, 0.0, 0, 0.0, START, START
    enter, leave, entry, first, total, squares = False, False, 0.0, 0, 0.0, 0.0
    for bar in range(close.size):
        price = 0.0
        if units > 0.0:
            if leave or open_[bar] <= stop or open_[bar] >= target:
                price = open_[bar]
        elif enter:
            entry, first = open_[bar], bar
            units, stop, target = cash / (entry * (1 + FEE)), entry * (1 - STOP), entry * (1 + TARGET)
        if units > 0.0 and price == 0.0:
            if low[bar] <= stop:
                price = stop
            elif high[bar] >= target:
                price = target
        if price > 0.0:
            cash = units * price * (1 - FEE)
            trades[count, 0], trades[count, 1], trades[count, 2], trades[count, 3] = first, bar, entry, price
            units, count = 0.0, count + 1
        enter, leave = rsi[bar] < below, rsi[bar] > above
        if is_curve:
            value = cash if units == 0.0 else units * close[bar]
            equity[bar] = value
            peak = max(peak, value)
            worst = max(worst, 1 - value / peak)
            change = value / last - 1
            total, squares, last = total + change, squares + change * change, value
    final = cash if units == 0.0 else units * close[-1]
    mean = total / close.size
    spread = np.sqrt(max(squares / close.size - mean * mean, 1e-300))
    return count, final, worst, mean / spread * np.sqrt(525_600)


def limit_once(market: Columns, *, period: int = 14, below: float = 30.0, is_curve: bool = True) -> int:
    prices = [market[name] for name in ("open", "high", "low", "close")]
    size = market["close"].size
    equity, trades = np.empty(size if is_curve else 1), np.empty((size // 8, 4))
    loop: Any = bare_loop
    found = loop(*prices, market[f"rsi{period}"], below, 100.0 - below, is_curve, equity, trades)
    return int(found[0])


# --- the engines: each gives a function that runs once and says how many trades closed ------------------------------------------


def own(market: Columns) -> Callable[..., int]:
    from trading.backtest.capital import unlimited
    from trading.backtest.metrics import quick
    from trading.backtest.run import run
    from trading.types.research import Bars, ExitKind, MarketTerms, Signals

    prices = {name: market[name] for name in ("open", "high", "low", "close")}
    bars = Bars(
        venue="synthetic",
        symbol="BTC/USDT",
        timeframe="1m",
        open_time_ms=market["time"],
        volume_base=np.ones(market["close"].size),
        **prices,
    )
    terms = MarketTerms(venue="synthetic", symbol="BTC/USDT", maker_fee_ratio=FEE, taker_fee_ratio=FEE)
    money = unlimited(start_equity=START)
    stop, target, none, half = (np.array([value]) for value in (STOP, TARGET, np.nan, 0.5))

    def once(*, period: int = 14, below: float = 30.0) -> int:
        rsi = market[f"rsi{period}"]
        signals = Signals(
            enter=rsi < below,
            exit=rsi > 100.0 - below,
            stop_ratio=stop,
            target_ratio=target,
            trailing_ratio=none,
            confidence_ratio=half,
        )
        done = run([bars], [signals], terms=[terms], capital=money)
        quick(done)
        return int((done.trades["exit_kind"] != ExitKind.END).sum())

    return once


def vectorbt_rust(market: Columns) -> Callable[..., int]:
    """Signals shifted to the next open, single columns, the Rust engine: its fastest use."""
    import vectorbt

    column = {name: market[name].reshape(-1, 1) for name in ("open", "high", "low", "close")}

    def once(*, period: int = 14, below: float = 30.0, is_curve: bool = True) -> int:
        rsi = market[f"rsi{period}"]
        before = np.concatenate(([np.nan], rsi[:-1])).reshape(-1, 1)
        done = vectorbt.Portfolio.from_signals(
            column["close"],
            before < below,
            before > 100.0 - below,
            price=column["open"],
            open=column["open"],
            high=column["high"],
            low=column["low"],
            stop_entry_price="fillprice",
            sl_stop=STOP,
            tp_stop=TARGET,
            fees=FEE,
            init_cash=START,
            freq="1min",
            engine="rust",
        )
        closed = int(done.trades.closed.count().iloc[0])
        if is_curve:
            done.total_return(), done.sharpe_ratio(), done.max_drawdown(), done.trades.win_rate()
        return closed

    return once


def backtesting_py(market: Columns) -> Callable[..., int]:
    import warnings

    import pandas as pd
    from backtesting import Backtest, Strategy

    rsi = market["rsi14"]
    frame = pd.DataFrame(
        {name.title(): market[name] for name in ("open", "high", "low", "close")},
        index=pd.DatetimeIndex(market["time"].astype("datetime64[ms]")),
    )

    class Rsi(Strategy):  # type: ignore[misc] # an untyped library
        def init(self) -> None:
            pass

        def next(self) -> None:
            bar = len(self.data) - 1
            if self.position:
                if rsi[bar] > 70:
                    self.position.close()
            elif rsi[bar] < 30:
                price = self.data.Close[-1]
                self.buy(sl=price * (1 - STOP), tp=price * (1 + TARGET))

    def once() -> int:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")
            done = Backtest(frame, Rsi, cash=START, commission=FEE).run()
        return len(done["_trades"])

    return once


ENGINES: dict[str, Callable[[Columns], Callable[..., int]]] = {
    "limit": lambda market: lambda **changes: limit_once(market, **changes),
    "own": own,
    "vectorbt-rust": vectorbt_rust,
    "backtesting.py": backtesting_py,
}
