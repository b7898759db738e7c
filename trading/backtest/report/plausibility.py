"""What makes a result hard to believe, each with words and numbers. A flag changes nothing; it says why to look twice."""

from collections.abc import Sequence

from trading.backtest.report import doubtful_fills, doubtful_results
from trading.backtest.report.doubts import Case
from trading.backtest.report.trips import trips
from trading.backtest.report.values import Flag, Level, Report
from trading.types.research import BacktestRun, Bars, Signals


def flags(
    report: Report,
    *,
    run: BacktestRun,
    markets: Sequence[Bars],
    signals: Sequence[Signals] = (),
    combinations: int = 1,
    has_out_of_sample: bool = False,
) -> tuple[Flag, ...]:
    """Everything doubtful about `run` as described in `report`, gravest first.

    `signals` adds the trailing distances the strategy asked for. `combinations` says the run is the best of that many;
    `has_out_of_sample` that it was judged on candles the choice did not see.
    """
    case = Case(
        report=report,
        run=run,
        markets=markets,
        signals=signals,
        trips=trips(run),
        combinations=combinations,
        has_out_of_sample=has_out_of_sample,
    )
    found = [flag for check in (*doubtful_results.CHECKS, *doubtful_fills.CHECKS) for flag in check(case)]
    return tuple(sorted(found, key=lambda flag: -list(Level).index(flag.level)))
