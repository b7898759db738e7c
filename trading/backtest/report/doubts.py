"""What a doubt is about: a run, what is reported of it, and how it was chosen."""

from collections.abc import Sequence
from dataclasses import dataclass

from trading.backtest.report.trips import Trips
from trading.backtest.report.values import Report
from trading.types.research import BacktestRun, Bars, Signals


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class Case:
    """`combinations`: the run is the best of that many. `signals` may be empty."""

    report: Report
    run: BacktestRun
    markets: Sequence[Bars]
    signals: Sequence[Signals]
    trips: Trips
    combinations: int
    has_out_of_sample: bool

    @property
    def profit(self) -> float:
        return float(self.trips.pnl.sum())
