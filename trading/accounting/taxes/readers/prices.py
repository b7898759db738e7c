"""A price list: CSV with the columns time, asset, currency, price; one unit of the asset cost `price` of the currency then."""

import csv
import io
from collections.abc import Mapping

from trading.accounting.taxes.readers.cells import coin, moment, number
from trading.accounting.taxes.valuation import PricePoint
from trading.errors import InvalidValueError

COLUMNS = ("time", "asset", "currency", "price")


def read(text: str) -> list[PricePoint]:
    """Every price of the list. Raises InvalidValueError that names the row."""
    reader = csv.DictReader(io.StringIO(text), strict=True)
    names = [name.strip().lower() for name in reader.fieldnames or []]
    if sorted(names) != sorted(COLUMNS):
        raise InvalidValueError(
            f"a price list has the columns {','.join(COLUMNS)}, not {','.join(names) or 'none'}"
        )
    reader.fieldnames = names
    found = []
    try:
        for position, row in enumerate(reader, 2):
            found.append(_point(row, position=position))
    except csv.Error as error:
        raise InvalidValueError(f"row {reader.line_num}: broken CSV ({error})") from error
    return found


def _point(row: Mapping[str, str | None], *, position: int) -> PricePoint:
    try:
        price = number(row["price"], name="price")
        if price <= 0:
            raise InvalidValueError(f"price {price} is not above 0")
        asset, currency = ((row[name] or "").strip() for name in ("asset", "currency"))
        if not asset or not currency:
            raise InvalidValueError("it needs an asset and a currency")
        return PricePoint(asset=coin(asset), quote=coin(currency), at=moment(row["time"]), price=price)
    except InvalidValueError as error:
        raise InvalidValueError(f"row {position}: {error}") from error
