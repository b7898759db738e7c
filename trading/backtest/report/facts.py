"""Everything the rows of a report are computed from, gathered once."""

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from trading.backtest.report import benchmark, freqtrade
from trading.backtest.report.curve import Curve, curve
from trading.backtest.report.freqtrade import Freqtrade
from trading.backtest.report.ratios import finite
from trading.backtest.report.trips import Trips, trips
from trading.backtest.report.values import Row, Section, Unit, Value
from trading.types.research import BacktestRun, Bars, FloatArray


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class Facts:
    """A run, its curve and its round trips; `held` is doing nothing instead, None without bars."""

    run: BacktestRun
    markets: Sequence[Bars]
    symbols: tuple[str, ...]
    curve: Curve
    trips: Trips
    freqtrade: Freqtrade
    held: Curve | None

    @property
    def start(self) -> float:
        return self.run.capital.start_equity


def gather(run: BacktestRun, *, markets: Sequence[Bars]) -> Facts:
    """The facts of `run` on `markets`, which must be in the order of its terms."""
    done = trips(run)
    times = run.time_ms
    return Facts(
        run=run,
        markets=markets,
        symbols=tuple(terms.symbol for terms in run.terms),
        curve=curve(run),
        trips=done,
        freqtrade=freqtrade.figures(
            done.pnl,
            done.exit_ms,
            start=run.capital.start_equity,
            first_ms=int(times[0]) if times.size else 0,
            last_ms=int(times[-1]) if times.size else 0,
        ),
        held=benchmark.buy_and_hold(run, markets=markets),
    )


def mean(values: FloatArray) -> float | None:
    """The mean, None of nothing."""
    return finite(float(values.mean())) if values.size else None


def middle(values: FloatArray) -> float | None:
    """The median of what is known, None of nothing."""
    known = values[~np.isnan(values)]
    return finite(float(np.median(known))) if known.size else None


@dataclass(frozen=True, slots=True, kw_only=True)
class Rows:
    """Writes the rows of one section."""

    section: Section

    def __call__(
        self,
        key: str,
        label: str,
        value: Value,
        *,
        unit: Unit,
        definition: str,
        reason: str = "",
        freqtrade: Value = None,
        theirs: str = "",
    ) -> Row:
        """`reason` is kept only where `value` is None; `theirs` defines the `freqtrade` value."""
        return Row(
            key=key,
            label=label,
            value=value,
            unit=unit,
            section=self.section,
            definition=definition,
            reason=reason if value is None else "",
            freqtrade=freqtrade,
            freqtrade_definition=theirs,
        )
