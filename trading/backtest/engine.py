"""A run as a vectorbt portfolio: its records, statistics and figures, and a second opinion on our own bookkeeping.

The only file that knows vectorbt, and only when it is asked: importing it takes seconds, and plain installs do not have it. Our fills
become its orders; the Rust engine is demanded, so that a silent fall back to the slow one fails instead.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from importlib.util import find_spec
from typing import TYPE_CHECKING, Any

import numpy as np
import numpy.typing as npt

from trading.errors import ConfigurationError, InvalidValueError
from trading.types.research import BacktestRun, Bars, BoolArray, ExitKind, FloatArray, IntArray

if TYPE_CHECKING:
    import pandas

TOLERANCE = 1e-9


@dataclass(frozen=True, slots=True, kw_only=True)
class Compared:
    """A figure as we and as vectorbt's accounting see it; for the equity curve, the value at its worst bar."""

    figure: str
    ours: float
    theirs: float
    agrees: bool


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class Opinion:
    """vectorbt's portfolio of our fills, and what of it was compared with our own books."""

    portfolio: Any
    figures: tuple[Compared, ...]

    @property
    def differences(self) -> tuple[Compared, ...]:
        return tuple(figure for figure in self.figures if not figure.agrees)


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class _Rows:
    """vectorbt takes one order per row and column, in the order of the columns. Where a bar needs more, it gets rows before its own:
    one for exits at the open that make room for entries, one for entries that end in the same bar."""

    exits: IntArray  # per bar: the row of exits at the open
    entries: IntArray
    closes: IntArray  # the row of everything inside the bar, valued at the close
    count: int


def portfolio(run: BacktestRun, *, markets: Sequence[Bars]) -> Any:
    """The run as a `vectorbt.Portfolio` of one group with shared cash, a column per instrument in the order of its terms.

    A bar's row is named by its open time; rows that had to be put before it are a millisecond or two earlier. Funding counts as a
    negative fee of the order that ends it. Raises ConfigurationError, one line, where vectorbt is not installed.
    """
    vectorbt = _vectorbt()
    if [bars.symbol for bars in markets] != [terms.symbol for terms in run.terms]:
        raise InvalidValueError("the markets must be the run's own, in their order")
    at_open = _is_at_open(run, markets=markets)
    rows = _rows(run, at_open=at_open)
    size, price, fees = _orders(run, rows=rows, at_open=at_open)
    close = _closes(run, markets=markets, rows=rows)
    return vectorbt.Portfolio.from_orders(
        close,
        size=size,
        price=price,
        fixed_fees=fees,
        fees=0.0,
        slippage=0.0,
        size_type="amount",
        direction="both",
        init_cash=run.capital.start_equity,
        cash_sharing=True,
        group_by=True,
        raise_reject=True,
        max_orders=max(1, int(np.count_nonzero(~np.isnan(size)))),
        freq=f"{markets[0].step_ms}ms",
        engine="rust",
    )


def second_opinion(run: BacktestRun, *, markets: Sequence[Bars]) -> Opinion:
    """vectorbt's accounting of our fills beside ours; they agree within 1e-9 of the start equity.

    Looked at: final equity, the whole curve, the number of trades, fees, the deepest drawdown. With funding the curve and its drawdown are
    left out: vectorbt knows no payments between orders.
    """
    done = portfolio(run, markets=markets)
    closes = _rows(run, at_open=_is_at_open(run, markets=markets)).closes
    value = done.value().iloc[closes]
    funding, is_open = _funding(run), run.trades["exit_kind"] == ExitKind.END
    fees = float((run.trades["entry_fee"] + run.trades["exit_fee"]).sum())
    figures = [
        ("final_equity", float(run.equity[-1]), float(value.iloc[-1] + funding[is_open].sum())),
        ("trades", float(run.trades.size), float(done.trades.count())),
        ("fees", fees, float(done.orders.records["fees"].sum() + funding[~is_open].sum())),
    ]
    if not funding.any():
        theirs = value.to_numpy()
        worst = int(np.argmax(np.abs(theirs - run.equity)))
        figures.append(("equity", float(run.equity[worst]), float(theirs[worst])))
        # Rows put before a bar's own are valued too, at opens, where a fall may be deeper than at any close.
        deepest = -float(done.max_drawdown()) if value.size == done.wrapper.shape[0] else _deepest(theirs)
        figures.append(("max_drawdown_ratio", _deepest(run.equity), deepest))
    scale = {"max_drawdown_ratio": 1.0, "trades": 1.0}
    return Opinion(
        portfolio=done,
        figures=tuple(
            Compared(
                figure=name,
                ours=ours,
                theirs=theirs,
                agrees=abs(ours - theirs) <= TOLERANCE * scale.get(name, run.capital.start_equity),
            )
            for name, ours, theirs in figures
        ),
    )


def require() -> None:
    """ConfigurationError, one line, where vectorbt is not installed; says so without importing it."""
    if find_spec("vectorbt") is None or find_spec("vectorbt_rust") is None:
        raise ConfigurationError("vectorbt is not installed; run ./install.sh --research to add it")


def _vectorbt() -> Any:
    require()
    import vectorbt

    return vectorbt


def _funding(run: BacktestRun) -> FloatArray:
    """What a short leg received besides its price change; rounding is none."""
    trades = run.trades
    change = trades["side"] * (trades["exit_price"] - trades["entry_price"]) * trades["size_base"]
    rest = trades["pnl"] - (change - trades["entry_fee"] - trades["exit_fee"])
    is_more = np.abs(rest) > 1e-12 * trades["size_base"] * trades["entry_price"]
    return np.where(is_more & (trades["side"] < 0), rest, 0.0)


def _is_at_open(run: BacktestRun, *, markets: Sequence[Bars]) -> BoolArray:
    """Per trade: it ended at the open of a bar after its first, whatever ended it."""
    trades = run.trades
    found = np.zeros(trades.size, dtype=np.bool_)
    for number, (bars, terms) in enumerate(zip(markets, run.terms, strict=True)):
        own = np.flatnonzero((trades["instrument"] == number) & (trades["exit_kind"] != ExitKind.END))
        at = np.searchsorted(bars.open_time_ms, trades["exit_time_ms"][own])
        filled = bars.open[at] * (1.0 - trades["side"][own] * terms.slippage_bps / 10_000.0)
        found[own] = np.isclose(trades["exit_price"][own], filled, rtol=1e-12, atol=0.0)
    return found & (trades["exit_bar"] > trades["entry_bar"])


def _rows(run: BacktestRun, *, at_open: BoolArray) -> _Rows:
    trades, bars = run.trades, run.time_ms.size
    entered, left, ended = (np.zeros(bars, dtype=np.bool_) for _ in range(3))
    entered[trades["entry_bar"]] = True
    left[trades["exit_bar"][at_open]] = True
    ended[trades["exit_bar"][trades["is_entry_bar"]]] = True
    has_exits, has_entries = left & entered, ended
    closes = np.arange(bars) + np.cumsum(has_exits) + np.cumsum(has_entries)
    entries = np.where(has_entries, closes - 1, closes)
    exits = np.where(has_exits, closes - 1 - has_entries, closes)
    return _Rows(exits=exits, entries=entries, closes=closes, count=int(closes[-1]) + 1)


def _orders(
    run: BacktestRun, *, rows: _Rows, at_open: BoolArray
) -> tuple[FloatArray, FloatArray, FloatArray]:
    """Signed size (NaN: no order), price and fee, a row and column each."""
    trades = run.trades
    size, price, fees = (np.full((rows.count, len(run.terms)), np.nan) for _ in range(3))
    fees[:] = 0.0
    column = trades["instrument"]
    begun = rows.entries[trades["entry_bar"]], column
    size[begun], price[begun], fees[begun] = (
        trades["side"] * trades["size_base"],
        trades["entry_price"],
        trades["entry_fee"],
    )
    ended = np.where(at_open, rows.exits[trades["exit_bar"]], rows.closes[trades["exit_bar"]])
    sold = trades["exit_kind"] != ExitKind.END
    done = ended[sold], column[sold]
    size[done], price[done] = (-trades["side"] * trades["size_base"])[sold], trades["exit_price"][sold]
    fees[done] = (trades["exit_fee"] - _funding(run))[sold]
    return size, price, fees


def _closes(run: BacktestRun, *, markets: Sequence[Bars], rows: _Rows) -> "pandas.DataFrame":
    """The price each row is valued at: the open in rows before the bar's own. Without a bar, the last one known."""
    import pandas

    values = np.full((rows.count, len(markets)), np.nan)
    time_ms = np.zeros(rows.count, dtype=np.int64)
    for early, at in ((2, rows.exits), (1, rows.entries), (0, rows.closes)):
        time_ms[at] = run.time_ms - early
    for number, bars in enumerate(markets):
        here = np.searchsorted(run.time_ms, bars.open_time_ms)
        for at, prices in ((rows.exits, bars.open), (rows.entries, bars.open), (rows.closes, bars.close)):
            values[at[here], number] = prices
    index = pandas.to_datetime(time_ms, unit="ms", utc=True)
    names = [f"{terms.venue} {terms.symbol}" for terms in run.terms]
    return pandas.DataFrame(values, index=index, columns=names).ffill().bfill()


def _deepest(equity: FloatArray) -> float:
    peak: npt.NDArray[np.float64] = np.maximum.accumulate(equity)
    return float(np.max(1.0 - equity / peak))
