"""Parameters of a Kraken request, from a query string, a form or a JSON body."""

from __future__ import annotations

import json
from decimal import Decimal, InvalidOperation
from urllib.parse import parse_qsl

from trading.practice.kraken.errors import invalid


class Params:
    """Parameters by name, as text."""

    def __init__(self, values: dict[str, str]) -> None:
        self._values = values

    @classmethod
    def parse(cls, text: str, *, is_json: bool = False) -> Params:
        """From the text as sent."""
        if not is_json:
            return cls(dict(parse_qsl(text, keep_blank_values=True)))
        try:
            loaded = json.loads(text, parse_float=str, parse_int=str)
        except ValueError as error:
            raise invalid() from error
        if not isinstance(loaded, dict):
            raise invalid()
        return cls({str(name): str(value) for name, value in loaded.items() if value is not None})

    def get(self, name: str) -> str | None:
        """The value, or None when absent or empty."""
        return self._values.get(name) or None

    def require(self, name: str) -> str:
        """The value; an error when absent."""
        value = self.get(name)
        if value is None:
            raise invalid(name)
        return value

    def flag(self, name: str) -> bool:
        """True for ``true`` in any spelling ccxt or a person uses."""
        return (self.get(name) or "").lower() in {"true", "1"}

    def integer(self, name: str) -> int | None:
        """A whole number, or None when absent."""
        value = self.get(name)
        try:
            return None if value is None else int(Decimal(value))
        except (ValueError, InvalidOperation, OverflowError) as error:
            raise invalid(name) from error

    def decimal(self, name: str) -> Decimal | None:
        """An exact number, or None when absent."""
        value = self.get(name)
        if value is None:
            return None
        try:
            number = Decimal(value)
        except InvalidOperation as error:
            raise invalid(name) from error
        if not number.is_finite():
            raise invalid(name)
        return number
