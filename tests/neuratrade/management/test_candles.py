"""`neuratrade candles` as a newcomer types it: each action in one line, each mistake answered with one."""

import json
from datetime import timedelta
from pathlib import Path
from typing import Any

import pytest
from django.core.management import CommandError, call_command

from tests.factories import AT, Desk
from tests.trading.history.builders import START_MS, make_bars
from trading.history import formats, store
from trading.models import CandleRow
from trading.services import history

MARKET = ("--venue", "binance", "--instrument", "ADA/BTC", "--timeframe", "5m")


@pytest.fixture(autouse=True)
def home(tmp_path: Path, settings: Any) -> Path:
    settings.HOME = tmp_path
    return tmp_path


@pytest.fixture
def file(tmp_path: Path) -> Path:
    bars = make_bars(300, symbol="ADA/BTC", timeframe="5m", keep=0.95)
    return formats.write(tmp_path / "ADA_BTC-5m.feather", bars, file_format="freqtrade")


def candles(capsys: pytest.CaptureFixture[str], *arguments: str) -> str:
    call_command("candles", *arguments)
    return capsys.readouterr().out


def test_import_look_and_export(capsys: pytest.CaptureFixture[str], file: Path, tmp_path: Path) -> None:
    bars = make_bars(300, symbol="ADA/BTC", timeframe="5m", keep=0.95)
    missing = 300 - len(bars)

    first = candles(capsys, "import", str(file), *MARKET)
    again = candles(capsys, "import", str(file), "--venue", "binance")

    assert first.splitlines() == [
        f"binance ADA/BTC 5m: {len(bars)} candles added; 2022-01-01 to 2022-01-02 00:55",
        f"{missing} bars are missing in between ({missing / 300:.2%}); `neuratrade candles gaps` lists where",
    ]
    assert again.startswith(f"binance ADA/BTC 5m: 0 candles added, {len(bars)} were there already;")
    assert candles(capsys, "list").splitlines()[1].split() == [
        *("binance", "ADA/BTC", "5m", "2022-01-01", "2022-01-02", "00:55", str(len(bars)), str(missing))
    ]
    out = tmp_path / "out.csv"
    said = candles(
        capsys,
        "export",
        *MARKET,
        "--from",
        "2022-01-01T01:00",
        "--to",
        "2022-01-01T02:00",
        "--out",
        str(out),
    )
    assert said.startswith(f"{out}: ")
    hour = formats.read(out, venue="binance", symbol="ADA/BTC", timeframe="5m", at=AT).bars
    assert hour.open_time_ms[0] >= START_MS + 3_600_000
    assert hour.open_time_ms[-1] < START_MS + 7_200_000


def test_several_files_at_once(capsys: pytest.CaptureFixture[str], tmp_path: Path) -> None:
    whole = make_bars(90)
    months = [
        formats.write(tmp_path / f"{first}.csv", whole.part(first, first + 40)) for first in (50, 20, 0)
    ]

    said = candles(
        capsys,
        "import",
        *map(str, months),
        "--venue",
        "binance",
        "--instrument",
        "BTCUSDT",
        "--timeframe",
        "1m",
    )

    assert [line.split(" candles")[0] for line in said.splitlines()[::2]] == [
        *("binance BTCUSDT 1m: 40", "binance BTCUSDT 1m: 30", "binance BTCUSDT 1m: 20")
    ]
    assert said.splitlines()[1].startswith("BTCUSDT is not spelled as venues do here: BTC/USDT")
    stored = history.load(venue="binance", symbol="BTCUSDT", timeframe="1m")
    assert stored.close.tolist() == whole.close.tolist()


def test_gaps_as_a_table_and_as_json(capsys: pytest.CaptureFixture[str], file: Path) -> None:
    candles(capsys, "import", str(file), *MARKET)
    store.save(history.root(), make_bars(10))

    table = candles(capsys, "gaps")
    found = json.loads(candles(capsys, "gaps", "--json"))

    (ada, btc) = found
    assert btc["gaps"] == []
    assert "binance BTC/USDT 1m, 2022-01-01 to 2022-01-01 00:09, 10 bars: no gap" in table
    assert sum(gap["missing_bars"] for gap in ada["gaps"]) == ada["missing_bars"] > 0
    assert (
        f"{len(ada['gaps'])} gaps, {ada['missing_bars']} bars missing ({ada['missing_ratio']:.2%})" in table
    )
    first = ada["gaps"][0]
    assert first["from"][:10] in table
    assert json.loads(candles(capsys, "list", "--json", "--timeframe", "1m"))[0]["rows"] == 10


def test_only_the_widest_gaps_are_listed_unless_all_are_asked_for(capsys: pytest.CaptureFixture[str]) -> None:
    bars = make_bars(2_000, keep=0.6)
    store.save(history.root(), bars)
    count = len(json.loads(candles(capsys, "gaps", "--json"))[0]["gaps"])

    assert f"and {count - 40} smaller ones; --all lists them" in candles(capsys, "gaps")
    assert len(candles(capsys, "gaps", "--all").splitlines()) == count + 2


@pytest.mark.parametrize(("kind", "option"), [("funding", "--funding"), ("sentiment", "--kind=sentiment")])
def test_series_come_in_too(
    capsys: pytest.CaptureFixture[str], tmp_path: Path, kind: str, option: str
) -> None:
    path = tmp_path / "a.csv"
    path.write_text(f"time,{kind}\n2022-01-01,0.5\n2022-01-02,-0.25\n2022-01-03,9\n")
    market = ("--venue", "binance", "--instrument", "BTC/USDT")

    said = candles(capsys, "import", str(path), option, *market, "--skip-bad")

    assert said.splitlines() == [
        f"binance BTC/USDT {kind}: 2 values added; 2022-01-01 to 2022-01-02",
        "left out: 1 bad rows",
    ]
    read = history.funding if kind == "funding" else history.sentiment
    assert read(venue="binance", symbol="BTC/USDT")[1].tolist() == [0.5, -0.25]
    assert kind in candles(capsys, "list")


def test_the_desks_own_minutes_come_in(capsys: pytest.CaptureFixture[str], desk: Desk) -> None:
    with pytest.raises(CommandError, match="the desk has kept no minutes yet; `neuratrade up` collects them"):
        candles(capsys, "import", "--from-desk")
    instrument = desk.instrument()
    for minute in range(5):
        at = AT + timedelta(minutes=minute)
        prices = {"open": "100.1", "high": "101", "low": "99.5", "close": "100.25", "volume_base": "0.5"}
        CandleRow.objects.create(instrument=instrument, timeframe="1m", open_time=at, **prices)
    CandleRow.objects.create(instrument=instrument, timeframe="5m", open_time=AT, **prices)

    said = candles(capsys, "import", "--from-desk")

    assert said == "binance BTC/USDT 1m: 5 candles added; 2026-11-20 12:00 to 2026-11-20 12:04\n"
    bars = history.load(venue="binance", symbol="BTC/USDT", timeframe="1m")
    assert bars.close.tolist() == [100.25] * 5
    assert candles(capsys, "import", "--from-desk", "--venue", "binance") == said.replace(
        "5 candles added", "0 candles added, 5 were there already"
    )


@pytest.mark.parametrize(
    ("arguments", "line"),
    [
        (("import",), "give a FILE and --venue, or --from-desk"),
        (("import", "a.csv", "--from-desk"), "--from-desk takes the desk's own minutes: give no file"),
        (("import", "a.csv", "--venue", "x", "--kind", "prices"), "invalid choice: 'prices'"),
        (("download", "--venue", "binance", "--instrument", "BTC/USDT"), "required: --timeframe"),
        (("download", *MARKET, "--since", "2022-13-01"), "'2022-13-01' is no date"),
        (
            ("download", *MARKET, "--since", "2022-02-01", "--until", "2022-01-01"),
            "2022-02-01 to 2022-01-01 is empty",
        ),
        (("export", *MARKET, "--out", "a.csv", "--format", "xls"), "invalid choice: 'xls'"),
        (("export", *MARKET, "--out", "a.csv", "--to", "b.csv"), "'b.csv' is no date"),
        (("paint",), "invalid choice: 'paint'"),
        (("import", "nowhere.csv", *MARKET), "nowhere.csv is no file; give the path of one"),
        (("import", "nowhere.csv", "--venue", "binance"), "nowhere.csv is no file; give the path of one"),
        (
            ("import", "nowhere.csv", "--venue", "binance", "--kind", "funding"),
            "nowhere.csv is no file; give the path of one",
        ),
        (("import", "/tmp", "--venue", "binance"), "/tmp is a folder; give a file in it"),
        (("import", __file__, "--venue", "../x"), "'../x' is no venue's name; give letters"),
        (("import", __file__, "--venue", "x", "--instrument", "../x"), "'../x' is no instrument's name"),
        (("list", "--venue", "kraken"), "no candles of kraken are stored; `neuratrade candles list` shows"),
        (
            ("export", *MARKET, "--out", "a.csv"),
            "no candles of binance ADA/BTC are stored; run `neuratrade candles",
        ),
        (("gaps", "--venue", "kraken"), "no candles of kraken are stored; `neuratrade candles list` shows"),
    ],
)
def test_a_mistake_is_one_line(arguments: tuple[str, ...], line: str) -> None:
    with pytest.raises(CommandError, match=line) as caught:
        call_command("candles", *arguments)
    assert "\n" not in str(caught.value)


def test_of_several_files_none_is_taken_when_one_is_not_there(
    capsys: pytest.CaptureFixture[str], file: Path
) -> None:
    with pytest.raises(CommandError, match="nowhere.csv is no file"):
        call_command("candles", "import", str(file), "nowhere.csv", "--venue", "binance")
    assert history.datasets() == []


def test_the_period_has_one_pair_of_names_and_the_other_still_works(
    capsys: pytest.CaptureFixture[str], file: Path, tmp_path: Path
) -> None:
    candles(capsys, "import", str(file), "--venue", "binance")
    written = []
    for first, last in (("--from", "--to"), ("--since", "--until")):
        out = tmp_path / f"{first}.csv"
        candles(
            capsys, "export", *MARKET, first, "2022-01-01T01:00", last, "2022-01-01T02:00", "--out", str(out)
        )
        written.append(out.read_text())
    assert written[0] == written[1]
    assert "2022-01-01 01:" in written[0] or "2022-01-01T01:" in written[0]
