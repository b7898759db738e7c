"""`neuratrade trades` and `neuratrade export_taxes`, as an operator uses them."""

import io
import json
from pathlib import Path
from typing import Any

import pytest
from django.core.management import CommandError, call_command

from tests.factories import Desk
from trading.errors import InvalidValueError

OWN = """time,type,asset,size,quote,price,fee,fee_asset
2024-01-05T10:00:00Z,buy,BTC,1,USD,30000,30,USD
2025-02-05T10:00:00Z,sell,BTC,0.5,USD,50000,25,USD
2025-03-05T10:00:00Z,sell,SOL,3,USD,100,,
"""


def run(*arguments: str) -> str:
    out = io.StringIO()
    call_command(*arguments, stdout=out, skip_checks=True)
    return out.getvalue()


@pytest.fixture
def folder(desk: Desk, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.chdir(tmp_path)
    (tmp_path / "own.csv").write_text(OWN)
    return tmp_path


def test_a_newcomer_imports_and_exports_in_one_command_each(folder: Path) -> None:
    look = run("trades", "import", "own.csv", "--account", "kraken", "--dry-run")
    assert "3 rows, 2024-01-05 10:00 to 2025-03-05 10:00" in look
    assert "dry run: nothing was imported" in look
    assert "nothing was imported yet" in run("trades", "list")
    assert "imported as number" in run("trades", "import", "own.csv", "--account", "kraken")
    assert "all 3 rows are here already; nothing to do" in run(
        "trades", "import", "own.csv", "--account", "kraken"
    )
    said = run("export_taxes", "2025")
    # 25,000 - 25 - (30,030 / 2) = 9,960 long; nobody knows what the SOL cost
    assert (
        "long term          1 disposals   proceeds        24,975.00   cost        15,015.00   gain       9,960.00 USD"
        in said
    )
    assert "1 disposals are in no sum" in said
    assert "missing-basis × 1: nothing says what was paid for it" in said
    assert "wrote taxes-2025-csv.csv" in said
    assert (folder / "taxes-2025-csv.csv").read_text().count("\ndisposal,") == 2


def test_json_is_all_there_is_on_stdout(folder: Path) -> None:
    told: dict[str, Any] = json.loads(run("trades", "import", "own.csv", "--account", "kraken", "--json"))
    assert (told["rows"], told["accounts"], told["kinds"]) == (3, ["kraken"], {"buy": 1, "sell": 2})
    summary = json.loads(run("export_taxes", "2025", "--format", "8949", "--out", "form.csv", "--json"))
    assert (summary["long_gain"], summary["short_gain"], summary["unknown_disposals"]) == (
        "9960.00",
        "0.00",
        1,
    )
    assert (summary["file"], summary["method"], summary["lots"]) == ("form.csv", "fifo", "per-wallet")
    assert json.loads(run("trades", "list", "--json"))["imports"][0]["rows"] == 3
    assert len(json.loads(run("trades", "list", "--import", str(told["import"]), "--json"))["rows"]) == 3
    assert json.loads(run("trades", "remove", "--import", str(told["import"]), "--json"))["removed"] is True
    assert "(removed " in run("trades", "list")


@pytest.mark.parametrize(
    ("arguments", "says"),
    [
        (("export_taxes", "2025"), "there are no live or imported trades at all"),
        (("export_taxes", "25"), "'25' is no year; give one like 2025"),
        (("export_taxes", "2025", "--format", "pdf"), "invalid choice: 'pdf'"),
        (("export_taxes", "2025", "--timezone", "Mars/Base"), "there is no time zone 'Mars/Base'"),
        (("export_taxes", "2025", "--out", "."), "is a folder; name a file in it"),
        (("trades", "import", "missing.csv"), "missing.csv cannot be read: No such file or directory"),
        (("trades", "import", "own.csv"), "row 2: no account; name the wallet or venue"),
        (("trades", "import", "own.csv", "--format", "ccxt", "--account", "x"), "broken JSON at line 1"),
        (("trades", "remove", "--import", "9"), "there is no import 9; `neuratrade trades list` shows them"),
    ],
)
def test_what_cannot_be_done_is_one_line_and_changes_nothing(
    folder: Path, arguments: tuple[str, ...], says: str
) -> None:
    with pytest.raises((CommandError, InvalidValueError)) as caught:
        run(*arguments)
    assert says in str(caught.value)
    assert "\n" not in str(caught.value)
    assert [path.name for path in folder.iterdir()] == ["own.csv"]


def test_a_future_year_with_rows_is_warned_about(folder: Path) -> None:
    (folder / "own.csv").write_text(OWN.replace("2025-02", "2190-02"))
    run("trades", "import", "own.csv", "--account", "kraken")
    assert "note: 2190 lies in the future" in run("export_taxes", "2190")
    with pytest.raises(
        InvalidValueError, match="2191 lies in the future; there are .* trades in 2024, 2025, 2190"
    ):
        run("export_taxes", "2191")
