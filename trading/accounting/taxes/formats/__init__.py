"""The files a tax year is written to. Each is CSV; what stands in it is decided elsewhere, only how it looks is decided here."""

import csv
from collections.abc import Callable, Iterable, Mapping, Sequence
from typing import TextIO, TypeAlias

from trading.accounting.taxes.formats import cointracker, form8949, koinly, plain
from trading.accounting.taxes.formats.header import Header
from trading.accounting.taxes.year import TaxYear

Writer: TypeAlias = Callable[[TaxYear, Header], Iterable[Sequence[str]]]
FORMATS: Mapping[str, Writer] = {
    "csv": plain.lines,
    "8949": form8949.lines,
    "koinly": koinly.lines,
    "cointracker": cointracker.lines,
}


def write(file: TextIO, year: TaxYear, *, header: Header, name: str) -> int:
    """Writes the file in the layout `name`, one of FORMATS; the number of lines. Open `file` with newline=''."""
    writer = csv.writer(file, lineterminator="\n")
    count = 0
    for line in FORMATS[name](year, header):
        writer.writerow(line)
        count += 1
    return count
