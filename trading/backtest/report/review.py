"""The whole report of one run: figures, Monte Carlo and what is doubtful, in one call."""

from collections.abc import Sequence
from dataclasses import replace

from trading.backtest.report import montecarlo, plausibility, statistics
from trading.backtest.report.values import Dataset, Provenance, Report, Sweep, WalkForward
from trading.types.research import BacktestRun, Bars, Signals


def review(
    run: BacktestRun,
    *,
    markets: Sequence[Bars],
    signals: Sequence[Signals] = (),
    provenance: Provenance | None = None,
    datasets: Sequence[Dataset] | None = None,
    sweep: Sweep | None = None,
    walk_forward: WalkForward | None = None,
    paths: int = montecarlo.PATHS,
    seed: int = montecarlo.SEED,
) -> Report:
    """`run` described, simulated (`paths` 0 leaves that out) and doubted.

    With `sweep` the run is taken as the best of its combinations; `walk_forward` counts as judged out of sample.
    """
    report = statistics.describe(run, markets=markets, datasets=datasets, provenance=provenance)
    found = plausibility.flags(
        report,
        run=run,
        markets=markets,
        signals=signals,
        combinations=max(len(sweep.points) if sweep else 1, walk_forward.combinations if walk_forward else 1),
        has_out_of_sample=walk_forward is not None,
    )
    return replace(
        report,
        flags=found,
        montecarlo=montecarlo.simulate(run, paths=paths, seed=seed) if paths else None,
        sweep=sweep,
        walk_forward=walk_forward,
    )
