"""Describes a run: every figure with its definition, tables, drawdowns, the curve for showing. Pure, and without pandas.

Equity counts open positions at each close, so a day's return or a drawdown here is what the account would have shown. Where freqtrade's
formula of the same name differs, its figure stands in a column of its own.
"""

import math
from collections.abc import Sequence

import numpy as np
import numpy.typing as npt

from trading.backtest.report import drawdowns, result_rows, slices, thinning, trade_rows
from trading.backtest.report.facts import Facts, gather
from trading.backtest.report.values import Dataset, Line, Provenance, Report, Trade
from trading.errors import InvalidValueError
from trading.types.research import BacktestRun, Bars

_MAYBE = {"stop_price", "mae_ratio", "mfe_ratio"}


def describe(
    run: BacktestRun,
    *,
    markets: Sequence[Bars],
    datasets: Sequence[Dataset] | None = None,
    provenance: Provenance | None = None,
) -> Report:
    """The report of `run` on `markets` (in the order of its terms), without flags and Monte Carlo; see `review.review` for all of it.
    `datasets` spares hashing the candles again where that was done.

    Raises InvalidValueError when the markets are not the run's.
    """
    if [bars.symbol for bars in markets] != [terms.symbol for terms in run.terms]:
        raise InvalidValueError("the markets of a report must be the run's own, in their order")
    facts = gather(run, markets=markets)
    start, trips = facts.start, facts.trips
    return Report(
        quote_asset=_quote_asset(facts.symbols),
        timeframe=run.timeframe,
        symbols=facts.symbols,
        rows=(*result_rows.rows(facts), *trade_rows.rows(facts)),
        instruments=slices.by_instrument(trips, symbols=facts.symbols, start=start),
        exits=slices.by_exit(trips, start=start),
        days=slices.by_day(trips, start=start),
        weeks=slices.by_week(trips, start=start),
        months=slices.by_month(trips, start=start),
        monthly=slices.monthly_returns(facts.curve),
        drawdowns=drawdowns.deepest(facts.curve),
        refusals=dict(run.refusals),
        datasets=tuple(datasets or map(dataset, markets)),
        equity=thinning.line(facts.curve.close_ms, facts.curve.equity),
        underwater=thinning.line(facts.curve.close_ms, -facts.curve.drawdown),
        benchmark=_benchmark(facts),
        candles=tuple(thinning.candles(bars) for bars in markets),
        trades=listed(run.trades),
        provenance=provenance,
    )


def listed(trades: npt.NDArray[np.void]) -> tuple[Trade, ...]:
    """Trades in TRADE_DTYPE as plain values; a stop or an excursion that is not known is None."""
    columns = [
        [None if math.isnan(value) else value for value in column] if name in _MAYBE else column
        for name, column in ((name, trades[name].tolist()) for name in Trade._fields)
    ]
    return tuple(map(Trade._make, zip(*columns, strict=True)))


def dataset(bars: Bars) -> Dataset:
    """What these candles are, with the bars missing between the first and the last."""
    first, last = (int(bars.open_time_ms[0]), int(bars.open_time_ms[-1])) if len(bars) else (0, 0)
    expected = (last - first) // bars.step_ms + 1 if len(bars) else 0
    return Dataset(
        venue=bars.venue,
        symbol=bars.symbol,
        timeframe=bars.timeframe,
        first_ms=first,
        last_ms=last,
        bars=len(bars),
        missing_bars=max(expected - len(bars), 0),
        digest=bars.digest,
    )


def _benchmark(facts: Facts) -> Line:
    held = facts.held
    if held is None:
        return Line()
    return thinning.line(held.close_ms, held.equity)


def _quote_asset(symbols: Sequence[str]) -> str:
    """BTC of ADA/BTC, USDT of BTC/USDT:USDT; empty when the instruments do not share one."""
    found = {symbol.partition("/")[2].partition(":")[0] for symbol in symbols}
    return found.pop() if len(found) == 1 else ""
