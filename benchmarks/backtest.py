"""How fast a backtest is, beside the bare loop it cannot beat and the engines people would use instead.

    python benchmarks/backtest.py [--bars 525600] [--repeats 7] [--skip backtesting.py,...]

One year of synthetic minutes; a plain RSI strategy, long only, stop 2 %, target 4 %, 0.1 % a side, everything into every trade. Each engine runs
in a process of its own: medians of warm runs, peak memory, and the same number of closed trades for all. RSI (TA-Lib) is computed beforehand
for everybody. Then a sweep of 100 combinations, the same stop for each, and one `neuratrade backtest` from a fresh process.
"""

import argparse
import json
import os
import resource
import statistics
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path

import numpy as np
from _engines import ENGINES, FEE, PERIODS, Columns, add_rsi, make_market

ROOT = Path(__file__).resolve().parents[1]
# With the strategy's own numbers these minutes give a score of trades: too few to weigh what describing and storing them costs.
MANY_TRADES = {"confidence_ratio": 0.65, "rsi_below": 45.0, "band_deviations": 1.7}
THRESHOLDS = range(20, 40, 2)


# --- one engine, in a process of its own ----------------------------------------------------------------------------------------


def grid() -> Iterator[dict[str, float]]:
    for period in PERIODS:
        for below in THRESHOLDS:
            yield {"period": period, "below": below}


def child(name: str, *, task: str, file: str, repeats: int) -> None:
    """Prints one JSON line: seconds of each run, closed trades, peak memory."""
    with np.load(file) as stored:
        market = dict(stored)
    once = ENGINES[name](market)
    extra = {"is_curve": False} if name in {"limit", "vectorbt-rust"} else {}
    work: Callable[[], int] = once
    if task == "sweep":
        work = lambda: sum(once(**point, **extra) for point in grid())  # noqa: E731
    elif task == "sweep2":
        work = lambda: _on_two_cores(once)  # noqa: E731
    once()
    seconds, trades = [], 0
    for _ in range(repeats):
        began = time.perf_counter()
        trades = work()
        seconds.append(time.perf_counter() - began)
    peak_mb = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024
    print(json.dumps({"seconds": seconds, "trades": trades, "peak_mb": peak_mb}))


def _on_two_cores(once: Callable[..., int]) -> int:
    """Two copies of this process, warm as it is, half of the combinations each; as two Celery workers would."""
    points = list(grid())
    children = []
    for half in (points[::2], points[1::2]):
        reading, writing = os.pipe()
        process = os.fork()
        if process == 0:
            os.write(writing, str(sum(once(**point) for point in half)).encode())
            os._exit(0)
        os.close(writing)
        children.append((process, reading))
    trades = 0
    for process, reading in children:
        trades += int(os.read(reading, 32))
        os.close(reading)
        os.waitpid(process, 0)
    return trades


@dataclass(frozen=True, slots=True, kw_only=True)
class Figures:
    median_s: float
    trades: int
    peak_mb: float


def measure(name: str, *, task: str, file: Path, repeats: int) -> Figures | str:
    """The engine's figures, or why there are none."""
    command = [sys.executable, __file__, "--child", name, "--task", task, "--file", str(file)]
    done = subprocess.run(
        [*command, "--repeats", str(repeats)], cwd=ROOT, capture_output=True, text=True, check=False
    )
    if done.returncode:
        lines = done.stderr.strip().splitlines() or ["no message"]
        return "not installed" if "ModuleNotFoundError" in lines[-1] else lines[-1]
    found = json.loads(done.stdout.splitlines()[-1])
    return Figures(
        median_s=statistics.median(found["seconds"]), trades=found["trades"], peak_mb=found["peak_mb"]
    )


# --- a fresh process ------------------------------------------------------------------------------------------------------------


@dataclass(frozen=True, slots=True, kw_only=True)
class Command:
    """Seconds of `neuratrade backtest`: a whole fresh process, one that only starts, and a run with many trades in a warm process."""

    fresh_s: float
    start_s: float
    warm_s: float
    warm_trades: int


def command(market: Columns, *, repeats: int) -> Command:
    """The product's own way: candles in the history, a strategy from its page, the desk's limits, report and row stored."""
    from trading.history import store
    from trading.types.research import Bars

    with tempfile.TemporaryDirectory(prefix="nt-bench-") as home:
        environment = {**os.environ, "NEURATRADE_HOME": home, "NEURATRADE_LOG_LEVEL": "warning"}
        prices = {name: market[name] for name in ("open", "high", "low", "close")}
        store.save(
            Path(home) / "history",
            Bars(
                venue="binance",
                symbol="BTC/USDT",
                timeframe="1m",
                open_time_ms=market["time"],
                volume_base=np.ones(market["close"].size),
                **prices,
            ),
        )
        migrate = [sys.executable, "manage.py", "migrate", "--verbosity", "0"]
        subprocess.run(migrate, cwd=ROOT, env=environment, check=True)
        base = [sys.executable, "-m", "neuratrade", "backtest"]
        asked = ["mean-reversion", "--venue", "binance", "--instrument", "BTC/USDT", "--timeframe", "1m"]
        warm = subprocess.run(
            [sys.executable, __file__, "--child", "service", "--repeats", str(repeats)],
            cwd=ROOT,
            env=environment,
            stdout=subprocess.PIPE,
            text=True,
            check=True,
        )
        warm_run = json.loads(warm.stdout.splitlines()[-1])
        return Command(
            fresh_s=_wall([*base, *asked, "--json"], environment=environment, repeats=repeats),
            start_s=_wall([*base, "--list"], environment=environment, repeats=repeats),
            warm_s=warm_run["seconds"],
            warm_trades=warm_run["trades"],
        )


def service(repeats: int) -> None:
    """Prints the median seconds from stored candles to a stored run, in a process that did it before."""
    os.environ["DJANGO_SETTINGS_MODULE"] = "neuratrade.settings"
    import django

    django.setup()
    from neuratrade.lib import memory
    from neuratrade.lib.clock import now
    from trading.services import backtests
    from trading.services.bench import BacktestRequest, Leg

    memory.keep_freed()  # as the command and research workers do
    legs = (Leg(venue="binance", symbol="BTC/USDT"),)
    request = BacktestRequest(
        strategy="mean-reversion", legs=legs, timeframe="1m", parameters=MANY_TRADES, fee_ratio=FEE / 10
    )
    seconds, trades = [], 0
    for _ in range(repeats + 1):
        began = time.perf_counter()
        trades = backtests.run(request, at=now()).run.trades.size
        seconds.append(time.perf_counter() - began)
    print(json.dumps({"seconds": statistics.median(seconds[1:]), "trades": trades}))


def _wall(command: list[str], *, environment: dict[str, str], repeats: int) -> float:
    seconds = []
    for _ in range(repeats + 1):  # the first one fills the disk caches
        began = time.perf_counter()
        done = subprocess.run(command, cwd=ROOT, env=environment, capture_output=True, text=True, check=False)
        seconds.append(time.perf_counter() - began)
        if done.returncode:
            raise SystemExit(done.stderr.strip() or done.stdout.strip())
    return statistics.median(seconds[1:])


# --- the table ------------------------------------------------------------------------------------------------------------------


def main() -> int:
    given = _arguments()
    sys.path.insert(0, str(ROOT))
    if given.child == "service":
        service(given.repeats)
        return 0
    if given.child:
        child(given.child, task=given.task, file=given.file, repeats=given.repeats)
        return 0
    print(
        f"{given.bars:,} one-minute bars, medians of {given.repeats}, {os.cpu_count()} cores, Python {sys.version.split()[0]}"
    )
    with tempfile.TemporaryDirectory(prefix="nt-bench-") as folder:
        market = make_market(given.bars)
        add_rsi(market)
        file = Path(folder) / "market.npz"
        np.savez(file, **market)
        skipped = set(given.skip.split(","))
        names = [name for name in ENGINES if name not in skipped]
        print("\nB1  one backtest: trades, equity curve, deepest drawdown, Sharpe")
        ones = {
            name: measure(name, task="one", file=file, repeats=_fewer(name, given.repeats)) for name in names
        }
        _table(ones)
        print(
            "\nB2  sweep of 100 combinations: the metrics of each (limit and vectorbt: trades and final equity only)"
        )
        sweeps = {
            n: measure(n, task="sweep", file=file, repeats=_fewer(n, given.repeats))
            for n in names
            if n != "backtesting.py"
        }
        if "own" in names:
            sweeps["own, 2 processes"] = measure("own", task="sweep2", file=file, repeats=given.repeats)
        _table(sweeps)
        if "command" not in skipped:
            print(
                "\nB4  `neuratrade backtest mean-reversion … --json` over these candles, report and storing included"
            )
            took = command(market, repeats=min(given.repeats, 3))
            print(
                f"    a fresh process   {took.fresh_s:8.2f} s, of which {took.start_s:.2f} s to start (`backtest --list`)"
            )
            peer = ones.get("vectorbt-rust")
            ratio = (
                f", {took.warm_s / peer.median_s:.1f} x vectorbt-rust" if isinstance(peer, Figures) else ""
            )
            print(
                f"    a warm process    {took.warm_s:8.3f} s, stored candles to stored metrics of {took.warm_trades:,} trades{ratio}"
            )
    return 0


def _arguments() -> argparse.Namespace:
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--bars", type=int, default=525_600)
    parser.add_argument("--repeats", type=int, default=7)
    parser.add_argument("--skip", default="", help=f"any of {', '.join(ENGINES)}, command; with commas")
    for name in ("--child", "--task", "--file"):
        parser.add_argument(name, default="", help=argparse.SUPPRESS)
    return parser.parse_args()


def _fewer(name: str, repeats: int) -> int:
    """Engines that take seconds are not run as often."""
    return repeats if name in {"limit", "own"} else min(repeats, 3)


def _table(found: dict[str, Figures | str]) -> None:
    limit = found.get("limit")
    for name, figures in found.items():
        if isinstance(figures, str):
            print(f"    {name:<17} {figures}")
            continue
        ratio = f"{figures.median_s / limit.median_s:9.1f} x limit" if isinstance(limit, Figures) else ""
        print(
            f"    {name:<17} {figures.median_s * 1000:10.2f} ms {ratio} {figures.peak_mb:7.0f} MB peak"
            f" {figures.trades:9,} closed trades"
        )


if __name__ == "__main__":
    sys.exit(main())
