"""Our own CSV, for whatever no other reader knows. docs/taxes.md explains the columns.

Needed are time, type, asset and size; the order of columns is free, and columns may be left out.
"""

import csv
import hashlib
import io
from collections.abc import Iterator, Mapping
from decimal import Decimal
from functools import partial

from trading.accounting.fifo import product
from trading.accounting.taxes.events import Event, Kind
from trading.accounting.taxes.readers.cells import Numbering, coin, each, moment, number
from trading.errors import InvalidValueError

COLUMNS = (
    *("id", "time", "type", "account", "asset", "size", "quote", "price", "total", "fee", "fee_asset"),
    *("to_account", "value", "value_asset", "acquired", "link", "note"),
)
_NEEDED = {"time", "type", "asset", "size"}
_TYPES = {**{kind.value: kind for kind in Kind if kind is not Kind.UNSUPPORTED}, "trade": Kind.SELL}
_PRICED = {Kind.BUY, Kind.SELL}


def read(text: str, wallet: str) -> list[Event]:
    """The events of the file; rows without an account happened in `wallet`."""
    first_line = text.lstrip("\ufeff").partition("\n")[0]
    delimiter = ";" if ";" in first_line and "," not in first_line else ","
    reader = csv.DictReader(io.StringIO(text.lstrip("\ufeff")), delimiter=delimiter, strict=True)
    names = [name.strip().lower() for name in reader.fieldnames or []]
    unknown, missing = sorted(set(names) - set(COLUMNS)), sorted(_NEEDED - set(names))
    if unknown or missing:
        said = (
            f"there is no column {', '.join(unknown)}"
            if unknown
            else f"column {', '.join(missing)} is missing"
        )
        raise InvalidValueError(f"{said}; the columns are: {', '.join(COLUMNS)}")
    reader.fieldnames = names
    try:
        return each(reader, partial(_event, wallet=wallet, numbered=Numbering()), first=2)
    except csv.Error as error:
        raise InvalidValueError(f"row {reader.line_num}: broken CSV ({error})") from error


def _event(row: Mapping[str, str | None], *, wallet: str, numbered: Numbering) -> Iterator[Event]:
    if None in row or any(value is None for value in row.values()):
        raise InvalidValueError("it has not as many cells as the first line has columns")
    cells = {name: (value or "").strip() for name, value in row.items()}
    if not any(cells.values()):
        return
    kind = _TYPES.get(cells["type"].lower())
    if kind is None:
        raise InvalidValueError(f"type {cells['type']!r} is unknown; it is one of: {', '.join(_TYPES)}")
    size = number(cells["size"], name="size")
    value = cells.get("value", "")
    acquired = cells.get("acquired", "")
    account = cells.get("account") or wallet
    yield Event(
        id=_id(cells, account=account, numbered=numbered),
        at=moment(cells["time"]),
        kind=kind,
        wallet=account,
        asset=coin(cells["asset"]),
        size=size,
        quote=coin(cells.get("quote", "")),
        total=_total(cells, kind=kind, size=size),
        fee=number(cells.get("fee"), name="fee"),
        fee_asset=coin(cells.get("fee_asset", "")),
        to_wallet=cells.get("to_account", ""),
        value=number(value, name="value") if value else None,
        value_asset=coin(cells.get("value_asset") or "USD") if value else "",
        acquired_at=moment(acquired, name="acquired") if acquired else None,
        link=cells.get("link", ""),
        note=cells.get("note", ""),
    )


def _total(cells: Mapping[str, str], *, kind: Kind, size: Decimal) -> Decimal:
    """What was paid or received in all; of a resolution the price of one share."""
    price, total = cells.get("price", ""), cells.get("total", "")
    if price and total:
        raise InvalidValueError("it has both a price and a total; give one")
    if kind is Kind.RESOLUTION:
        if not price:
            raise InvalidValueError("a resolution needs the price a share ended at, from 0 to 1")
        return number(price, name="price")
    if kind in _PRICED and not price and not total:
        raise InvalidValueError(f"a {kind} needs a price or a total")
    return product(size, number(price, name="price")) if price else number(total, name="total")


def _id(cells: Mapping[str, str], *, account: str, numbered: Numbering) -> str:
    """The row's own id, or what it says: the same file twice gives the same ids."""
    given = cells.get("id", "")
    if given:
        return f"own:{account}:{given}"
    said = "\x1f".join(cells.get(name, "") for name in COLUMNS)
    return numbered(f"own:{account}:{hashlib.sha256(said.encode()).hexdigest()[:24]}")
