"""The columns of IRS Form 8949 (a) to (h), in its two parts with their totals; a last column says what is missing.

Boxes as on the form: from tax year 2025 digital assets have their own, I (short) and L (long) where no Form 1099-DA came; before, C and F
(Instructions for Form 8949, 2025). Who got a Form 1099-DA checks G, H, J or K instead. Rows without a known basis stand in their part
with column (e) and (h) empty and are in no total: what belongs there is for the tax payer to say.
"""

from collections.abc import Iterator

from trading.accounting.taxes.formats.header import Header, amount, money, text
from trading.accounting.taxes.year import Row, TaxYear, Term

COLUMNS = (
    "(a) Description of property",
    "(b) Date acquired",
    "(c) Date sold or disposed of",
    "(d) Proceeds",
    "(e) Cost or other basis",
    "(f) Code",
    "(g) Adjustment",
    "(h) Gain or loss",
    "Flags",
)
_FIRST_YEAR_OF_OWN_BOXES = 2025
_LONGEST_ASSET = 24


def lines(year: TaxYear, header: Header) -> Iterator[list[str]]:
    flagged = sum(1 for row in year.rows if row.flags)
    yield from header.lines(rows=len(year.rows), income=len(year.income), flagged=flagged)
    short, long = ("I", "L") if year.year >= _FIRST_YEAR_OF_OWN_BOXES else ("C", "F")
    for term, part, box in (
        (Term.SHORT, "Part I, short-term", short),
        (Term.LONG, "Part II, long-term", long),
    ):
        yield [f"{part}: box ({box})"]
        yield list(COLUMNS)
        yield from (_row(row) for row in year.rows if row.term is term)
        sums = year.terms[term]
        yield [f"Total {part}", "", "", money(sums.proceeds), money(sums.cost), "", "", money(sums.gain), ""]


def _row(row: Row) -> list[str]:
    return [
        text(f"{amount(row.size)} {_described(row)}"),
        "" if row.acquired is None else f"{row.acquired:%m/%d/%Y}",
        f"{row.disposed:%m/%d/%Y}",
        money(row.proceeds),
        money(row.cost),
        "",
        "",
        money(row.gain),
        " ".join(row.flags),
    ]


def _described(row: Row) -> str:
    asset = row.asset if len(row.asset) <= _LONGEST_ASSET else f"{row.asset[:8]}...{row.asset[-8:]}"
    return f"{row.name} ({asset})" if row.name else asset
