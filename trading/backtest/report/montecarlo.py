"""How else these trades could have come: the luck of the draw (bootstrap) and the luck of the order (shuffle). Seeded, so repeatable.

Each trade multiplies equity by 1 + profit / equity at its entry, as the sizing does. Trades are taken as independent: runs of luck that
belong together in the market are broken up, so true drawdowns can be deeper than these.
"""

from collections.abc import Iterator, Mapping

import numpy as np

from trading.backtest.report.trips import Trips, trips
from trading.backtest.report.values import Histogram, MonteCarlo, Spread
from trading.types.research import BacktestRun, FloatArray

PATHS = 1_000
FEWEST_PATHS = 200
SEED = 7
# Ruin: half of the start is gone.
RUIN_RATIO = 0.5
_MOST_DRAWS = 6_000_000
_DRAWS_AT_ONCE = 1_000_000
_FAN_POINTS = 60
_BARS = 40
_PERCENTILES = {"p5": 5, "p25": 25, "p50": 50, "p75": 75, "p95": 95}
# What is left of equity when a trade took all of it or more: its logarithm must stay a number.
_NOTHING = 1e-12


def simulate(
    run: BacktestRun, *, paths: int = PATHS, seed: int = SEED, ruin_ratio: float = RUIN_RATIO
) -> MonteCarlo | None:
    """The spread over `paths` simulated orders of the run's trades (fewer, but at least FEWEST_PATHS, where trades are very many).

    None below two trades. The same run, paths and seed give the same numbers.
    """
    done, start = trips(run), run.capital.start_equity
    return of_trips(done, start_equity=start, paths=paths, seed=seed, ruin_ratio=ruin_ratio)


def of_trips(
    done: Trips, *, start_equity: float, paths: int = PATHS, seed: int = SEED, ruin_ratio: float = RUIN_RATIO
) -> MonteCarlo | None:
    """As `simulate`, for round trips without their run: those of a stored one."""
    steps = _steps(done, start_equity=start_equity)
    if steps.size < 2:
        return None
    paths = affordable(paths, trades=int(steps.size))
    generator = np.random.default_rng(seed)
    marks = np.unique(np.linspace(0, steps.size, _FAN_POINTS + 1).astype(np.int64))
    drawn = [_measured(block, marks=marks) for block in _bootstrap(steps, paths=paths, generator=generator)]
    ends, falls, lows = (np.concatenate([part[i] for part in drawn]) for i in range(3))
    fan = np.concatenate([part[3] for part in drawn])
    shuffled = np.concatenate(
        [_measured(block, marks=marks[:0])[1] for block in _shuffles(steps, paths=paths, generator=generator)]
    )
    actual_end, actual_fall, _, actual_way = _measured(steps[np.newaxis, :], marks=marks)
    counts, edges = np.histogram(ends, bins=_BARS)
    return MonteCarlo(
        paths=paths,
        seed=seed,
        ruin_ratio=ruin_ratio,
        bootstrap_return=_spread(ends, actual=float(actual_end[0])),
        bootstrap_drawdown=_spread(falls, actual=float(actual_fall[0])),
        shuffle_drawdown=_spread(shuffled, actual=float(actual_fall[0])),
        loss_probability_ratio=float((ends < 0).mean()),
        ruin_probability_ratio=float((lows <= 1 - ruin_ratio).mean()),
        returns=Histogram(edges=tuple(edges.tolist()), counts=tuple(counts.tolist())),
        fan_trades=tuple(marks.tolist()),
        fan={**_fan(fan), "actual": tuple(actual_way[0].tolist())},
    )


def affordable(paths: int, *, trades: int) -> int:
    """How many of the wanted paths to draw, so that very many trades do not take seconds; never fewer than FEWEST_PATHS of them."""
    return max(min(paths, _MOST_DRAWS // trades), min(paths, FEWEST_PATHS))


def _steps(done: Trips, *, start_equity: float) -> FloatArray:
    """The logarithm of what each trip multiplied equity by, in order of exit."""
    equity = np.where(done.entry_equity > 0, done.entry_equity, start_equity)
    return np.log(np.maximum(1 + done.pnl / equity, _NOTHING))


def _blocks(size: int, *, paths: int) -> Iterator[int]:
    """How many paths to draw at once, so that memory stays small."""
    most = max(1, _DRAWS_AT_ONCE // size)
    for begin in range(0, paths, most):
        yield min(most, paths - begin)


def _bootstrap(steps: FloatArray, *, paths: int, generator: np.random.Generator) -> Iterator[FloatArray]:
    for count in _blocks(steps.size, paths=paths):
        yield steps[generator.integers(0, steps.size, size=(count, steps.size))]


def _shuffles(steps: FloatArray, *, paths: int, generator: np.random.Generator) -> Iterator[FloatArray]:
    for count in _blocks(steps.size, paths=paths):
        yield generator.permuted(np.tile(steps, (count, 1)), axis=1)


def _measured(
    block: FloatArray, *, marks: np.ndarray[tuple[int], np.dtype[np.int64]]
) -> tuple[FloatArray, FloatArray, FloatArray, FloatArray]:
    """Of each path: its return, its deepest drawdown, its lowest equity (start is 1), and its equity after `marks` trades."""
    running = np.concatenate([np.zeros((block.shape[0], 1)), np.cumsum(block, axis=1)], axis=1)
    fall = (running - np.maximum.accumulate(running, axis=1)).min(axis=1)
    return np.expm1(running[:, -1]), -np.expm1(fall), np.exp(running.min(axis=1)), np.exp(running[:, marks])


def _spread(values: FloatArray, *, actual: float) -> Spread:
    found = dict(zip(_PERCENTILES, np.percentile(values, list(_PERCENTILES.values())).tolist(), strict=True))
    return Spread(actual=actual, **found)


def _fan(fan: FloatArray) -> Mapping[str, tuple[float, ...]]:
    bands = np.percentile(fan, list(_PERCENTILES.values()), axis=0)
    return {name: tuple(band.tolist()) for name, band in zip(_PERCENTILES, bands, strict=True)}
