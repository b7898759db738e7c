"""Imported history: whole or not at all, once, and back out again; never in the desk's own books."""

from datetime import timedelta
from decimal import Decimal
from pathlib import Path

import pytest

from tests.factories import AT, Desk
from trading.errors import InvalidValueError
from trading.models import Fill, Lot, Operator, PastImport, PastTrade, Posting
from trading.services import past_trades

pytestmark = pytest.mark.postgres

HEAD = "id,time,type,asset,size,quote,price\n"


def write(folder: Path, *rows: str, name: str = "own.csv") -> Path:
    path = folder / name
    path.write_text(HEAD + "".join(f"{row}\n" for row in rows))
    return path


def take_in(path: Path, *, operator: Operator) -> PastImport | None:
    seen = past_trades.preview(path, operator=operator, wallet="kraken")
    return past_trades.store(seen, operator=operator, at=AT)


BUY = "1,2025-01-02T03:04:05.678Z,buy,BTC,0.1,USD,30000.000000000000000001"
SELL = "2,2025-02-02T03:04:05Z,sell,BTC,0.05,USD,40000"


def test_what_comes_in_comes_out_to_the_last_digit(desk: Desk, tmp_path: Path) -> None:
    path = write(tmp_path, BUY, SELL)
    seen = past_trades.preview(path, operator=desk.operator, wallet="kraken")
    assert not PastTrade.objects.exists()  # looking changes nothing
    batch = past_trades.store(seen, operator=desk.operator, at=AT)
    assert batch is not None
    assert list(past_trades.stored(operator=desk.operator)) == list(seen.new)
    assert seen.new[0].total == Decimal("3000.0000000000000000001")
    assert (batch.added, batch.repeated, batch.layout, len(batch.digest)) == (2, 0, "own", 64)


def test_the_same_rows_count_once_and_only_new_ones_are_added(desk: Desk, tmp_path: Path) -> None:
    assert take_in(write(tmp_path, BUY), operator=desk.operator) is not None
    assert take_in(write(tmp_path, BUY), operator=desk.operator) is None
    more = take_in(write(tmp_path, BUY, SELL), operator=desk.operator)
    assert more is not None
    assert (more.added, more.repeated) == (1, 1)
    assert PastTrade.objects.count() == 2


def test_one_bad_row_and_nothing_is_imported(desk: Desk, tmp_path: Path) -> None:
    path = write(tmp_path, BUY, "2,2025-02-02T03:04:05Z,sell,BTC,lots,USD,40000")
    with pytest.raises(InvalidValueError) as caught:
        take_in(path, operator=desk.operator)
    assert str(caught.value) == "own.csv: row 3: size 'lots' is not a number; nothing was imported"
    assert not PastImport.objects.exists()


def test_a_name_too_long_for_its_column_is_said(desk: Desk, tmp_path: Path) -> None:
    path = write(tmp_path, BUY.replace("BTC", "B" * 130))
    with pytest.raises(InvalidValueError, match="entry 1: asset is longer than 120 characters"):
        take_in(path, operator=desk.operator)


def test_an_import_is_taken_back_and_stays_visible(desk: Desk, tmp_path: Path) -> None:
    batch = take_in(write(tmp_path, BUY, SELL), operator=desk.operator)
    assert batch is not None
    later = AT + timedelta(hours=1)
    past_trades.remove(batch.pk, operator=desk.operator, at=later)
    assert not list(past_trades.stored(operator=desk.operator))
    assert [(one.added, one.removed_at) for one in past_trades.imports(operator=desk.operator)] == [
        (2, later)
    ]
    with pytest.raises(InvalidValueError, match="was removed already"):
        past_trades.remove(batch.pk, operator=desk.operator, at=later)
    assert take_in(write(tmp_path, BUY), operator=desk.operator) is not None  # and may come in again


def test_nobody_sees_or_removes_what_another_operator_imported(desk: Desk, tmp_path: Path) -> None:
    other = Operator.objects.create(name="other", created_at=AT)
    batch = take_in(write(tmp_path, BUY), operator=other)
    assert batch is not None
    assert take_in(write(tmp_path, BUY), operator=desk.operator) is not None
    with pytest.raises(InvalidValueError, match="there is no import"):
        past_trades.remove(batch.pk, operator=desk.operator, at=AT)
    with pytest.raises(InvalidValueError, match="name the --operator: operator, other"):
        past_trades.the_operator()
    assert past_trades.the_operator("other") == other


def test_the_desks_own_books_are_not_touched(desk: Desk, tmp_path: Path) -> None:
    before = (Fill.objects.count(), Lot.objects.count(), Posting.objects.count())
    take_in(write(tmp_path, BUY, SELL), operator=desk.operator)
    assert (Fill.objects.count(), Lot.objects.count(), Posting.objects.count()) == before


@pytest.mark.parametrize("content", [None, b"\xff\xfe\x00bad"])
def test_a_file_that_cannot_be_read_gets_one_line(desk: Desk, tmp_path: Path, content: bytes | None) -> None:
    path = tmp_path / "file.csv"
    if content is not None:
        path.write_bytes(content)
    with pytest.raises(InvalidValueError, match=r"cannot be read: No such file|is no UTF-8 text"):
        past_trades.preview(path, operator=desk.operator)


def test_an_import_cut_off_half_way_counts_for_nothing_and_may_be_repeated(
    desk: Desk, tmp_path: Path
) -> None:
    seen = past_trades.preview(write(tmp_path, BUY, SELL), operator=desk.operator, wallet="kraken")

    def interrupt(_done: int) -> None:
        assert PastTrade.objects.count() == 2
        assert not list(past_trades.stored(operator=desk.operator))
        raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        past_trades.store(seen, operator=desk.operator, at=AT, on_progress=interrupt)
    assert not PastTrade.objects.exists()
    assert not PastImport.objects.exists()
    # Killed outright, nobody cleans up: the rows are there, do not count, and make way for the next import.
    batch = take_in(write(tmp_path, BUY, SELL), operator=desk.operator)
    assert batch is not None
    PastImport.objects.filter(pk=batch.pk).update(is_complete=False)
    assert not list(past_trades.stored(operator=desk.operator))
    assert not past_trades.imports(operator=desk.operator)
    assert take_in(write(tmp_path, BUY, SELL), operator=desk.operator) is not None
    assert len(list(past_trades.stored(operator=desk.operator))) == 2


def test_two_imports_at_once_are_one_import_and_one_line(desk: Desk, tmp_path: Path) -> None:
    seen = past_trades.preview(write(tmp_path, BUY, SELL), operator=desk.operator, wallet="kraken")
    assert take_in(write(tmp_path, BUY, name="other.csv"), operator=desk.operator) is not None
    with pytest.raises(InvalidValueError, match="another import ran at the same time"):
        past_trades.store(seen, operator=desk.operator, at=AT)
    assert [event.id for event in past_trades.stored(operator=desk.operator)] == ["own:kraken:1"]
