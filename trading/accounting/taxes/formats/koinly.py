"""Koinly's "universal" CSV: times in UTC, a tag for what is no trade.

Columns: https://support.koinly.io/en/articles/9489976-how-to-create-a-custom-csv-file-with-your-data
Tags: https://support.koinly.io/en/articles/9490023-what-are-tags
"""

from collections.abc import Iterator
from datetime import UTC
from decimal import Decimal

from trading.accounting.taxes.formats.header import Header, amount, text
from trading.accounting.taxes.formats.movements import movements
from trading.accounting.taxes.year import TaxYear

COLUMNS = (
    *("Date", "Sent Amount", "Sent Currency", "Received Amount", "Received Currency", "Fee Amount"),
    *("Fee Currency", "Net Worth Amount", "Net Worth Currency", "Label", "Description", "TxHash"),
)
_TAGS = {"income": "reward", "cost": "cost", "rebate": "fee refund"}


def lines(year: TaxYear, header: Header) -> Iterator[list[str]]:
    yield list(COLUMNS)
    for found in movements(year, currency=header.currency):
        yield [
            f"{found.event.at.astimezone(UTC):%Y-%m-%d %H:%M:%S} UTC",
            *_pair(found.sent, found.sent_asset),
            *_pair(found.received, found.received_asset),
            *_pair(found.fee, found.fee_asset),
            amount(found.worth),
            text(found.worth_asset) if found.worth is not None else "",
            _TAGS.get(found.label, ""),
            text(found.event.note),
            text(found.event.link or found.event.id),
        ]


def _pair(size: Decimal, asset: str) -> tuple[str, str]:
    return (amount(size), text(asset)) if size else ("", "")
