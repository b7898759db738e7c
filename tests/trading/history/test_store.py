"""History on disk: what goes in comes out, whatever the order, whoever else writes, and whatever breaks."""

import multiprocessing
import os
import random
import resource
import signal
import subprocess
import sys
import time
from datetime import UTC, datetime, timedelta
from pathlib import Path

import numpy as np
import pyarrow.parquet
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from neuratrade.lib.clock import from_epoch_ms
from tests.trading.history.builders import START_MS, make_bars, take
from trading.errors import InvalidValueError
from trading.history import store
from trading.history.errors import BadFileError, BrokenHistoryError, HistoryError
from trading.types.research import Bars

JANUARY = 31 * 24 * 60


def load(root: Path, **other: object) -> Bars:
    return store.load(root, **{"venue": "binance", "symbol": "BTC/USDT", "timeframe": "1m", **other})  # type: ignore[arg-type]


def test_what_is_saved_is_loaded_bit_for_bit(tmp_path: Path) -> None:
    bars = make_bars(JANUARY + 3_000, keep=0.99)

    report = store.save(tmp_path, bars)

    assert report == store.SaveReport(added=len(bars), replaced=0, unchanged=0)
    assert load(tmp_path).digest == bars.digest
    folder = tmp_path / "binance" / "BTC%2FUSDT" / "1m"
    assert sorted(path.name for path in folder.iterdir()) == [".lock", "2022-01.parquet", "2022-02.parquet"]


def test_a_period_holds_its_first_bar_and_not_its_last(tmp_path: Path) -> None:
    bars = make_bars(JANUARY + 3_000)
    store.save(tmp_path, bars)
    since = datetime(2022, 1, 31, 23, 58, tzinfo=UTC)

    part = load(tmp_path, since=since, until=since + timedelta(minutes=4))

    first = int(np.searchsorted(bars.open_time_ms, since.timestamp() * 1000))
    assert part.digest == bars.part(first, first + 4).digest
    assert len(load(tmp_path, since=datetime(2023, 1, 1, tzinfo=UTC))) == 0
    assert len(load(tmp_path, symbol="ETH/USDT")) == 0


def test_the_same_import_twice_changes_no_file(tmp_path: Path) -> None:
    bars = make_bars(500)
    store.save(tmp_path, bars)
    (file,) = tmp_path.rglob("*.parquet")
    before = file.stat().st_ino, file.read_bytes()

    report = store.save(tmp_path, bars)

    assert report == store.SaveReport(added=0, replaced=0, unchanged=500)
    assert (file.stat().st_ino, file.read_bytes()) == before


def test_the_newer_import_wins_and_is_counted(tmp_path: Path) -> None:
    store.save(tmp_path, make_bars(100))
    newer = make_bars(110, seed=2).part(90, 110)

    assert store.save(tmp_path, newer) == store.SaveReport(added=10, replaced=10, unchanged=0)
    assert load(tmp_path).part(90, 110).digest == newer.digest
    assert load(tmp_path).part(0, 90).digest == make_bars(100).part(0, 90).digest


@settings(max_examples=25, deadline=None)
@given(data=st.data())
def test_any_order_of_overlapping_imports_gives_the_same_store(
    data: st.DataObject, tmp_path_factory: pytest.TempPathFactory
) -> None:
    bars = make_bars(60, start_ms=START_MS + (JANUARY - 30) * 60_000)
    index = st.sets(st.integers(0, 59), min_size=1).map(lambda chosen: np.array(sorted(chosen)))
    parts = data.draw(st.lists(index, min_size=1, max_size=5))
    whole = take(bars, np.unique(np.concatenate(parts)))
    root = tmp_path_factory.mktemp("any-order")

    reports = [store.save(root, take(bars, part)) for part in data.draw(st.permutations(parts))]

    assert load(root).digest == whole.digest
    assert sum(report.added for report in reports) == len(whole)
    assert sum(report.unchanged for report in reports) == sum(map(len, parts)) - len(whole)


@given(st.text(min_size=1, max_size=12))
@settings(max_examples=60, deadline=None)
def test_any_name_is_one_folder_and_comes_back(tmp_path_factory: pytest.TempPathFactory, symbol: str) -> None:
    root = tmp_path_factory.mktemp("names")
    try:
        symbol.encode()
        store.save(root, make_bars(2, symbol=symbol))
    except (InvalidValueError, UnicodeEncodeError):
        assert not any(root.iterdir())
    else:
        assert [one.symbol for one in store.datasets(root)] == [symbol]
        assert all(path.resolve().is_relative_to(root.resolve()) for path in root.rglob("*"))
        assert len(list(root.glob("binance/*/1m/2022-01.parquet"))) == 1


def test_datasets_tell_what_is_there(tmp_path: Path) -> None:
    store.save(tmp_path, make_bars(200, keep=0.9, symbol="ETH/USDT"))
    store.save(tmp_path, make_bars(50, timeframe="1d"))
    store.save(tmp_path, make_bars(50))
    store.save_series(
        tmp_path,
        kind="funding",
        venue="binance",
        symbol="BTC/USDT",
        time_ms=np.array([START_MS]),
        values=np.array([1e-4]),
    )

    minutes, days, eth = store.datasets(tmp_path)

    assert (minutes.timeframe, minutes.bars, minutes.gaps) == ("1m", 50, 0)
    assert (days.timeframe, days.bars, days.last) == ("1d", 50, from_epoch_ms(START_MS) + timedelta(days=49))
    assert eth.gaps == 200 - eth.bars > 0
    assert [(one.kind, one.bars) for one in store.datasets(tmp_path, kind="funding")] == [("funding", 1)]
    assert store.datasets(tmp_path / "nowhere") == []


def test_a_missing_timeframe_is_built_from_a_finer_one_and_said(
    tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    bars = make_bars(7 * 60 + 5)
    store.save(tmp_path, bars)

    with caplog.at_level("INFO"):
        hours = load(tmp_path, timeframe="1h")

    assert len(hours) == 7
    assert hours.open[3] == bars.open[180]
    assert hours.close[3] == bars.close[239]
    assert "binance BTC/USDT: 1h candles are built from the stored 1m ones" in caplog.text
    store.save(tmp_path, make_bars(3, seed=9, timeframe="1h"))
    assert load(tmp_path, timeframe="1h").digest == make_bars(3, seed=9, timeframe="1h").digest


@pytest.mark.parametrize("damage", ["cut", "flip", "empty", "text"])
def test_a_damaged_file_is_named_kept_and_never_traded_on(tmp_path: Path, damage: str) -> None:
    bars = make_bars(JANUARY + 100)
    store.save(tmp_path, bars)
    file = next(tmp_path.rglob("2022-01.parquet"))
    content = file.read_bytes()
    middle = len(content) // 2
    broken = {
        "cut": content[:middle],
        "flip": content[:middle] + bytes([content[middle] ^ 1]) + content[middle + 1 :],
        "empty": b"",
        "text": b"open,high,low,close\n" * 10,
    }[damage]
    file.write_bytes(broken)

    for use in (lambda: load(tmp_path), lambda: store.save(tmp_path, make_bars(JANUARY + 200, seed=3))):
        with pytest.raises(BrokenHistoryError, match=r"2022-01\.parquet is broken .* move it away") as caught:
            use()
        assert "\n" not in str(caught.value)
    assert file.read_bytes() == broken
    february = load(tmp_path, since=datetime(2022, 2, 1, tzinfo=UTC))
    assert february.digest == bars.part(JANUARY, len(bars)).digest
    file.unlink()
    store.save(tmp_path, bars)
    assert load(tmp_path).digest == bars.digest


def test_any_flipped_bit_is_noticed(tmp_path: Path) -> None:
    store.save(tmp_path, make_bars(60))
    (file,) = tmp_path.rglob("*.parquet")
    content = file.read_bytes()
    for place in random.Random(1).sample(range(len(content)), 400):
        file.write_bytes(content[:place] + bytes([content[place] ^ 1 << place % 8]) + content[place + 1 :])
        with pytest.raises(BrokenHistoryError):
            load(tmp_path)
    for length in range(0, len(content), 97):
        file.write_bytes(content[:length])
        assert "is broken (" in store.datasets(tmp_path)[0].trouble


def test_any_program_that_reads_parquet_reads_the_store(tmp_path: Path) -> None:
    bars = make_bars(60)
    store.save(tmp_path, bars)
    (file,) = tmp_path.rglob("*.parquet")

    table = pyarrow.parquet.read_table(file)

    assert table.column_names == ["time_ms", "open", "high", "low", "close", "volume_base"]
    assert table.column("close").to_pylist() == bars.close.tolist()


def test_a_file_in_the_wrong_folder_is_noticed(tmp_path: Path) -> None:
    store.save(tmp_path, make_bars(10))
    store.save(tmp_path, make_bars(10, symbol="ETH/USDT"))
    btc, eth = sorted(tmp_path.rglob("*.parquet"))
    eth.write_bytes(btc.read_bytes())

    with pytest.raises(BrokenHistoryError, match="holds 'binance BTC/USDT 1m', not 'binance ETH/USDT 1m'"):
        load(tmp_path, symbol="ETH/USDT")
    assert [bool(one.trouble) for one in store.datasets(tmp_path)] == [False, True]


def test_bars_that_are_none_are_refused(tmp_path: Path) -> None:
    bars = make_bars(10)
    bars.high[4] = 1.0

    with pytest.raises(BadFileError, match=r"row 5 \(2022-01-01 00:04:00\): high 1 is below low"):
        store.save(tmp_path, bars)

    assert not list(tmp_path.rglob("*.parquet"))


def test_a_store_that_cannot_be_written_is_one_line(tmp_path: Path) -> None:
    (tmp_path / "binance").write_text("a file where a folder should be")

    with pytest.raises(HistoryError, match=r"cannot be written \(Not a directory\)"):
        store.save(tmp_path, make_bars(10))


def _save_every(root: Path, part: int) -> None:
    bars = make_bars(400)
    for first in range(part, 400, 4):
        store.save(root, bars.part(first, first + 1))


def test_writers_side_by_side_lose_nothing(tmp_path: Path) -> None:
    context = multiprocessing.get_context("fork")
    writers = [context.Process(target=_save_every, args=(tmp_path, part)) for part in range(4)]
    for writer in writers:
        writer.start()
    for writer in writers:
        writer.join()

    assert [writer.exitcode for writer in writers] == [0] * 4
    assert load(tmp_path).digest == make_bars(400).digest


_WRITER = """
import sys
from pathlib import Path
from tests.trading.history.builders import make_bars
from trading.history import store
print("ready", flush=True)
for seed in range(10_000):
    store.save(Path(sys.argv[1]), make_bars(20_000, seed=seed))
"""


def test_a_killed_writer_leaves_whole_files(tmp_path: Path) -> None:
    for pause_s in (0.03, 0.11):
        with subprocess.Popen(
            [sys.executable, "-c", _WRITER, str(tmp_path)], stdout=subprocess.PIPE
        ) as writer:
            assert writer.stdout is not None
            assert writer.stdout.readline() == b"ready\n"
            while not load(tmp_path).open_time_ms.size:
                time.sleep(0.01)
            time.sleep(pause_s)
            os.kill(writer.pid, signal.SIGKILL)
        found = load(tmp_path)
        assert found.digest in {make_bars(20_000, seed=seed).digest for seed in range(60)}
    store.save(tmp_path, make_bars(5))
    assert not list(tmp_path.rglob("*.tmp"))


def test_a_series_is_kept_like_bars(tmp_path: Path) -> None:
    times, values = START_MS + np.arange(10) * 28_800_000, np.linspace(-1e-4, 3e-4, 10)
    where = {"kind": "funding", "venue": "binance", "symbol": "BTC/USDT"}

    for part in (slice(0, 6), slice(4, 10)):
        store.save_series(tmp_path, **where, time_ms=times[part], values=values[part])

    found = store.load_series(tmp_path, **where, since=from_epoch_ms(int(times[1])))  # type: ignore[arg-type]
    assert np.array_equal(found[0], times[1:])
    assert np.array_equal(found[1], values[1:])
    with pytest.raises(BadFileError, match="from -1 to 1"):
        store.save_series(tmp_path, **where, time_ms=times[:1], values=np.array([np.nan]))


def test_a_disk_that_is_full_keeps_no_half_of_a_file(tmp_path: Path) -> None:
    before = resource.getrlimit(resource.RLIMIT_FSIZE)
    resource.setrlimit(resource.RLIMIT_FSIZE, (1_000, before[1]))
    try:
        with pytest.raises(
            HistoryError, match=r"cannot be written \(.*\); what was stored before is unchanged"
        ):
            store.save(tmp_path, make_bars(5_000))
    finally:
        resource.setrlimit(resource.RLIMIT_FSIZE, before)

    assert [path for path in tmp_path.rglob("*") if path.suffix in {".tmp", ".parquet"}] == []
