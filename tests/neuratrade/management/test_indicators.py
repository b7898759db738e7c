"""`neuratrade indicators parity`: the table, the numbers for machines, and one line for what cannot be."""

import io
import json
from pathlib import Path
from typing import Any

import pytest
from django.core.management import CommandError, call_command

from trading import indicators
from trading.indicators import catalog


def run(*arguments: str) -> str:
    out = io.StringIO()
    call_command("indicators", *arguments, stdout=out)
    return out.getvalue()


def test_the_table_has_a_line_for_each_indicator_and_a_verdict_for_each_provider() -> None:
    text = run("parity", "--bars", "2000")
    for provider in indicators.all_providers():
        for name in catalog.INDICATORS:
            row = next(line.split() for line in text.splitlines() if line.split()[:2] == [provider, name])
            assert row[-1] == "PASS"
    assert "talib (the default): PASS, may be the default" in text
    assert "numba: PASS, but may not be the default" in text


def test_json_holds_the_same_and_nothing_else() -> None:
    content: dict[str, Any] = json.loads(run("parity", "--bars", "500", "--provider", "talib", "--json"))
    assert content["default"] == indicators.DEFAULT
    assert content["bars"] == 500
    talib = content["providers"].pop("talib")
    assert not content["providers"]
    assert talib["passes"] is talib["may_be_default"] is True
    assert [line["indicator"] for line in talib["indicators"]] == list(catalog.INDICATORS)


def test_a_file_of_candles_serves_as_well(tmp_path: Path) -> None:
    path = tmp_path / "candles.csv"
    rows = [
        f"{1_600_000_020_000 + i * 60_000},{9 + i % 7},{11 + i % 7},{8 + i % 7},{10 + i % 7},{i}"
        for i in range(400)
    ]
    path.write_text("time,open,high,low,close,volume\n" + "\n".join(rows) + "\n")
    asked = ("parity", "--candles", str(path), "--provider", "talib")
    assert run(*asked, "--timeframe", "1m").startswith("400 bars")
    with pytest.raises(CommandError, match="give --timeframe"):
        run(*asked)


@pytest.mark.parametrize(
    ("arguments", "line"),
    [
        (["--bars", "100000000000"], "more than memory holds; give at most 20,000,000"),
        (["--bars", "0"], "a market needs at least one bar, not 0"),
        (["--bars", "299"], "the gate needs at least 300 bars, not 299"),
        (["--provider", "pandas"], "no indicator provider 'pandas'; give one of: numba, talib"),
        (["--candles", "/nowhere/candles.csv"], "candles.csv"),
    ],
)
def test_what_cannot_be_is_said_in_one_line(arguments: list[str], line: str) -> None:
    with pytest.raises(CommandError, match=line) as refusal:
        run("parity", *arguments)
    assert "\n" not in str(refusal.value)
