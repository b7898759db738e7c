"""CoinTracker's CSV: eight columns, dates as MM/DD/YYYY HH:MM:SS in UTC, a tag for what is no trade.

Columns: https://support.cointracker.io/hc/en-us/articles/4413071299729-Convert-your-transaction-history-to-CoinTracker-CSV
Tags: https://support.cointracker.io/hc/en-us/articles/4413049710225-Transaction-category-definitions
"""

from collections.abc import Iterator
from datetime import UTC
from decimal import Decimal

from trading.accounting.taxes.formats.header import Header, amount, text
from trading.accounting.taxes.formats.movements import Movement, movements
from trading.accounting.taxes.year import TaxYear

COLUMNS = (
    *("Date", "Received Quantity", "Received Currency", "Sent Quantity", "Sent Currency"),
    *("Fee Amount", "Fee Currency", "Tag"),
)


def lines(year: TaxYear, header: Header) -> Iterator[list[str]]:
    yield list(COLUMNS)
    for found in movements(year, currency=header.currency):
        yield [
            f"{found.event.at.astimezone(UTC):%m/%d/%Y %H:%M:%S}",
            *_pair(found.received, found.received_asset),
            *_pair(found.sent, found.sent_asset),
            *_pair(found.fee, found.fee_asset),
            _tag(found),
        ]


def _tag(movement: Movement) -> str:
    """Staking has a tag of its own; other income is tagged as a payment received."""
    if movement.label != "income":
        return ""
    return "staking" if "stak" in movement.event.note.lower() else "payment"


def _pair(size: Decimal, asset: str) -> tuple[str, str]:
    return (amount(size), text(asset)) if size else ("", "")
