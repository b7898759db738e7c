"""Request parameters, read the way Binance reads them: by name, with its own errors when they are wrong."""

from __future__ import annotations

import re
from decimal import Decimal, InvalidOperation
from urllib.parse import parse_qsl

from trading.practice.binance.errors import BinanceError, missing

_CLIENT_ID = re.compile(r"[a-zA-Z0-9\-_]{1,36}")
_MOST_DECIMALS = 8


class Params:
    """Parameters of one request: query string and body together, as text."""

    def __init__(self, values: dict[str, str]) -> None:
        self._values = values

    @classmethod
    def parse(cls, *texts: str) -> Params:
        """From urlencoded texts; the first value of a name wins."""
        values: dict[str, str] = {}
        for text in texts:
            for name, value in parse_qsl(text, keep_blank_values=True):
                values.setdefault(name, value)
        return cls(values)

    def get(self, name: str) -> str | None:
        """The value, or None when absent or empty."""
        return self._values.get(name) or None

    def require(self, name: str) -> str:
        """The value; -1102 when absent."""
        value = self.get(name)
        if value is None:
            raise missing(name)
        return value

    def integer(self, name: str) -> int | None:
        """A whole number, or None when absent; -1100 when it is something else."""
        value = self.get(name)
        if value is None:
            return None
        try:
            return int(value)
        except ValueError as error:
            raise _illegal(name) from error

    def decimal(self, name: str) -> Decimal | None:
        """An exact number, or None when absent; -1100 when malformed, -1111 beyond eight decimals."""
        value = self.get(name)
        if value is None:
            return None
        try:
            number = Decimal(value)
        except InvalidOperation as error:
            raise _illegal(name) from error
        if not number.is_finite():
            raise _illegal(name)
        if number != round(number, _MOST_DECIMALS):
            raise BinanceError(-1111, f"Parameter '{name}' has too much precision.")
        return number

    def client_id(self, name: str) -> str | None:
        """A client order id, or None when absent; -1100 when it breaks the pattern."""
        value = self.get(name)
        if value is not None and not _CLIENT_ID.fullmatch(value):
            raise BinanceError(
                -1100,
                f"Illegal characters found in parameter '{name}'; legal range is '^[a-zA-Z0-9-_]{{1,36}}$'.",
            )
        return value

    def limit(self, *, default: int, most: int) -> int:
        """The ``limit`` parameter between 1 and ``most``."""
        return max(1, min(most, self.integer("limit") or default))


def _illegal(name: str) -> BinanceError:
    return BinanceError(-1100, f"Illegal characters found in parameter '{name}'.")
