"""How fast history comes in and is loaded: `python benchmarks/history.py [--runs 5]`.

A million candles from CSV into the store (goal: seconds), from Parquet, and a year of minutes (525,600) from the store into
arrays (goal: well under a second). Medians; imports of the libraries are not counted.
"""

import argparse
import shutil
import statistics
import sys
import tempfile
import time
from collections.abc import Callable
from datetime import UTC, datetime
from pathlib import Path

sys.path.insert(0, str(Path(__file__).resolve().parents[1]))

import numpy as np

from trading.history import formats, store
from trading.history.resample import resample
from trading.types.research import Bars

_MILLION = 1_000_000
_YEAR = 525_600
_START_MS = 1_577_836_800_000  # 2020-01-01
_AT = datetime(2026, 1, 1, tzinfo=UTC)


def main() -> None:
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--runs", type=int, default=5)
    runs = parser.parse_args().runs
    with tempfile.TemporaryDirectory(prefix="nt-") as folder:
        measure(Path(folder), runs=runs)


def measure(folder: Path, *, runs: int) -> None:
    """Prints one line per figure."""
    bars = made_up(_MILLION)
    files = {
        name: formats.write(folder / f"candles.{name}", bars)
        for name in ("csv", "csv.gz", "parquet", "feather")
    }

    def import_from(name: str) -> None:
        shutil.rmtree(folder / "new", ignore_errors=True)
        read = formats.read(files[name], venue="bench", symbol="BTC/USDT", timeframe="1m", at=_AT)
        store.save(folder / "new", read.bars)

    for name in files:
        show(f"import 1,000,000 candles from {name}", lambda name=name: import_from(name), runs=runs)  # type: ignore[misc]
    show("import the same again (nothing changes)", lambda: store.save(folder / "new", bars), runs=runs)
    root = folder / "year"
    store.save(root, bars.part(0, _YEAR))

    def load() -> Bars:
        return store.load(root, venue="bench", symbol="BTC/USDT", timeframe="1m")

    assert load().digest == bars.part(0, _YEAR).digest
    show("load a year of minutes (525,600 bars)", load, runs=runs * 3)
    show("load them and build 5m bars", lambda: resample(load(), timeframe="5m"), runs=runs * 3)
    show("list what is stored", lambda: store.datasets(root), runs=runs * 3)
    size = sum(path.stat().st_size for path in root.rglob("*.parquet"))
    print(f"{'a year of minutes on disk':<44}{size / 1e6:>10.1f} MB")


def made_up(count: int) -> Bars:
    """A random walk in cents, as venues write prices."""
    rng = np.random.default_rng(1)
    close = np.round(40_000 * np.exp(np.cumsum(rng.normal(0, 1e-4, count))), 2)
    opens = np.concatenate([close[:1], close[:-1]])
    return Bars(
        venue="bench",
        symbol="BTC/USDT",
        timeframe="1m",
        open_time_ms=_START_MS + np.arange(count, dtype=np.int64) * 60_000,
        open=opens,
        high=np.round(np.maximum(opens, close) + rng.exponential(5, count), 2),
        low=np.round(np.minimum(opens, close) - rng.exponential(5, count), 2),
        close=close,
        volume_base=np.round(rng.exponential(10, count), 5),
    )


def show(label: str, work: Callable[[], object], *, runs: int) -> None:
    """One line: median, fastest and slowest of `runs`, after one that is not counted."""
    work()
    taken = []
    for _ in range(runs):
        started_s = time.perf_counter()
        work()
        taken.append((time.perf_counter() - started_s) * 1000)
    print(f"{label:<44}{statistics.median(taken):>10.1f} ms  ({min(taken):.1f} to {max(taken):.1f})")


if __name__ == "__main__":
    main()
