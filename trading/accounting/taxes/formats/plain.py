"""Our own layout: everything the year knows, one line a disposal, income, cost or note."""

from collections.abc import Iterator

from trading.accounting.taxes.formats.header import Header, amount, money, text
from trading.accounting.taxes.year import Entry, TaxYear

COLUMNS = (
    *("kind", "asset", "name", "size", "acquired", "disposed", "proceeds", "cost", "fees", "gain", "term"),
    *("account", "method", "flags", "acquired_id", "disposed_id"),
)


def lines(year: TaxYear, header: Header) -> Iterator[list[str]]:
    flagged = sum(1 for row in year.rows if row.flags)
    yield from header.lines(rows=len(year.rows), income=len(year.income), flagged=flagged)
    yield list(COLUMNS)
    method = header.method
    for row in year.rows:
        yield [
            "disposal",
            text(row.asset),
            text(row.name),
            amount(row.size),
            "" if row.acquired is None else row.acquired.isoformat(),
            row.disposed.isoformat(),
            money(row.proceeds),
            money(row.cost),
            money(row.fees),
            money(row.gain),
            row.term,
            text(row.wallet),
            method,
            " ".join(row.flags),
            text(row.acquired_id),
            text(row.disposed_id),
        ]
    yield from (_entry("income", entry) for entry in year.income)
    yield from (_entry("cost", entry) for entry in year.costs)
    for note in year.notes:
        about = [
            "note",
            text(note.asset),
            text(note.text),
            "",
            "",
            note.at.astimezone(year.zone).date().isoformat(),
        ]
        yield [*about, "", "", "", "", "", text(note.wallet), "", note.flag, "", text(note.id)]


def _entry(kind: str, entry: Entry) -> list[str]:
    """The worth stands under `proceeds`: that is what came or went."""
    flag = "missing-price" if entry.value is None else ""
    about = [kind, text(entry.asset), text(entry.note), amount(entry.size), "", entry.on.isoformat()]
    return [*about, money(entry.value), "", "", "", "", text(entry.wallet), "", flag, "", text(entry.id)]
