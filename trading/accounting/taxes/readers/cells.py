"""What cells and JSON fields may look like: numbers and times, strictly."""

import json
from collections import Counter
from collections.abc import Callable, Iterable, Mapping
from datetime import UTC, datetime
from decimal import Decimal, InvalidOperation
from typing import Any, TypeAlias, TypeVar

from trading.accounting.taxes.events import Event, checked
from trading.errors import InvalidValueError
from trading.types import ZERO

Json: TypeAlias = Any
_Row = TypeVar("_Row")
# Seconds since 1970 are below this until the year 5138, milliseconds have been above it since 1973.
_SECONDS_END = 100_000_000_000
_LONGEST_TICKER = 20
# Before or behind the point: tokens have up to 18 decimals, and the most plentiful fewer than 10^21 coins.
_MOST_DIGITS = 36


def number(value: object, *, name: str) -> Decimal:
    """An exact number; empty is zero. Raises InvalidValueError, also on a decimal comma and on separators of thousands."""
    if value is None or value == "":
        return ZERO
    if isinstance(value, float | bool):
        raise InvalidValueError(f"{name} {value!r} is no exact number")
    try:
        found = Decimal(str(value).strip())
    except InvalidOperation:
        hint = "; write 1234.5, with a point and nothing between the thousands" if "," in str(value) else ""
        raise InvalidValueError(f"{name} {value!r} is not a number{hint}") from None
    if not found.is_finite():
        raise InvalidValueError(f"{name} {value!r} is not a number")
    if found and abs(found.adjusted()) > _MOST_DIGITS:
        raise InvalidValueError(f"{name} {value!r} is no amount that anybody trades")
    return found


def moment(value: object, *, name: str = "time") -> datetime:
    """ISO 8601 with a zone, or seconds or milliseconds since 1970; aware UTC. Raises InvalidValueError."""
    written = str(value).strip()
    if written.removesuffix(".0").isdigit():
        stamp = int(written.removesuffix(".0"))
        try:
            return datetime.fromtimestamp(stamp if stamp < _SECONDS_END else stamp / 1000, UTC)
        except (OverflowError, ValueError, OSError):
            raise InvalidValueError(f"{name} {written!r} is no time") from None
    try:
        found = datetime.fromisoformat(written)
    except ValueError:
        raise InvalidValueError(f"{name} {written!r} is not like 2025-03-01T12:00:00Z") from None
    if found.tzinfo is None:
        raise InvalidValueError(f"{name} {written!r} has no zone; write 2025-03-01T12:00:00Z or …+01:00")
    return found.astimezone(UTC)


def coin(written: str) -> str:
    """The asset's name as everything here spells it: short ones in capitals, addresses and conditions as they are."""
    name = written.strip()
    is_ticker = name.isalnum() and len(name) <= _LONGEST_TICKER and not name.lower().startswith("0x")
    return name.upper() if is_ticker else name


def json_rows(text: str) -> list[Mapping[str, Json]]:
    """The objects of a JSON list, or of `data` in an answer with pages; every number exact. Raises InvalidValueError."""
    try:
        found = json.loads(text, parse_float=Decimal)
    except json.JSONDecodeError as error:
        raise InvalidValueError(f"broken JSON at line {error.lineno}: {error.msg}") from error
    if isinstance(found, Mapping):
        found = found.get("data")
    if not isinstance(found, list) or not all(isinstance(row, Mapping) for row in found):
        raise InvalidValueError("the JSON must be a list of objects")
    return found


def each(rows: Iterable[_Row], book: Callable[[_Row], Iterable[Event]], *, first: int = 1) -> list[Event]:
    """The events of all rows, checked; an error names its row, the first being number `first`."""
    found: list[Event] = []
    for position, row in enumerate(rows, first):
        try:
            found.extend(checked(event) for event in book(row))
        except InvalidValueError as error:
            raise InvalidValueError(f"row {position}: {error}") from error
    return found


class Numbering:
    """Tells identical rows without an id of their own apart by how many came before."""

    def __init__(self) -> None:
        self._seen: Counter[str] = Counter()

    def __call__(self, key: str) -> str:
        self._seen[key] += 1
        return key if self._seen[key] == 1 else f"{key}:{self._seen[key]}"
