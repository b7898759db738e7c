"""A tax year from the desk's own fills and imported history, through the file that is written."""

import csv
import json
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from decimal import Decimal
from pathlib import Path
from zoneinfo import ZoneInfo

import numpy as np
import pytest

from tests.factories import AT, Desk, make_desk, make_instrument
from trading.accounting.taxes.flags import Flag
from trading.accounting.taxes.lots import Method
from trading.errors import InvalidValueError
from trading.history import store
from trading.models import Account, Fill, TaxExport, Venue
from trading.services import booking, history, past_trades, taxes
from trading.types import Balance, Mode, Side
from trading.types.research import Bars

pytestmark = pytest.mark.postgres

BOUGHT = datetime(2025, 3, 1, 12, tzinfo=UTC)
SOLD = datetime(2025, 12, 31, 23, 30, tzinfo=UTC)
REQUEST = taxes.Request(year=2025)


@pytest.fixture
def live(db: None) -> Desk:
    return make_desk(at=AT, mode=Mode.LIVE)


def fill(
    desk: Desk,
    number: int,
    side: Side,
    size: str,
    price: str,
    *,
    at: datetime,
    venue: str = "binance",
    fee: str = "0",
) -> None:
    Fill.objects.create(
        account=desk.account(venue),
        instrument=desk.instrument(venue),
        trade_id=str(number),
        side=side,
        price=Decimal(price),
        size_base=Decimal(size),
        fee=Decimal(fee),
        fee_asset="USDT",
        is_maker=False,
        executed_at=at,
        booked_at=at,
    )


def take_in(desk: Desk, folder: Path, text: str, *, wallet: str = "binance", name: str = "past.csv") -> None:
    (folder / name).write_text(text)
    seen = past_trades.preview(folder / name, operator=desk.operator, wallet=wallet)
    past_trades.store(seen, operator=desk.operator, at=AT)


def report(desk: Desk, request: taxes.Request = REQUEST, *, at: datetime = AT) -> taxes.Report:
    return taxes.report(request, operator=desk.operator, at=at)


def test_the_desks_fills_and_imported_history_make_one_year(live: Desk, tmp_path: Path) -> None:
    take_in(
        live,
        tmp_path,
        "time,type,asset,size,quote,price\n2023-05-01T00:00:00Z,buy,BTC,1,USD,20000\n",
    )
    fill(live, 1, Side.BUY, "1", "30000", at=BOUGHT, fee="30")
    fill(live, 2, Side.SELL, "1.5", "40000", at=SOLD, fee="60")
    year = report(live).year
    # 59,940 for 1.5: 39,960 - 20,000 long; 19,980 - (30,030 / 2) short
    assert [(row.term, row.proceeds, row.cost, row.gain) for row in year.rows] == [
        ("long", Decimal("39960.00"), Decimal("20000.00"), Decimal("19960.00")),
        ("short", Decimal("19980.00"), Decimal("15015.00"), Decimal("4965.00")),
    ]
    assert {row.wallet for row in year.rows} == {"binance"}


def test_a_trade_that_the_desk_booked_and_an_export_of_the_venue_repeats_counts_once(
    live: Desk, tmp_path: Path
) -> None:
    fill(live, 1, Side.BUY, "1", "30000", at=BOUGHT)
    fill(live, 2, Side.SELL, "1", "40000", at=SOLD)
    told = {"symbol": "BTC/USDT", "amount": 1, "fee": None}
    rows = [
        {**told, "id": "1", "side": "buy", "price": 30000, "timestamp": int(BOUGHT.timestamp() * 1000)},
        {**told, "id": "2", "side": "sell", "price": 40000, "timestamp": int(SOLD.timestamp() * 1000)},
    ]
    take_in(live, tmp_path, json.dumps(rows), name="mine.json")
    year = report(live).year
    assert [row.gain for row in year.rows] == [Decimal("10000.00")]


def test_what_the_account_held_on_the_first_day_is_unknown_unless_history_tells(
    live: Desk, tmp_path: Path
) -> None:
    venue = Venue.objects.create(name="bybit", client="bybit")
    fresh = Account.objects.create(operator=live.operator, venue=venue, mode=Mode.LIVE)
    held = {"BTC": Balance(asset="BTC", free=Decimal(2), locked=Decimal(0))}
    booking.adopt_opening_balances(account=fresh, balances=held, at=BOUGHT)
    live.accounts["bybit"] = fresh
    live.instruments["bybit BTC/USDT"] = make_instrument(venue=venue, symbol="BTC/USDT")
    fill(live, 9, Side.SELL, "2", "100", at=SOLD, venue="bybit")
    assert [row.flags for row in report(live).year.rows] == [(Flag.MISSING_BASIS,)]
    text = "time,type,asset,size,quote,price\n2024-05-01T00:00:00Z,buy,BTC,2,USD,40\n"
    take_in(live, tmp_path, text, wallet="bybit")
    assert [(row.cost, row.flags) for row in report(live).year.rows] == [(Decimal("80.00"), ())]


def test_practice_never_uses_up_what_was_really_bought(desk: Desk, tmp_path: Path) -> None:
    text = "time,type,asset,size,quote,price\n2024-05-01T00:00:00Z,buy,BTC,2,USD,40\n"
    take_in(desk, tmp_path, text)
    fill(desk, 1, Side.SELL, "1", "40000", at=SOLD)
    (row,) = report(desk, replace(REQUEST, mode=Mode.PAPER)).year.rows
    assert row.flags == (Flag.MISSING_BASIS,)


def test_paper_counts_only_when_asked_for_and_says_so(desk: Desk, tmp_path: Path) -> None:
    fill(desk, 1, Side.BUY, "1", "30000", at=BOUGHT)
    fill(desk, 2, Side.SELL, "1", "40000", at=SOLD)
    with pytest.raises(InvalidValueError, match="no live or imported trades at all.*--mode paper"):
        report(desk)
    found = report(desk, replace(REQUEST, mode=Mode.PAPER))
    taxes.write(found, path=tmp_path / "paper.csv", layout="csv", operator=desk.operator)
    assert (tmp_path / "paper.csv").read_text().startswith("# PAPER TRADES: practice money")


def test_the_year_ends_where_the_tax_payer_lives(live: Desk) -> None:
    fill(live, 1, Side.BUY, "1", "30000", at=BOUGHT)
    fill(live, 2, Side.SELL, "1", "40000", at=SOLD)  # half past eight in the morning of 1 January in Tokyo
    assert len(report(live).year.rows) == 1
    tokyo = replace(REQUEST, zone=ZoneInfo("Asia/Tokyo"), zone_name="Asia/Tokyo")
    assert not report(live, tokyo).year.rows
    (row,) = report(live, replace(tokyo, year=2026)).year.rows
    assert row.disposed.isoformat() == "2026-01-01"


def test_an_empty_year_names_those_that_are_not(live: Desk) -> None:
    fill(live, 1, Side.BUY, "1", "30000", at=BOUGHT)
    with pytest.raises(
        InvalidValueError, match="nothing happened in 2021; there are live or imported trades in 2025"
    ):
        report(live, replace(REQUEST, year=2021))
    with pytest.raises(InvalidValueError, match="1999 is no tax year; give one like 2025"):
        report(live, replace(REQUEST, year=1999))
    with pytest.raises(InvalidValueError, match="DOGE is no tax currency"):
        report(live, replace(REQUEST, currency="DOGE"))


def test_a_year_that_is_not_over_and_rules_that_changed_are_warned_about(live: Desk, tmp_path: Path) -> None:
    fill(live, 1, Side.BUY, "1", "30000", at=BOUGHT)
    fill(live, 2, Side.SELL, "1", "40000", at=SOLD)
    first = report(live)
    assert first.warnings == ()
    taxes.write(first, path=tmp_path / "a.csv", layout="csv", operator=live.operator)
    export = TaxExport.objects.get()
    assert (export.year, export.method, export.lots, export.disposals) == (2025, "fifo", "per-wallet", 1)
    other = report(live, replace(REQUEST, method=Method.HIFO, is_universal=True))
    assert any("this year was exported with fifo, per-wallet, USD" in text for text in other.warnings)
    assert any("since 2025 US rules ask for lots per wallet" in text for text in other.warnings)
    assert any("records that named the lots" in text for text in other.warnings)
    early = report(live, at=SOLD - timedelta(hours=1))
    assert early.warnings[0] == "2025 is not over: these numbers will change"


def test_the_same_facts_give_the_same_file(live: Desk, tmp_path: Path) -> None:
    fill(live, 1, Side.BUY, "1", "30000", at=BOUGHT)
    fill(live, 2, Side.SELL, "1", "40000", at=SOLD)
    for name in ("a.csv", "b.csv"):
        lines = taxes.write(report(live), path=tmp_path / name, layout="csv", operator=live.operator)
        assert lines == 4  # two of header, the columns, one disposal
    assert (tmp_path / "a.csv").read_bytes() == (tmp_path / "b.csv").read_bytes()
    assert sorted(path.name for path in tmp_path.iterdir()) == ["a.csv", "b.csv"]


def test_a_file_that_cannot_be_written_gets_one_line_and_no_record(live: Desk, tmp_path: Path) -> None:
    fill(live, 1, Side.BUY, "1", "30000", at=BOUGHT)
    with pytest.raises(InvalidValueError, match="cannot be written: No such file or directory"):
        taxes.write(report(live), path=tmp_path / "no" / "a.csv", layout="csv", operator=live.operator)
    assert not TaxExport.objects.exists()


def test_names_from_outside_cannot_be_formulas(live: Desk, tmp_path: Path) -> None:
    text = (
        "time,type,asset,size,quote,price,note\n"
        '2025-05-01T00:00:00Z,buy,=1+1,1,USD,1,"=HYPERLINK(""http://x"")"\n'
        "2025-06-01T00:00:00Z,sell,=1+1,1,USD,2,\n"
    )
    take_in(live, tmp_path, text, wallet="+wallet")
    taxes.write(report(live), path=tmp_path / "a.csv", layout="csv", operator=live.operator)
    with (tmp_path / "a.csv").open(newline="") as file:
        cells = [cell for line in csv.reader(file) for cell in line]
    assert not [cell for cell in cells if cell.startswith(("=", "+", "@"))]
    assert "'=1+1" in cells


@pytest.fixture
def candles(tmp_path: Path, settings: object) -> None:
    settings.HOME = tmp_path / "home"  # type: ignore[attr-defined]
    opens = np.array(
        [int((SOLD - timedelta(minutes=m)).timestamp() * 1000) for m in (3, 2, 1, 0)], dtype=np.int64
    )
    close = np.array([1.0, 2.0, 3.5, 99.0])
    bars = Bars(
        venue="binance", symbol="XYZ/USDT", timeframe="1m", open_time_ms=opens, open=close, high=close, low=close,
        close=close, volume_base=np.ones(4),
    )  # fmt: skip
    store.save(history.root(), bars)


def test_stored_candles_price_what_was_not_traded_for_money(
    live: Desk, tmp_path: Path, candles: None
) -> None:
    head = "time,type,asset,size,quote,price\n"
    take_in(live, tmp_path, head + f"{SOLD.isoformat()},income,XYZ,2,,\n")
    # The bar that opened a minute before is over, the one that opens now is not: 2 x 3.5
    assert report(live).year.income_total == Decimal("7.00")
    (tmp_path / "list.csv").write_text(
        f"time,asset,currency,price\n{BOUGHT.isoformat()},XYZ,USD,1\n{SOLD.isoformat()},XYZ,USD,5\n"
    )
    listed = report(live, replace(REQUEST, prices=tmp_path / "list.csv"))
    assert listed.year.income_total == Decimal("10.00")
    with pytest.raises(InvalidValueError, match="none.csv cannot be read: No such file"):
        report(live, replace(REQUEST, prices=tmp_path / "none.csv"))
