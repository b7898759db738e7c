"""A backtest: bars, signals, costs and capital in; trades and an equity curve out."""

from collections.abc import Sequence

import numpy as np
import numpy.typing as npt

from trading.backtest import inputs, kernel, layout, pairs
from trading.errors import InvalidValueError
from trading.types.research import (
    TRADE_DTYPE,
    BacktestRun,
    Bars,
    Capital,
    FloatArray,
    IntArray,
    MarketTerms,
    Signals,
)


def run(
    markets: Sequence[Bars], signals: Sequence[Signals], *, terms: Sequence[MarketTerms], capital: Capital
) -> BacktestRun:
    """Trades every instrument on the union of their times, from one capital; long only, as the desk is.

    The rules stand in `trading/backtest/kernel.py`. Times of trades are the open times of their bars. A position still open at
    the end is valued at its instrument's last close. Raises InvalidValueError, one line, for what does not fit together and for
    the first bar that is none.
    """
    inputs.check(markets, terms=terms, capital=capital)
    if len(signals) != len(markets):
        raise InvalidValueError(f"{len(markets)} instruments need as many signals, not {len(signals)}")
    for item, bars in zip(signals, markets, strict=True):
        inputs.check_signals(item, bars=bars)
    market = inputs.market_of(markets)
    # NumPy's own allocation: it asks for huge pages, which numba's does not, and that is half of a run's time.
    equity = np.empty(market.timeline.size)
    done = kernel.simulate(
        market, inputs.said_of(signals), inputs.costs_of(terms), inputs.stakes_of(capital), equity
    )
    if done.fault >= 0:
        raise inputs.bad_bar(markets, row=done.fault, first=market.first)
    return BacktestRun(
        time_ms=market.timeline,
        equity=equity,
        trades=records(
            done.trades[: done.trade_count], columns=layout.TRADE_COLUMNS, time_ms=market.timeline
        ),
        terms=tuple(terms),
        capital=capital,
        timeframe=markets[0].timeframe,
        refusals=refusals(done.refusals, reasons=layout.REASONS),
    )


def run_pair(
    long: Bars,
    short: Bars,
    signals: Signals,
    *,
    terms: Sequence[MarketTerms],
    capital: Capital,
    funding: FloatArray | None = None,
) -> BacktestRun:
    """Trades a pair in equal base size: long the first instrument, short the second, entered and left together.

    The rules stand in `trading/backtest/pairs.py`. `signals` has one value per bar of the long leg; `terms` are the long leg's, then
    the short one's. `funding` has one value per bar of the short leg: the rate paid at that bar's open, 0 or NaN where none is due
    (`pairs.funding_flows` makes it; a rate carried forward over all bars would be paid at each). Each pair gives two trades, the
    long leg first; a leg has no stop price of its own (NaN), and funding is in the short leg's `pnl`.
    """
    inputs.check_pair(long, short=short, terms=terms, capital=capital, funding=funding)
    inputs.check_signals(signals, bars=long)
    market = inputs.market_of([long, short])
    equity = np.empty(market.timeline.size)
    flows = inputs.shown(np.zeros(len(short)) if funding is None else np.asarray(funding, dtype=np.float64))
    done = pairs.simulate(
        market, inputs.said_of([signals]), flows, inputs.costs_of(terms), inputs.stakes_of(capital), equity
    )
    if done.fault >= 0:
        raise inputs.bad_bar([long, short], row=done.fault, first=market.first)
    trades = records(done.trades[: done.trade_count], columns=layout.TRADE_COLUMNS, time_ms=market.timeline)
    trades["side"] = np.where(trades["instrument"] == 0, 1, -1)
    return BacktestRun(
        time_ms=market.timeline,
        equity=equity,
        trades=trades,
        terms=tuple(terms),
        capital=capital,
        timeframe=long.timeframe,
        refusals=refusals(done.refusals, reasons=layout.REASONS),
    )


def records(table: FloatArray, *, columns: Sequence[str], time_ms: IntArray) -> npt.NDArray[np.void]:
    """The kernel's table of trades as TRADE_DTYPE."""
    trades = np.zeros(table.shape[0], dtype=TRADE_DTYPE)
    trades["side"] = 1
    for number, name in enumerate(columns):
        trades[name] = table[:, number]
    for end in ("entry", "exit"):
        trades[f"{end}_time_ms"] = time_ms[trades[f"{end}_bar"]]
    trades["return_ratio"] = trades["pnl"] / (trades["entry_price"] * trades["size_base"])
    return trades


def refusals(counts: IntArray, *, reasons: Sequence[str]) -> dict[str, int]:
    return {reason: int(count) for reason, count in zip(reasons, counts, strict=True) if count}
