"""What an amount was worth in the tax currency at a moment; None where nobody said, never a guess.

Money (the currencies of states, and the stable assets of the settings) has a rate but no lots: a stable asset counts as one US dollar,
and neither its own gains nor those of a foreign currency are computed. Everything else needs a price from history or from a file.
"""

from bisect import bisect_right
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from decimal import Decimal, localcontext
from typing import Protocol

from trading.accounting.fifo import EXACT
from trading.types import ONE

# A daily close is what most price lists offer; older than this, a price says nothing about the moment.
MAX_PRICE_AGE = timedelta(hours=24)
FIAT = frozenset({"USD", "EUR", "GBP", "CHF", "JPY", "CAD", "AUD", "NZD", "SEK", "NOK", "DKK", "PLN", "CZK", "BRL", "TRY"})  # fmt: skip
_DOLLAR = "USD"
_QUANTUM = Decimal("1e-18")


class PriceSource(Protocol):
    def price(self, asset: str, *, quote: str, at: datetime) -> Decimal | None:
        """Units of `quote` for one `asset`, as last known at `at` and no older than MAX_PRICE_AGE; None: not known."""


@dataclass(frozen=True, slots=True, kw_only=True)
class PricePoint:
    asset: str
    quote: str
    at: datetime
    price: Decimal


class PriceTable:
    """Prices from a list; the last at or before the moment counts."""

    def __init__(self, points: Iterable[PricePoint]) -> None:
        found: dict[tuple[str, str], list[PricePoint]] = {}
        for point in sorted(points, key=lambda point: point.at):
            found.setdefault((point.asset, point.quote), []).append(point)
        self._series = {key: ([point.at for point in series], series) for key, series in found.items()}

    def price(self, asset: str, *, quote: str, at: datetime) -> Decimal | None:
        times, series = self._series.get((asset, quote), ([], []))
        index = bisect_right(times, at) - 1
        if index < 0 or at - times[index] > MAX_PRICE_AGE:
            return None
        return series[index].price


class Valuer:
    """Amounts into `currency`. `sources` are asked in order; `stable` assets are dollars."""

    def __init__(self, *, currency: str, stable: Iterable[str], sources: Sequence[PriceSource] = ()) -> None:
        self.currency = currency
        self._dollars = tuple(dict.fromkeys((_DOLLAR, *sorted(stable))))
        self.money = FIAT | {currency} | set(self._dollars)
        self._at_par = {currency} | (set(self._dollars) if currency == _DOLLAR else set())
        self._sources = tuple(sources)

    def worth(self, asset: str, size: Decimal, at: datetime) -> Decimal | None:
        """`size` of `asset` in the tax currency; None when no price is known."""
        if asset in self._at_par:
            return size
        rate = self._rate(asset, at)
        if rate is None:
            return None
        with localcontext(EXACT):
            return size * rate

    def _rate(self, asset: str, at: datetime) -> Decimal | None:
        direct = self._price(asset, self.currency, at)
        if direct is not None:
            return direct
        in_dollars = ONE if asset in self._dollars else self._any(asset, self._dollars, at)
        if in_dollars is None or self.currency in self._dollars:
            return in_dollars
        per_dollar = self._dollar_rate(at)
        with localcontext(EXACT):
            return None if per_dollar is None else in_dollars * per_dollar

    def _dollar_rate(self, at: datetime) -> Decimal | None:
        """Tax currency for one dollar; quoted either way round."""
        for dollar in self._dollars:
            rate = self._price(dollar, self.currency, at)
            if rate is not None:
                return rate
        inverse = self._any(self.currency, self._dollars, at)
        return None if inverse is None else (ONE / inverse).quantize(_QUANTUM)

    def _any(self, asset: str, quotes: Iterable[str], at: datetime) -> Decimal | None:
        for quote in quotes:
            found = self._price(asset, quote, at)
            if found is not None:
                return found
        return None

    def _price(self, asset: str, quote: str, at: datetime) -> Decimal | None:
        for source in self._sources:
            found = source.price(asset, quote=quote, at=at)
            if found is not None:
                return found
        return None
