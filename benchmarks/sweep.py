"""What a sweep gains by Celery workers: `python benchmarks/sweep.py [--days 365] [--points 400] [--workers 2]`.

The product's own way over synthetic minutes: mean reversion from its page, points stored one by one in SQL. First in one process, then
the same points by hired workers alone, on a Redis of their own; their start (imports, kernels, candles) is told apart from their rate.
CPU time is told too: where it grows with workers, they are in each other's way (memory, caches); where only the wall time does, others are.
"""

import argparse
import os
import subprocess
import sys
import tempfile
import time
from dataclasses import dataclass
from pathlib import Path

ROOT = Path(__file__).resolve().parents[1]
START_MS = 1_704_067_200_000


def store_market(home: Path, *, days: int) -> None:
    import numpy as np

    from trading.history import store
    from trading.types.research import Bars

    rng = np.random.default_rng(7)
    bars = days * 1440
    path = 30_000 * np.exp(np.cumsum(rng.standard_normal((bars, 4)).ravel() * 0.0004)).reshape(bars, 4)
    opened = np.concatenate(([30_000.0], path[:-1, -1]))
    store.save(
        home / "history",
        Bars(
            venue="binance",
            symbol="BTC/USDT",
            timeframe="1m",
            open_time_ms=START_MS + np.arange(bars) * 60_000,
            open=opened,
            high=np.maximum(path.max(axis=1), opened),
            low=np.minimum(path.min(axis=1), opened),
            close=path[:, -1].copy(),
            volume_base=rng.lognormal(2, 0.3, bars),
        ),
    )


@dataclass(frozen=True, slots=True, kw_only=True)
class Rate:
    """Seconds until the first stored points, and seconds per point from there on: on the wall, and of all processes' CPU."""

    start_s: float
    wall_s: float
    cpu_s: float


def cpu_s() -> float:
    """Of this process and all it started that still run."""
    import psutil

    family = [psutil.Process(), *psutil.Process().children(recursive=True)]
    return sum(sum(process.cpu_times()[:2]) for process in family)


def measure(*, points: int, workers: int) -> Rate:
    from neuratrade.lib import clock
    from neuratrade.supervise import crew
    from trading.backtest import grid
    from trading.services import sweep_spread, sweeps
    from trading.services.bench import BacktestRequest, Leg

    request = BacktestRequest(
        strategy="mean-reversion",
        legs=(Leg(venue="binance", symbol="BTC/USDT"),),
        timeframe="1m",
        parameters={},
        fee_ratio=0.0001,
        start_equity=10_000.0 + workers,  # another question, so that nothing is done already
    )
    wanted = grid.parse(["rsi_period=10:19:1", f"rsi_below=10:{10 + 0.1 * (points // 10 - 1)}:0.1"])
    sweep = sweeps.ask(request, grid=wanted, objective="sharpe", at=clock.now())
    seen: list[tuple[float, float, int]] = []

    def told(stored: int) -> None:
        if stored > 2 and not seen or stored == sweep.row.points_total:
            seen.append((time.perf_counter(), cpu_s(), stored))

    begun = time.perf_counter()
    if workers == 1:
        sweeps.compute(sweep, indices=sweeps.missing(sweep.row), on_progress=told)
    else:
        with crew.hired(workers) as hands:
            sweep_spread.spread(sweep, crew=hands, on_progress=told, helps=False)
    (first_s, first_cpu_s, first), (last_s, last_cpu_s, last) = seen[0], seen[-1]
    return Rate(
        start_s=first_s - begun,
        wall_s=(last_s - first_s) / (last - first),
        cpu_s=(last_cpu_s - first_cpu_s) / (last - first),
    )


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--days", type=int, default=365)
    parser.add_argument("--points", type=int, default=400)
    parser.add_argument("--workers", type=int, default=2)
    given = parser.parse_args()
    with tempfile.TemporaryDirectory(prefix="nt-", dir="/tmp") as folder:
        os.environ["NEURATRADE_HOME"] = folder
        os.environ["REDIS_URL"] = f"unix://{folder}/none.sock?db=0"
        os.environ["DJANGO_SETTINGS_MODULE"] = "neuratrade.settings"
        subprocess.run(
            (sys.executable, "-m", "neuratrade", "prepare"), cwd=ROOT, check=True, stdout=subprocess.DEVNULL
        )
        import django

        django.setup()
        from neuratrade.lib import memory

        memory.keep_freed()  # as the command and its workers do
        store_market(Path(folder), days=given.days)
        alone = measure(points=given.points, workers=1)
        print(f"1 process   {1000 * alone.wall_s:7.1f} ms a point, CPU {1000 * alone.cpu_s:.1f} ms")
        shared = measure(points=given.points, workers=given.workers)
        print(
            f"{given.workers} workers   {1000 * shared.wall_s:7.1f} ms a point, CPU {1000 * shared.cpu_s:.1f} ms; "
            f"{alone.wall_s / shared.wall_s:.2f} x one process; {shared.start_s:.1f} s to their first points"
        )


if __name__ == "__main__":
    main()
