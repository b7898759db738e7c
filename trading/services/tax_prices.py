"""Prices for taxes from the stored market history, read when first asked for."""

from bisect import bisect_right
from datetime import UTC, datetime
from decimal import Decimal

from trading.accounting.taxes.valuation import MAX_PRICE_AGE
from trading.history.store import Dataset
from trading.services import history
from trading.types.research import Bars


class HistoryPrices:
    """The close of the last bar that was over at the moment, of whichever stored venue is the freshest. Open bars say nothing."""

    def __init__(self) -> None:
        self._by_symbol: dict[str, list[Dataset]] = {}
        for dataset in history.datasets():
            if not dataset.trouble:
                self._by_symbol.setdefault(dataset.symbol, []).append(dataset)
        self._loaded: dict[str, list[Bars]] = {}

    def price(self, asset: str, *, quote: str, at: datetime) -> Decimal | None:
        symbol = f"{asset}/{quote}"
        if symbol not in self._by_symbol:
            return None
        at_ms = at.timestamp() * 1000
        best: tuple[float, float] | None = None
        for bars in self._bars(symbol):
            index = bisect_right(bars.open_time_ms, at_ms - bars.step_ms) - 1
            if index < 0:
                continue
            known_ms = float(bars.open_time_ms[index]) + bars.step_ms
            if best is None or known_ms > best[0]:
                best = (known_ms, float(bars.close[index]))
        if best is None or at - datetime.fromtimestamp(best[0] / 1000, UTC) > MAX_PRICE_AGE:
            return None
        # A price list is made of floats here; their shortest spelling is what the venue said.
        return Decimal(repr(best[1]))

    def _bars(self, symbol: str) -> list[Bars]:
        found = self._loaded.get(symbol)
        if found is None:
            found = [
                history.load(venue=one.venue, symbol=symbol, timeframe=one.timeframe)
                for one in self._by_symbol[symbol]
            ]
            self._loaded[symbol] = found
        return found
