"""How fast the indicators are, beside TA-Lib called barely in the same run.

    python benchmarks/indicators.py [--bars 1000000] [--live-bars 20000] [--runs 7]

I1: ten indicators over a million bars: the default provider against bare TA-Lib calls (limit 1.5), our numba provider beside it.
I2: nine indicators per closed bar of one instrument: our streams against bare TA-Lib handles (limit 2), batch over 500 bars beside it.
Medians of `--runs` runs, each over made-up candles (trading/indicators/samples.py); the numba loops are compiled before the clock starts.
"""

import argparse
import os
import sys
import time
from collections.abc import Callable, Mapping
from pathlib import Path
from statistics import median

ROOT = Path(__file__).resolve().parents[1]
sys.path.insert(0, str(ROOT))

import numpy as np  # noqa: E402
import talib  # noqa: E402
from talib import stream as handles  # noqa: E402

from trading import indicators  # noqa: E402
from trading.indicators import samples  # noqa: E402
from trading.indicators.catalog import INDICATORS  # noqa: E402
from trading.types.research import FloatArray  # noqa: E402

TEN = ("rsi", "ema", "macd", "atr", "bollinger", "stochastic", "obv", "adx", "supertrend", "ichimoku")
NINE = TEN[:-1]
GIVEN: Mapping[str, Mapping[str, int]] = {"ema": {"period": 20}}
HISTORY = 500
BATCH_LIMIT, LIVE_LIMIT = 1.5, 2.0
Columns = Mapping[str, FloatArray]


def main() -> int:
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--bars", type=int, default=1_000_000)
    parser.add_argument("--live-bars", type=int, default=20_000)
    parser.add_argument("--runs", type=int, default=7)
    given = parser.parse_args()
    is_good = _batch(samples.candles(bars=given.bars, seed=1), runs=given.runs)
    print()
    is_good &= _live(samples.candles(bars=HISTORY + given.live_bars, seed=1), runs=given.runs)
    print(f"\nthe machine: {os.cpu_count()} cores, load {os.getloadavg()[0]:.1f}")
    return 0 if is_good else 1


def _bare(name: str, c: Columns) -> Callable[[], object]:
    """The indicator as somebody would write it with nothing but TA-Lib."""
    close, bars = c["close"], (c["high"], c["low"], c["close"])
    calls: Mapping[str, Callable[[], object]] = {
        "rsi": lambda: talib.RSI(close, 14),
        "ema": lambda: talib.EMA(close, 20),
        "macd": lambda: talib.MACD(close, 12, 26, 9),
        "atr": lambda: talib.ATR(*bars, 14),
        "bollinger": lambda: talib.BBANDS(close, 20, 2.0, 2.0),
        "stochastic": lambda: talib.STOCH(*bars, fastk_period=14, slowk_period=3, slowd_period=3),
        "obv": lambda: talib.OBV(close, c["volume"]),
        "adx": lambda: talib.ADX(*bars, 14),
        "supertrend": lambda: talib.SUPERTREND(*bars, 10, 3.0),
        "ichimoku": lambda: _bare_ichimoku(c["high"], c["low"]),
    }
    return calls[name]


def _bare_ichimoku(high: FloatArray, low: FloatArray) -> tuple[FloatArray, ...]:
    line, base, wide = ((talib.MAX(high, n) + talib.MIN(low, n)) / 2 for n in (9, 26, 52))
    spans = np.full((2, high.size), np.nan)
    spans[0, 26:], spans[1, 26:] = ((line + base) / 2)[:-26], wide[:-26]
    return line, base, spans[0], spans[1]


def _batch(candles: Columns, *, runs: int) -> bool:
    bars = candles["close"].size
    providers = {name: indicators.provider(name) for name in sorted(indicators.all_providers())}
    print(
        f"I1: {bars:,} bars, ms    bare TA-Lib" + "".join(f"{name:>12}" for name in providers) + "   x bare"
    )
    sums = dict.fromkeys(("bare", *providers), 0.0)
    for name in TEN:
        columns = tuple(candles[column] for column in INDICATORS[name].inputs)
        asked: dict[str, Callable[[], object]] = {"bare": _bare(name, candles)}
        for mark, provider in providers.items():
            asked[mark] = _question(provider, name, columns)
        taken = _medians(asked, runs=runs)
        for mark, seconds in taken.items():
            sums[mark] += seconds
        print(_row(name, taken, unit=1e3))
    print(_row("all ten", sums, unit=1e3))
    ratio = sums[indicators.DEFAULT] / sums["bare"]
    print(f"I1 {_verdict(ratio, limit=BATCH_LIMIT)}: {indicators.DEFAULT} takes {ratio:.2f} x bare TA-Lib")
    return ratio <= BATCH_LIMIT


def _question(
    provider: indicators.Facade, name: str, columns: tuple[FloatArray, ...]
) -> Callable[[], object]:
    return lambda: provider.compute(name, columns, GIVEN.get(name, {}))


def _live(candles: Columns, *, runs: int) -> bool:
    rows = {
        name: list(zip(*(candles[c][HISTORY:].tolist() for c in INDICATORS[name].inputs), strict=True))
        for name in NINE
    }
    bars = len(rows["rsi"])
    past = {name: tuple(candles[c][:HISTORY] for c in INDICATORS[name].inputs) for name in NINE}
    print(f"I2: {bars:,} bars, us       bare TA-Lib     streams   x bare")
    sums = {"bare": 0.0, "streams": 0.0}
    for name in NINE:
        live, bare = (
            indicators.stream(name, *past[name], **GIVEN.get(name, {})),
            _bare_update(name, past[name]),
        )
        taken = _medians(
            {"bare": _feed(bare, rows[name]), "streams": _feed(live.update, rows[name])}, runs=runs
        )
        sums = {mark: total + taken[mark] for mark, total in sums.items()}
        print(_row(name, taken, unit=1e6 / bars))
    print(_row("all nine", sums, unit=1e6 / bars))
    batch = _medians({"batch": lambda: [_bare(name, _part(candles))() for name in NINE]}, runs=runs * 10)
    print(f"nine bare batch calls over {HISTORY} bars instead: {batch['batch'] * 1e6:.1f} us per closed bar")
    ratio = sums["streams"] / sums["bare"]
    print(f"I2 {_verdict(ratio, limit=LIVE_LIMIT)}: streams take {ratio:.2f} x bare TA-Lib handles")
    return ratio <= LIVE_LIMIT


def _part(candles: Columns) -> Columns:
    return {name: column[:HISTORY] for name, column in candles.items()}


def _bare_update(name: str, past: tuple[FloatArray, ...]) -> Callable[..., object]:
    function, values = {
        "rsi": ("RSI", (14,)),
        "ema": ("EMA", (20,)),
        "macd": ("MACD", (12, 26, 9)),
        "atr": ("ATR", (14,)),
        "bollinger": ("BBANDS", (20, 2.0, 2.0)),
        "stochastic": ("STOCH", (14, 3, 0, 3, 0)),
        "obv": ("OBV", ()),
        "adx": ("ADX", (14,)),
        "supertrend": ("SUPERTREND", (10, 3.0)),
    }[name]
    update: Callable[..., object] = getattr(handles, function)(*past, *values).update
    return update


def _feed(update: Callable[..., object], rows: list[tuple[float, ...]]) -> Callable[[], object]:
    def feed() -> None:
        for row in rows:
            update(*row)

    return feed


def _medians(asked: Mapping[str, Callable[[], object]], *, runs: int) -> dict[str, float]:
    """Seconds, the competitors taking turns so that a busy moment hits all; the first turn is not counted."""
    taken: dict[str, list[float]] = {mark: [] for mark in asked}
    for turn in range(runs + 1):
        for mark, ask in asked.items():
            begun = time.perf_counter()
            ask()
            if turn:
                taken[mark].append(time.perf_counter() - begun)
    return {mark: median(seconds) for mark, seconds in taken.items()}


def _row(name: str, taken: Mapping[str, float], *, unit: float) -> str:
    bare, *others = taken.values()
    ratios = "".join(f"{other / bare:>7.2f}" for other in others)
    return f"{name:<24}{bare * unit:>10.2f}" + "".join(f"{other * unit:>12.2f}" for other in others) + ratios


def _verdict(ratio: float, *, limit: float) -> str:
    return f"{'holds' if ratio <= limit else 'FAILS'} (limit {limit})"


if __name__ == "__main__":
    sys.exit(main())
