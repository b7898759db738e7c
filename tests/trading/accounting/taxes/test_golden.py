"""A year worked out by hand (golden/README.md), against every file we write."""

import io
from datetime import UTC, datetime
from decimal import Decimal
from pathlib import Path

import pytest

from trading.accounting.taxes import formats
from trading.accounting.taxes.engine import compute
from trading.accounting.taxes.flags import Flag
from trading.accounting.taxes.formats.header import Header
from trading.accounting.taxes.readers import prices, read
from trading.accounting.taxes.stock import Options
from trading.accounting.taxes.valuation import PriceTable, Valuer
from trading.accounting.taxes.year import TaxYear, Term, tax_year

GOLDEN = Path(__file__).parent / "golden"
HEADER = Header(
    year=2024,
    method="fifo",
    lots="per-wallet",
    currency="USD",
    mode="live",
    zone="UTC",
    stable=("USD", "USDC", "USDT"),
    generated_at=datetime(2025, 1, 31, 12, tzinfo=UTC),
)


def golden_year(year: int = 2024) -> TaxYear:
    events = read((GOLDEN / "history.csv").read_text(), layout="own", wallet="")
    table = PriceTable(prices.read((GOLDEN / "prices.csv").read_text()))
    valuer = Valuer(currency="USD", stable=["USDT", "USDC"], sources=[table])
    return tax_year(compute(events, options=Options(), valuer=valuer), year=year)


@pytest.mark.parametrize("name", formats.FORMATS)
def test_the_file_is_the_one_worked_out_by_hand(name: str) -> None:
    written = io.StringIO(newline="")
    lines = formats.write(written, golden_year(), header=HEADER, name=name)
    assert written.getvalue() == (GOLDEN / f"2024-{name}.csv").read_text()
    assert lines == written.getvalue().count("\n")


def test_the_sums_are_those_worked_out_by_hand() -> None:
    year = golden_year()
    short, long = year.terms[Term.SHORT], year.terms[Term.LONG]
    assert (short.proceeds, short.cost, short.gain) == (
        Decimal("23263.49"),
        Decimal("17855.13"),
        Decimal("5408.36"),
    )
    assert (long.proceeds, long.cost, long.gain) == (
        Decimal("32489.51"),
        Decimal("11406.90"),
        Decimal("21082.61"),
    )
    assert (year.income_total, year.costs_total) == (Decimal("300.00"), Decimal("67.00"))
    assert (year.unknown, year.unknown_proceeds) == (1, Decimal("1498.50"))
    assert year.flags == {Flag.FEE_PAID_IN_KIND: 2, Flag.MISSING_BASIS: 1, Flag.SPLIT_EVENLY: 1}


def test_the_year_before_has_its_own_sale_and_nothing_of_this_one() -> None:
    year = golden_year(2023)
    assert [row.gain for row in year.rows] == [Decimal("2490.00")]
    assert golden_year(2022).is_empty
