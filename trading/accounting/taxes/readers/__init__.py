"""History from elsewhere, read into events. A file is taken whole or not at all: the first bad row is named and ends the reading."""

from collections.abc import Callable, Mapping
from typing import TypeAlias

from trading.accounting.taxes.events import Event
from trading.accounting.taxes.readers import ccxt, own, polymarket
from trading.errors import InvalidValueError

Reader: TypeAlias = Callable[[str, str], list[Event]]
READERS: Mapping[str, Reader] = {"own": own.read, "ccxt": ccxt.read, "polymarket": polymarket.read}


def detect(text: str) -> str:
    """The name of the layout `text` is in; raises InvalidValueError when it is none of them."""
    start = text.lstrip("\ufeff \t\r\n")[:4_000]
    if start.startswith(("[", "{")):
        if '"conditionId"' in start or '"condition_id"' in start:
            return "polymarket"
        if '"symbol"' in start:
            return "ccxt"
        raise InvalidValueError(
            "JSON of neither ccxt trades nor Polymarket activity; name the layout with --format"
        )
    header = start.partition("\n")[0].lower()
    if "time" in header and "type" in header and "asset" in header:
        return "own"
    raise InvalidValueError(
        f"neither JSON nor a CSV with our columns; its first line must be: {','.join(own.COLUMNS)}"
    )


def read(text: str, *, layout: str, wallet: str) -> list[Event]:
    """The events of a file in `layout` (one of READERS), in its order; `wallet` is used where the file names none.

    Raises InvalidValueError that names the row.
    """
    events = READERS[layout](text, wallet)
    if not events:
        raise InvalidValueError("the file has no rows")
    seen: dict[str, tuple[int, Event]] = {}
    for number, event in enumerate(events, 1):
        before = seen.setdefault(event.id, (number, event))
        if before[1] != event:
            raise InvalidValueError(
                f"entry {number} has the id of entry {before[0]} ({event.id}), but says something else"
            )
    return [event for _, event in seen.values()]
