"""Files of others: what is written comes back exactly, what others write is understood, and what is wrong is one line."""

import gzip
import json
import random
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import numpy as np
import pyarrow
import pyarrow.feather
import pyarrow.parquet
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from neuratrade.lib.clock import from_epoch_ms
from tests.trading.history.builders import START_MS, make_bars
from trading.errors import InvalidValueError
from trading.history import formats, quality
from trading.history.errors import BadFileError, HistoryError
from trading.history.formats import FORMATS, ReadResult
from trading.types.research import Bars

NOW = datetime(2026, 11, 20, 12, 0, tzinfo=UTC)
ROWS = "1640995200000,10,12,9,11,5\n1640995260000,11,13,10,12,6\n"
price = st.floats(1e-9, 1e9, allow_nan=False)


def read(path: Path, **other: Any) -> ReadResult:
    return formats.read(
        path, **{"venue": "binance", "symbol": "ADA/BTC", "timeframe": "1m", "at": NOW, **other}
    )


def written(path: Path, text: str) -> Path:
    path.write_text(text)
    return path


@st.composite
def any_bars(draw: st.DrawFn) -> Bars:
    """Bars of any prices at all."""
    minutes = sorted(draw(st.sets(st.integers(0, 10**6), min_size=1, max_size=12)))
    four = [sorted(draw(st.tuples(price, price, price, price))) for _ in minutes]
    return Bars(
        venue="binance",
        symbol="ADA/BTC",
        timeframe="1m",
        open_time_ms=START_MS + np.array(minutes, np.int64) * 60_000,
        open=np.array([row[1] for row in four]),
        high=np.array([row[3] for row in four]),
        low=np.array([row[0] for row in four]),
        close=np.array([row[2] for row in four]),
        volume_base=np.array(draw(st.lists(st.floats(0, 1e12), min_size=len(four), max_size=len(four)))),
    )


@settings(max_examples=25, deadline=None)
@given(bars=any_bars())
def test_every_format_comes_back_bit_for_bit(bars: Bars, tmp_path_factory: pytest.TempPathFactory) -> None:
    folder = tmp_path_factory.mktemp("formats")
    for name, file_format in (
        *(("a.csv", ""), ("a.csv.gz", ""), ("a.parquet", ""), ("b.feather", "feather")),
        ("c.feather", "freqtrade"),
    ):
        path = formats.write(folder / name, bars, file_format=file_format)
        assert read(path).bars.digest == bars.digest, name


@pytest.mark.parametrize("file_format", FORMATS)
def test_into_a_folder_the_file_is_named_in_freqtrades_way(tmp_path: Path, file_format: str) -> None:
    path = formats.write(tmp_path, make_bars(20, symbol="ADA/BTC", timeframe="5m"), file_format=file_format)

    assert path.name == f"ADA_BTC-5m.{'feather' if file_format == 'freqtrade' else file_format}"
    again = formats.read(path, venue="binance", at=NOW).bars
    assert (again.symbol, again.timeframe, len(again)) == ("ADA/BTC", "5m", 20)


def test_freqtrades_file_has_freqtrades_columns(tmp_path: Path) -> None:
    perpetual = make_bars(5, symbol="BTC/USDT:USDT", timeframe="1h")

    path = formats.write(tmp_path, perpetual, file_format="freqtrade")

    assert path.name == "BTC_USDT_USDT-1h-futures.feather"
    table = pyarrow.feather.read_table(path)
    assert table.column_names == ["date", "open", "high", "low", "close", "volume"]
    assert table.schema.field("date").type.tz == "UTC"
    assert formats.read(path, venue="binance", at=NOW).bars.digest == perpetual.digest


def test_a_file_that_is_there_is_not_overwritten_unasked(tmp_path: Path) -> None:
    path = written(tmp_path / "a.csv", "mine")
    with pytest.raises(HistoryError, match="is there already; give another name, or --overwrite"):
        formats.write(path, make_bars(3))
    assert path.read_text() == "mine"
    formats.write(path, make_bars(3), is_overwriting=True)
    assert path.read_text().startswith("time,open,high,low,close,volume\n2022-01-01 00:00:00Z,")
    with pytest.raises(HistoryError, match="does not say in which format"):
        formats.write(tmp_path / "a.xls", make_bars(3))
    with pytest.raises(HistoryError, match="cannot be written"):
        formats.write(tmp_path / "nowhere" / "a.csv", make_bars(3))


@pytest.mark.parametrize(
    "text",
    [
        "timestamp,open,high,low,close,volume\n" + ROWS,
        "Time;Open;High;Low;Close;Volume\n" + ROWS.replace(",", ";"),
        "\ufeffunix\topen\thigh\tlow\tclose\tvolume\n" + ROWS.replace(",", "\t"),
        "open_time,o,h,l,c,v\n" + ROWS.replace("000,1", ",1"),
        "date,open,high,low,close,volume\n2022-01-01 00:00:00,10,12,9,11,5\n2022-01-01T00:01:00Z,11,13,10,12,6\n",
        'Date,Open,High,Low,Close,"Adj Close",Volume\n"2022-01-01 00:00:00+00:00",10,12,9,11,1,5\n'
        '"2022-01-01 01:01:00+01:00",11,13,10,12,1,6\n',
        "timestamp,open,high,low,close,volume\n1640995200.0,10,12,9,11,5\n1640995260.0,11,13,10,12,6\n",
        "timestamp,open,high,low,close,volume\n1640995200000000,10,12,9,11,5\n1640995260000000,11,13,10,12,6\n",
        "close_time,open_time,open,high,low,close,volume\n1,1640995200000000000,10,12,9,11,5\n"
        "1,1640995260000000000,11,13,10,12,6\n",
        ROWS,
        ROWS.replace("000,1", ",1").replace("\n", ",42\n"),
        ROWS.replace("\n", ",1640995259999,55.0,42,1.0,2.0,0\n"),
        "https://www.CryptoDataDownload.com\nunix,date,symbol,open,high,low,close,Volume USDT,Volume ADA\n"
        "1640995260000,2022-01-01 00:01:00,ADAUSDT,11,13,10,12,99,6\n"
        "1640995200000,2022-01-01 00:00:00,ADAUSDT,10,12,9,11,98,5\n",
    ],
)
def test_many_layouts_of_the_same_candles_are_understood(tmp_path: Path, text: str) -> None:
    found = read(written(tmp_path / "a.csv", text))

    assert found.bars.open_time_ms.tolist() == [START_MS, START_MS + 60_000]
    assert found.bars.open.tolist() == [10, 11]
    assert found.bars.high.tolist() == [12, 13]
    assert found.bars.low.tolist() == [9, 10]
    assert found.bars.close.tolist() == [11, 12]
    assert found.bars.volume_base.tolist() == [5, 6]
    assert found.dropped == {}


HEAD = "timestamp,open,high,low,close,volume\n"


@pytest.mark.parametrize(
    ("name", "text", "line"),
    [
        ("a.csv", "", "holds no table; its first line must name the columns"),
        ("a.csv", HEAD, "holds no candles"),
        (
            "a.csv",
            "a,b\n1,2\n",
            "a.csv has no column for time, open, high, low, close, volume .it has: a, b.; name its columns",
        ),
        (
            "a.csv",
            ROWS.replace(",5\n", "\n").replace(",6\n", "\n"),
            "has no header and 5 columns; put a line above",
        ),
        ("a.csv", HEAD + "1640995200000,10,12,9\n", "is no readable csv file .*Expected 6 columns, got 4"),
        ("a.csv", HEAD + "\0\0", "is no text"),
        (
            "a.csv",
            HEAD + "1640995200000,10,12,9,11,5\n1640995260000,ten,12,9,11,5\n",
            "row 3 .*: open is no number",
        ),
        ("a.csv", HEAD + "31/01/2022 09:00,10,12,9,11,5\n", "row 2: its time cannot be read"),
        (
            "a.csv",
            HEAD + "4102444800000,10,12,9,11,5\n",
            "row 2 .*: this bar has not ended at 2026-11-20 12:00:00 UTC",
        ),
        ("a.csv.gz", "no gzip at all", "is no readable csv file"),
        ("a.json", "[1, 2", "is no readable json file"),
        ("a.json", "{}", "holds no list of candles or trades"),
        ("a.json", "[[1640995200000,1,2]]", "row 1: neither a candle"),
        ("a.json", "[[1640995200000,10,12,9,11,5],[1]]", "row 2: neither a candle"),
        ("a.parquet", "PAR1", "is no readable parquet file"),
        ("a.feather", "", "is no readable feather file"),
        ("a.xlsx", "", "what this file holds cannot be told; it must end in .csv.gz, .csv"),
    ],
)
def test_a_broken_file_is_one_line(tmp_path: Path, name: str, text: str, line: str) -> None:
    with pytest.raises(BadFileError, match=line) as caught:
        read(written(tmp_path / name, text))
    assert "\n" not in str(caught.value)
    assert str(caught.value).startswith(name)


SCRAPS = (b"\n", b",", b'"', b"\0", b"nan", b"-", b"1e999", b"[", b"null", b"{}", b"\xff", b"9" * 20, b"true")


@pytest.mark.parametrize("name", ["a.csv", "a.csv.gz", "a.json", "a.parquet", "a.feather", "t.csv"])
def test_a_file_damaged_anywhere_is_read_or_refused_in_one_line(tmp_path: Path, name: str) -> None:
    bars, path = make_bars(30, symbol="ADA/BTC"), tmp_path / name
    if name == "a.json":
        columns = (bars.open_time_ms, bars.open, bars.high, bars.low, bars.close, bars.volume_base)
        path.write_text(
            json.dumps([list(row) for row in zip(*(column.tolist() for column in columns), strict=True)])
        )
    elif name == "t.csv":
        trades = trade_rows(1, count=30)
        path.write_text("time,id,price,amount\n" + "".join(f"{t},{i},{p},{s}\n" for t, i, p, s in trades))
    else:
        formats.write(path, bars)
    content, chance = path.read_bytes(), random.Random(7)
    refusals: list[str] = []
    for _ in range(60):
        damaged = bytearray(content)
        for _ in range(chance.choice((1, 1, 3, 20))):
            place = chance.randrange(len(damaged))
            if chance.random() < 0.5:
                damaged[place] = chance.randrange(256)
            else:
                damaged[place : place + chance.choice((0, 0, 5))] = chance.choice(SCRAPS)
        path.write_bytes(damaged)
        for skip_bad in (False, True):
            try:
                found = read(path, skip_bad=skip_bad)
            except BadFileError as error:
                refusals.append(str(error))
            else:
                assert quality.first_problem(quality.Rows.of(found.bars), at=NOW) == ""
    assert refusals
    assert not any("\n" in line for line in refusals)


def test_bad_rows_are_left_out_when_asked_and_counted(tmp_path: Path) -> None:
    text = (
        HEAD
        + ROWS
        + "1640995320000,ten,12,9,11,5\n1640995380000,10\n,1,1,1,1,1\n1640995440000,10,8,9,11,5\n1640995500000,9,9,9,9,0\n"
    )

    found = read(written(tmp_path / "a.csv", text), skip_bad=True)

    assert found.bars.open_time_ms.tolist() == [START_MS, START_MS + 60_000, START_MS + 300_000]
    assert found.dropped == {
        "rows of another width": 1,
        "bad open": 1,
        "unreadable times": 1,
        "high below low": 1,
    }


def test_a_newest_first_file_names_its_own_rows(tmp_path: Path) -> None:
    lines = ROWS.splitlines()
    with pytest.raises(BadFileError, match=r"row 3 \(2022-01-01 00:00:00\): high 8 is below low 9"):
        read(written(tmp_path / "a.csv", f"{HEAD}{lines[1]}\n{lines[0].replace('12', '8')}\n"))


@pytest.mark.parametrize(
    ("asked", "line"),
    [
        (
            {"timeframe": "5m"},
            r"row 3 .*: no 5m bar opens at this time \(the rows are 1m apart: --timeframe 1m\?\)",
        ),
        ({"timeframe": ""}, r"does not say how long its bars are; give --timeframe \(the rows are 1m apart"),
        ({"symbol": ""}, "does not say which instrument it is about; give --instrument, as in BTC/USDT"),
    ],
)
def test_what_the_operator_did_not_say_or_said_wrong(
    tmp_path: Path, asked: dict[str, str], line: str
) -> None:
    with pytest.raises(BadFileError, match=line):
        read(written(tmp_path / "a.csv", HEAD + ROWS), **asked)


def test_hours_are_not_taken_for_minutes(tmp_path: Path) -> None:
    path = formats.write(tmp_path / "a.csv", make_bars(200, timeframe="1h", keep=0.5))
    with pytest.raises(
        BadFileError, match="a.csv holds no 1m bars, its rows are 1h apart; give --timeframe 1h"
    ):
        read(path)
    with pytest.raises(InvalidValueError, match="timeframe '7m' is unknown"):
        read(path, timeframe="7m")


def test_a_name_that_says_something_else_is_told(tmp_path: Path) -> None:
    path = written(tmp_path / "ETH_BTC-5m.csv", HEAD + ROWS)
    assert read(path).notes == ("the file's name says ETH/BTC (not ADA/BTC) and 5m (not 1m)",)


@pytest.mark.parametrize("name", ["ADA_BTC-1m.json", "ADA_BTC-1m.json.gz"])
def test_freqtrades_json_candles(tmp_path: Path, name: str) -> None:
    content = json.dumps([[START_MS, 10, 12, 9, 11.5, 5], [START_MS + 60_000, 11.5, 13, 10, 12, 6]]).encode()
    (tmp_path / name).write_bytes(gzip.compress(content) if name.endswith("gz") else content)

    found = formats.read(tmp_path / name, venue="binance", at=NOW).bars

    assert (found.symbol, found.timeframe, found.close.tolist()) == ("ADA/BTC", "1m", [11.5, 12])


def test_arrow_tables_of_other_types(tmp_path: Path) -> None:
    table = pyarrow.table(
        {
            "Datetime": pyarrow.array([1640995200, 1640995260], pyarrow.timestamp("s")),
            **{
                name: pyarrow.array([10.0, 10.0], pyarrow.float32())
                for name in ("Open", "High", "Low", "Close")
            },
            "Volume": pyarrow.array(["1.5", "2"]),
        }
    )
    pyarrow.parquet.write_table(table, tmp_path / "a.parquet")
    assert read(tmp_path / "a.parquet").bars.volume_base.tolist() == [1.5, 2.0]
    days = table.set_column(0, "date", pyarrow.array([18993, 18994], pyarrow.date32()))
    pyarrow.parquet.write_table(days, tmp_path / "b.parquet")
    assert read(tmp_path / "b.parquet", timeframe="1d").bars.open_time_ms.tolist() == [
        START_MS,
        START_MS + 86_400_000,
    ]


# --- trades ---------------------------------------------------------------------------------------------------------------


def trade_rows(seed: int, count: int = 400) -> list[tuple[int, str, float, float]]:
    """(time in ms, id, price, size) in order of time over ten minutes."""
    rng = np.random.default_rng(seed)
    times = np.sort(rng.integers(START_MS, START_MS + 600_000, count))
    return [
        (int(time_ms), f"t{index}", float(cost), float(size))
        for index, (time_ms, cost, size) in enumerate(
            zip(times, rng.uniform(90, 110, count), rng.uniform(0.1, 2, count), strict=True)
        )
    ]


@settings(max_examples=15, deadline=None)
@given(seed=st.integers(0, 1000), order=st.randoms(use_true_random=False))
def test_candles_from_trades_are_what_a_plain_loop_gives(
    seed: int, order: Any, tmp_path_factory: pytest.TempPathFactory
) -> None:
    trades = trade_rows(seed)
    expected: dict[int, list[float]] = {}
    for time_ms, _, cost, size in trades:
        bar = expected.setdefault(time_ms // 60_000 * 60_000, [cost, cost, cost, cost, 0.0])
        bar[1], bar[2], bar[3], bar[4] = max(bar[1], cost), min(bar[2], cost), cost, bar[4] + size
    repeated = trades + [trades[5], trades[7]]
    if len({time_ms for time_ms, *_ in trades}) == len(trades):  # else the order within a millisecond counts
        order.shuffle(repeated)
    lines = [f"{time_ms},{identity},{cost!r},{size!r}" for time_ms, identity, cost, size in repeated]
    path = written(tmp_path_factory.mktemp("t") / "x.csv", "\n".join(["time,id,price,amount", *lines]))

    found = read(path)

    assert found.bars.open_time_ms.tolist() == sorted(expected)
    for row, start in enumerate(sorted(expected)):
        names = ("open", "high", "low", "close", "volume_base")
        assert [getattr(found.bars, name)[row] for name in names] == pytest.approx(expected[start], rel=1e-12)
    assert found.dropped == {"repeated trades": 2}
    assert "built from 400 trades from 2022-01-01 00:00:0" in found.notes[0]


def test_a_bad_trade_is_named_or_left_out(tmp_path: Path) -> None:
    text = f"time,price,qty\n{START_MS},10,1\n{START_MS + 1},-10,1\n{START_MS + 2},12,1\n"
    path = written(tmp_path / "a.csv", text)
    with pytest.raises(
        BadFileError, match="a.csv: row 3: its price must be a number above zero; --skip-bad leaves"
    ):
        read(path)
    found = read(path, skip_bad=True)
    assert (found.bars.close.tolist(), found.dropped) == ([12], {"bad trades": 1})


def test_the_minute_that_still_runs_is_no_bar(tmp_path: Path) -> None:
    path = written(tmp_path / "a.csv", f"time,price,qty\n{START_MS},10,1\n{START_MS + 60_001},11,1\n")
    assert len(read(path, at=from_epoch_ms(START_MS + 119_999)).bars) == 1
    assert len(read(path, at=from_epoch_ms(START_MS + 120_000)).bars) == 2


# --- series ---------------------------------------------------------------------------------------------------------------


def series(path: Path, **other: Any) -> formats.SeriesResult:
    return formats.read_series(
        path, **{"symbol": "BTC/USDT", "kind": "funding", "low": -1.0, "high": 1.0, "at": NOW, **other}
    )


@pytest.mark.parametrize(
    "text",
    [
        "time,funding_ratio\n2022-01-01,0.0001\n2022-01-01 08:00:00,-0.0002\n",
        f"calc_time,funding_time,last_funding_rate\nx,{START_MS},0.0001\nx,{START_MS + 28_800_000},-0.0002\n",
        "timestamp;symbol;fundingRate\n2022-01-01 08:00:00;A;-0.0002\n2022-01-01 00:00:00;A;0.0001\n",
    ],
)
def test_rates_over_time(tmp_path: Path, text: str) -> None:
    found = series(written(tmp_path / "a.csv", text))
    assert found.time_ms.tolist() == [START_MS, START_MS + 28_800_000]
    assert found.values.tolist() == [0.0001, -0.0002]


def test_freqtrades_funding_rates_are_rates_and_no_candles(tmp_path: Path) -> None:
    times = pyarrow.array([START_MS, START_MS + 28_800_000]).cast(pyarrow.timestamp("ms", "UTC"))
    rates = {name: [0.0001, -0.0002] for name in ("open", "high", "low", "close", "volume")}
    path = tmp_path / "BTC_USDT_USDT-8h-funding_rate.feather"
    pyarrow.feather.write_feather(pyarrow.table({"date": times, **rates}), str(path))

    found = series(path, symbol="")

    assert (found.symbol, found.values.tolist()) == ("BTC/USDT:USDT", [0.0001, -0.0002])
    with pytest.raises(
        BadFileError, match=r"holds funding rates \(--kind funding takes them in\), not candles"
    ):
        formats.read(path, venue="binance", at=NOW)
    mark = path.rename(tmp_path / "BTC_USDT_USDT-8h-mark.feather")
    with pytest.raises(BadFileError, match=r"holds mark prices, not candles; give the file of traded prices"):
        formats.read(mark, venue="binance", at=NOW)
    (tmp_path / "a.csv").touch()
    with pytest.raises(BadFileError, match="does not say which instrument it is about"):
        series(tmp_path / "a.csv", symbol="")


@pytest.mark.parametrize(
    ("row", "line"),
    [
        ("2022-01-02,7", "row 3: 7 is no value from -1 to 1"),
        ("2022-01-02,", "row 3: nan is no value from -1 to 1"),
        ("2022-01-01,0.1", "row 3: its time does not come after the row before it"),
        ("2050-01-01,0.1", "row 3: 2050-01-01 00:00 lies in the future"),
        ("soon,0.1", "row 3: its time cannot be read"),
    ],
)
def test_a_bad_value_is_named_or_left_out(tmp_path: Path, row: str, line: str) -> None:
    path = written(tmp_path / "a.csv", f"time,score\n2022-01-01,0.5\n{row}\n2022-01-03,-0.5\n")
    with pytest.raises(BadFileError, match=f"a.csv: {line}; --skip-bad"):
        series(path, kind="sentiment")

    found = series(path, kind="sentiment", skip_bad=True)

    assert found.values.tolist() in ([0.5, -0.5], [0.1, -0.5])
    assert found.dropped == {"bad rows": 1}


# --- what others recorded ---------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("name", "symbol", "timeframe", "expected"),
    [
        ("btc-perp-1m-2022-01.csv.gz", "BTC/USD:BTC", "1m", (45_031, 0)),
        ("ETH_BTC-5m-2018-01.feather", "", "", (5_760, 0)),
        ("XLM_BTC-5m-2018-01.feather", "", "", (5_760, 0)),
        ("XRP_ETH-trades-2019-10.json.gz", "", "", (2_469, 1_091)),
        ("XRP_ETH-trades-2019-10.json.gz", "", "1h", (60, 0)),
        ("btcusdt-trades-2021-01-08.parquet", "BTC/USDT", "", (1, 0)),
    ],
)
def test_recorded_files_import_cleanly(
    recorded: Path, name: str, symbol: str, timeframe: str, expected: tuple[int, int]
) -> None:
    found = formats.read(recorded / name, venue="binance", symbol=symbol, timeframe=timeframe, at=NOW)

    missing = sum(gap.missing for gap in quality.gaps(found.bars))
    assert (len(found.bars), missing) == expected
    assert found.dropped == {}


def test_candles_from_recorded_trades_hold_every_trade(recorded: Path) -> None:
    trades = json.loads(gzip.decompress((recorded / "XRP_ETH-trades-2019-10.json.gz").read_bytes()))
    bars = formats.read(recorded / "XRP_ETH-trades-2019-10.json.gz", venue="binance", at=NOW).bars
    assert bars.volume_base.sum() == pytest.approx(sum(trade[5] for trade in trades))
    assert (bars.open[0], bars.close[-1]) == (trades[0][4], trades[-1][4])


def test_order_books_are_no_trades(recorded: Path) -> None:
    with pytest.raises(BadFileError, match="btcusdt-depth-updates.csv: these are order book updates"):
        read(recorded / "btcusdt-depth-updates.csv")
