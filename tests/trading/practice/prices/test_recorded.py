"""Recorded candle files: every format and spelling, and one clear line for every bad one."""

from __future__ import annotations

import gzip
from datetime import UTC, datetime

import numpy as np
import pandas as pd
import pytest

from trading.practice.errors import CandleFileError
from trading.practice.prices.drivers import Path as PricePath
from trading.practice.prices.recorded import read_candles

START_S = 1_700_000_040


def frame(count: int = 30, *, step_s: int = 60) -> pd.DataFrame:
    """Candles that rise by one a minute."""
    opens = np.arange(count) + 100.0
    return pd.DataFrame(
        {
            "timestamp": START_S + np.arange(count) * step_s,
            "open": opens,
            "high": opens + 2,
            "low": opens - 1,
            "close": opens + 1,
            "volume": np.arange(count) + 1.0,
        }
    )


@pytest.mark.parametrize("scale", [1, 1_000, 1_000_000, 1_000_000_000])
def test_epoch_units(tmp_path, scale):
    table = frame()
    table["timestamp"] *= scale
    table.to_csv(tmp_path / "c.csv", index=False)
    candles = read_candles(tmp_path / "c.csv")
    assert candles.at_s[0] == START_S
    assert candles.interval_s == 60


@pytest.mark.parametrize("name", ["c.csv", "c.csv.gz", "c.feather", "c.parquet"])
def test_formats_and_spellings(tmp_path, name):
    table = frame()
    table["timestamp"] = pd.to_datetime(table["timestamp"], unit="s", utc=True)
    table = table.rename(columns={"timestamp": "Date", "open": "Open", "volume": "Volume"}).iloc[::-1]
    path = tmp_path / name
    if name.endswith("feather"):
        table.reset_index(drop=True).to_feather(path)
    elif name.endswith("parquet"):
        table.to_parquet(path)
    else:
        table.to_csv(path, index=False)
    candles = read_candles(path)
    assert len(candles) == 30
    assert candles.at_s[0] == START_S
    assert list(candles.close[:2]) == [101.0, 102.0]


def _broken(change) -> pd.DataFrame:
    table = frame()
    change(table)
    return table


@pytest.mark.parametrize(
    ("table", "words"),
    [
        (frame().drop(columns=["high"]), "no column for high"),
        (frame(3), "at least 10"),
        (_broken(lambda t: t.__setitem__("close", "abc")), "not a number"),
        (_broken(lambda t: t.__setitem__("timestamp", "yesterday-ish")), "neither epoch nor ISO"),
        (_broken(lambda t: t.__setitem__("open", -1.0)), "zero or negative"),
        (_broken(lambda t: t.__setitem__("high", t["low"] - 5)), "high is below"),
        (_broken(lambda t: t.__setitem__("timestamp", START_S)), "same time"),
        (_broken(lambda t: t.__setitem__("volume", -1.0)), "volume is negative"),
    ],
)
def test_bad_tables_get_one_line(tmp_path, table, words):
    table.to_csv(tmp_path / "c.csv", index=False)
    with pytest.raises(CandleFileError, match=words) as caught:
        read_candles(tmp_path / "c.csv")
    assert "\n" not in str(caught.value)


def test_the_bad_candle_is_named_by_its_time(tmp_path):
    table = frame()
    table.loc[7, "open"] = float("nan")
    table.to_csv(tmp_path / "c.csv", index=False)
    moment = datetime.fromtimestamp(START_S + 7 * 60, UTC)
    with pytest.raises(CandleFileError, match=f"{moment:%Y-%m-%d %H:%M:%S} UTC: a price is missing"):
        read_candles(tmp_path / "c.csv")


def test_a_folder_is_not_a_file(tmp_path):
    with pytest.raises(CandleFileError, match="is a folder"):
        read_candles(tmp_path)


@pytest.mark.parametrize(
    ("name", "content"),
    [
        ("c.csv.gz", b"this is no gzip"),
        ("c.csv.gz", gzip.compress(b"timestamp,open\n1,2\n" * 99, mtime=0)[:40]),
        ("c.feather", b"this is no feather"),
        ("c.parquet", b""),
        ("c.csv", b""),
        ("c.csv", b"\xff\xfe\x00\x01"),
        ("c.xlsx", b"x"),
    ],
    ids=["not-gzip", "cut-gzip", "not-feather", "empty-parquet", "empty-csv", "not-text", "excel"],
)
def test_damaged_files_get_one_line(tmp_path, name, content):
    (tmp_path / name).write_bytes(content)
    with pytest.raises(CandleFileError) as caught:
        read_candles(tmp_path / name)
    assert "\n" not in str(caught.value)


def test_a_missing_file():
    from pathlib import Path

    with pytest.raises(CandleFileError, match="no such file"):
        read_candles(Path("/nowhere/c.csv"))


def test_the_path_goes_through_open_extremes_and_close(tmp_path):
    frame().to_csv(tmp_path / "c.csv", index=False)
    path = PricePath(read_candles(tmp_path / "c.csv"))
    assert path.price(0) == pytest.approx(100)
    assert path.price(15) == pytest.approx(99)
    assert path.price(45) == pytest.approx(102)
    assert path.price(60) == pytest.approx(101)
    lap = 30 * 60
    assert path.price(lap + 15) == pytest.approx(99 * 130 / 100)


def test_real_recordings_can_be_read(recorded):
    perp = read_candles(recorded / "btc-perp-1m-2022-01.csv.gz")
    assert len(perp) == 45_031 or len(perp) > 40_000
    assert perp.interval_s == 60
    feather = read_candles(recorded / "ETH_BTC-5m-2018-01.feather")
    assert feather.interval_s == 300
