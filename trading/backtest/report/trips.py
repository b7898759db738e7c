"""Round trips of a run, as columns: what is won or lost together is one trip.

A single instrument's trade is one trip. A pair's two legs, entered and left together, are one trip too: counted apart, about half of them
would lose by construction and no win rate would mean anything.
"""

from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from trading.types.research import BacktestRun, BoolArray, ExitKind, FloatArray, IntArray


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class Trips:
    """One value per trip, in order of exit. `instrument` is -1 for a pair. `risk_quote` is what the stop would have cost, NaN where
    there was none. `turnover_quote` counts entry and exit, `stake_quote` the entry only."""

    is_pair: bool
    instrument: IntArray
    side: IntArray
    kind: IntArray
    entry_ms: IntArray
    exit_ms: IntArray
    pnl: FloatArray
    return_ratio: FloatArray
    stake_quote: FloatArray
    turnover_quote: FloatArray
    fees_quote: FloatArray
    risk_quote: FloatArray
    entry_equity: FloatArray
    is_entry_bar: BoolArray
    is_both_hit: BoolArray

    def __len__(self) -> int:
        return int(self.pnl.size)

    @property
    def duration_s(self) -> FloatArray:
        return np.asarray((self.exit_ms - self.entry_ms) / 1000, dtype=np.float64)

    @property
    def is_open(self) -> BoolArray:
        return np.asarray(self.kind == ExitKind.END)


def trips(run: BacktestRun) -> Trips:
    """The run's trades as trips."""
    return of_trades(run.trades)


def of_trades(trades: npt.NDArray[np.void]) -> Trips:
    """Trades in TRADE_DTYPE as trips. It is a pair when any trade is short: nothing else sells what it does not hold."""
    is_pair = bool(trades.size) and bool(np.any(trades["side"] < 0))
    heads, group = _grouping(trades, is_pair=is_pair)
    count = int(heads.size)

    def total(values: FloatArray) -> FloatArray:
        if not is_pair:
            return values
        return np.bincount(group, weights=values, minlength=count).astype(np.float64)

    size = trades["size_base"]
    stake = total(trades["entry_price"] * size)
    pnl = total(trades["pnl"])
    return Trips(
        is_pair=is_pair,
        instrument=np.full(count, -1) if is_pair else trades["instrument"].astype(np.int64),
        side=trades["side"][heads].astype(np.int64),
        kind=trades["exit_kind"][heads].astype(np.int64),
        entry_ms=trades["entry_time_ms"][heads],
        exit_ms=trades["exit_time_ms"][heads],
        pnl=pnl,
        return_ratio=np.divide(pnl, stake, out=np.zeros(count), where=stake > 0),
        stake_quote=stake,
        turnover_quote=stake + total(trades["exit_price"] * size),
        fees_quote=total(trades["entry_fee"] + trades["exit_fee"]),
        risk_quote=total(np.abs(trades["entry_price"] - trades["stop_price"]) * size),
        entry_equity=trades["entry_equity"][heads],
        is_entry_bar=trades["is_entry_bar"][heads],
        is_both_hit=trades["is_both_hit"][heads],
    )


def _grouping(trades: npt.NDArray[np.void], *, is_pair: bool) -> tuple[IntArray, IntArray]:
    """The index of each trip's first trade, and each trade's trip; a pair's legs share the bars they begin and end on."""
    if not is_pair:
        every = np.arange(trades.size)
        return every, every
    both = np.stack([trades["exit_bar"], trades["entry_bar"]])
    _, heads, group = np.unique(both, axis=1, return_index=True, return_inverse=True)
    return np.asarray(heads), np.asarray(group).reshape(-1)
