"""What every file says about how its numbers came about, and how a cell is written."""

from collections.abc import Iterator
from dataclasses import dataclass
from datetime import UTC, datetime
from decimal import Decimal

from neuratrade.lib.text import clean

# A spreadsheet runs a cell that begins like this as a formula; names of markets come from strangers.
_FORMULA = ("=", "+", "-", "@", "\t", "\r")


@dataclass(frozen=True, slots=True, kw_only=True)
class Header:
    """`lots` is per-wallet or universal; `mode` live or paper; `stable` the assets that counted as one dollar."""

    year: int
    method: str
    lots: str
    currency: str
    mode: str
    zone: str
    stable: tuple[str, ...]
    generated_at: datetime

    def lines(self, *, rows: int, income: int, flagged: int) -> Iterator[list[str]]:
        """Comment lines, each beginning with '#'."""
        if self.mode != "live":
            yield [f"# {self.mode.upper()} TRADES: practice money; not for a tax return"]
        yield [
            f"# NeuraTrade tax year {self.year}: method {self.method}; lots {self.lots}; currency {self.currency}; "
            f"days of {self.zone}"
        ]
        yield [
            f"# generated {self.generated_at.astimezone(UTC):%Y-%m-%dT%H:%M:%SZ}: {rows} disposals; {income} income; "
            f"{flagged} flagged; {' '.join(self.stable)} counted as 1 USD"
        ]


def amount(value: Decimal | None) -> str:
    """Every digit, none more; empty for None."""
    if value is None:
        return ""
    written = format(value, "f")
    return (written.rstrip("0").rstrip(".") or "0") if "." in written else written


def money(value: Decimal | None) -> str:
    """An amount that is rounded already; empty for None."""
    return "" if value is None else format(value, "f")


def text(value: str) -> str:
    """Fit for a cell: one line, and never a formula."""
    if value.isalnum():
        return value
    is_plain = value.isascii() and value.isprintable()
    line = value if is_plain else " ".join(clean(value).split())
    return f"'{line}" if line.startswith(_FORMULA) else line
