"""Tax lots: our engine beside a bare deque loop and rp2, on the same generated trades, in one process.

    python benchmarks/taxes.py [--trades 100000] [--repeat 7] [--rp2 10000] [--rp2-all]

Goal T1: matching 100,000 trades takes at most 3 times the bare loop and a fortieth of rp2's time, with rp2's gain to 1e-12; a year of
100,000 disposals is a CSV within 2 seconds. Prints medians in milliseconds of CPU. rp2 is a development dependency; the row says where
it is absent. Its time for all trades follows from the smaller run unless --rp2-all asks for the half minute.
"""

import argparse
import gc
import io
import random
import statistics
import sys
import tempfile
import time
from collections import deque
from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from decimal import Decimal
from pathlib import Path
from typing import TypeVar

ROOT = Path(__file__).resolve().parents[1]
sys.path.insert(0, str(ROOT))

from tests.trading.accounting.taxes.rp2_oracle import Trade, total_gain  # noqa: E402
from trading.accounting.fifo import total  # noqa: E402
from trading.accounting.taxes import formats  # noqa: E402
from trading.accounting.taxes.engine import compute, undisturbed  # noqa: E402
from trading.accounting.taxes.events import Event, Kind  # noqa: E402
from trading.accounting.taxes.formats.header import Header  # noqa: E402
from trading.accounting.taxes.lots import Method  # noqa: E402
from trading.accounting.taxes.stock import History, Options  # noqa: E402
from trading.accounting.taxes.valuation import Valuer  # noqa: E402
from trading.accounting.taxes.year import tax_year  # noqa: E402
from trading.types import ZERO  # noqa: E402

Result = TypeVar("Result")
START = datetime(2025, 1, 1, tzinfo=UTC)


def main() -> int:
    given = _arguments()
    trades = generate(given.trades, within=timedelta(days=364))
    events = as_events(trades)
    valuer = Valuer(currency="USD", stable=["USDT"])

    def engine(method: Method = Method.FIFO) -> History:
        return compute(events, options=Options(method=method), valuer=valuer)

    print(f"{given.trades:,} trades, half purchases, half sales of parts (medians of {given.repeat}, CPU)")
    bare_ms, bare = measure(lambda: bare_deque(trades), repeat=given.repeat)
    row("bare deque loop", bare_ms)
    ours_ms, history = measure(engine, repeat=given.repeat)
    ours = gain(history)
    row(
        "engine, FIFO",
        ours_ms,
        f"{ours_ms / bare_ms:.1f} x bare (goal 3), gain off by {float(abs(ours - bare)):.0e}",
    )
    for method in (Method.LIFO, Method.HIFO):
        taken_ms, _ = measure(lambda method=method: engine(method), repeat=given.repeat)  # type: ignore[misc]
        row(f"engine, {method.upper()}", taken_ms, f"{taken_ms / bare_ms:.1f} x bare")
    _year_file(given.trades, repeat=given.repeat)
    _ask_rp2(given, ours_ms=ours_ms)
    return 0


def generate(count: int, *, within: timedelta, seed: int = 7) -> list[Trade]:
    dice, held, step = random.Random(seed), Decimal(0), within / count
    trades = []
    for number in range(count):
        size = Decimal(dice.randint(1, 10**8)).scaleb(-8)
        price = Decimal(dice.randint(10**6, 10**7)).scaleb(-2)
        is_buy = dice.random() < 0.5 or held < size
        held += size if is_buy else -size
        trades.append(Trade(START + step * number, is_buy, size, size * price))
    return trades


def as_events(trades: list[Trade]) -> list[Event]:
    return [
        Event(str(n), t.at, Kind.BUY if t.is_buy else Kind.SELL, "venue", "BTC", t.size, "USDT", t.total)
        for n, t in enumerate(trades)
    ]


def bare_deque(trades: list[Trade]) -> Decimal:
    """The least that gives size, proceeds, cost and gain of every matched part."""
    lots: deque[list[Decimal]] = deque()
    matched = []
    for trade in trades:
        if trade.is_buy:
            lots.append([trade.size, trade.total])
            continue
        left, money = trade.size, trade.total
        while left:
            lot = lots[0]
            take = min(lot[0], left)
            if take == lot[0]:
                cost = lot[1]
                lots.popleft()
            else:
                cost = lot[1] * take / lot[0]
                lot[0] -= take
                lot[1] -= cost
            came = money if take == left else money * take / left
            matched.append((take, came, cost, came - cost))
            money -= came
            left -= take
    return total(part[3] for part in matched)


def gain(history: History) -> Decimal:
    return total((piece.proceeds or ZERO) - (piece.cost or ZERO) for piece in history.slices)


def measure(work: Callable[[], Result], *, repeat: int) -> tuple[float, Result]:
    """Median CPU milliseconds and the last result; the collector waits in every row, as it does in an export."""
    spent = []
    for _ in range(repeat):
        gc.collect()
        with undisturbed():
            started = time.process_time()
            result = work()
            spent.append((time.process_time() - started) * 1000)
    return statistics.median(spent), result


def row(name: str, taken_ms: float, note: str = "") -> None:
    print(f"  {name:<34} {taken_ms:>10,.1f} ms   {note}")


def _year_file(count: int, *, repeat: int) -> None:
    """From events to the text of the file; about as many disposals as trades."""
    events = as_events(generate(count, within=timedelta(days=364)))
    header = Header(
        year=2025, method="fifo", lots="per-wallet", currency="USD", mode="live", zone="UTC", stable=("USDT",), generated_at=START
    )  # fmt: skip

    def write(layout: str) -> int:
        history = compute(events, options=Options(), valuer=Valuer(currency="USD", stable=["USDT"]))
        return formats.write(
            io.StringIO(newline=""), tax_year(history, year=2025), header=header, name=layout
        )

    for layout in formats.FORMATS:
        taken_ms, lines = measure(lambda layout=layout: write(layout), repeat=max(repeat // 2, 1))  # type: ignore[misc]
        goal = " (goal 2,000 ms per 100,000)" if layout == "csv" else ""
        row(f"year to {layout}, {count:,} trades", taken_ms, f"{lines:,} lines{goal}")


def _ask_rp2(given: argparse.Namespace, *, ours_ms: float) -> None:
    try:
        import rp2  # noqa: F401
    except ImportError:
        print("  rp2: not installed (a development dependency)")
        return
    count = given.trades if given.rp2_all else min(given.rp2, given.trades)
    trades = generate(count, within=timedelta(days=364))
    with tempfile.TemporaryDirectory(prefix="nt-bench-") as folder:
        theirs_ms, theirs = measure(lambda: total_gain(trades, method="fifo", folder=Path(folder)), repeat=1)
    events = as_events(trades)
    valuer = Valuer(currency="USD", stable=["USDT"])
    same_ms, history = measure(lambda: compute(events, options=Options(), valuer=valuer), repeat=given.repeat)
    note = f"engine {same_ms:,.1f} ms: {theirs_ms / same_ms:,.0f} x (goal 40), gain off by {float(abs(gain(history) - theirs)):.0e}"
    row(f"rp2 1.7, FIFO, {count:,} trades", theirs_ms, note)
    if count < given.trades:
        whole_ms = theirs_ms * given.trades / count
        print(
            f"  rp2 on all {given.trades:,}, in proportion: {whole_ms:,.0f} ms, {whole_ms / ours_ms:,.0f} x the engine"
        )


def _arguments() -> argparse.Namespace:
    parser = argparse.ArgumentParser(description="Tax lots beside a bare loop and rp2.")
    parser.add_argument("--trades", type=int, default=100_000)
    parser.add_argument("--repeat", type=int, default=7)
    parser.add_argument("--rp2", type=int, default=10_000, help="trades that rp2 is asked about")
    parser.add_argument("--rp2-all", action="store_true", help="ask rp2 about all trades")
    return parser.parse_args()


if __name__ == "__main__":
    sys.exit(main())
