"""Stored bars as a live market on a simulated clock: quotes, books and trades that the gate, the executor and the paper venue see.

The path through a bar is open, low, high, close, in equal times and straight lines, so that a stop is met before a target, and every
price between two points is traded at. The spread lies half on either side of the bar's prices. Time passes only when told.
"""

from collections import deque
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from decimal import Decimal

from neuratrade.lib import redis as bus
from neuratrade.lib.clock import from_epoch_ms
from trading.errors import InvalidValueError
from trading.services import market_wire
from trading.types import (
    ONE,
    BookLevel,
    InstrumentSpec,
    OrderBook,
    PublicTrade,
    Quote,
    round_down,
    round_up,
)
from trading.types.research import Bars

BPS = Decimal(10_000)
LEVELS = 5
# Between two levels of the book, in bps of the price.
_LEVEL_GAP_BPS = ONE
_TRADES_KEPT = 200
_EXACT_ENOUGH = Decimal("1e-12")
# The last instant of a bar still belongs to it.
_LAST_INSTANT = timedelta(milliseconds=1)
# A level that shows the same size as before still lacks what we took from it; a new look at the book is a new size.
_SIZES = 997


@dataclass(frozen=True, slots=True, kw_only=True)
class Depth:
    """How the book looks at every instant: the whole spread, and what each of five levels holds on either side."""

    spread_bps: Decimal
    level_quote: Decimal

    def __post_init__(self) -> None:
        if not 0 < self.spread_bps <= 1_000:
            raise InvalidValueError(f"the spread must lie above 0 and up to 1000 bps, not {self.spread_bps}")
        if not 0 < self.level_quote < Decimal("1e15"):
            raise InvalidValueError(f"a level of the book must hold something, not {self.level_quote}")

    @property
    def half_ratio(self) -> Decimal:
        return self.spread_bps / 2 / BPS


class SimulatedMarket:
    """One instrument. `clock()` is the desk's time; `price` is the last one traded."""

    def __init__(self, bars: Bars, *, spec: InstrumentSpec, depth: Depth) -> None:
        self.spec, self._bars, self._depth = spec, bars, depth
        self._length = timedelta(milliseconds=bars.step_ms)
        self._at = self.opened_at(0)
        self._points: list[tuple[datetime, Decimal]] = []
        self._path_at = self._at
        self.price = _decimal(bars.open[0])
        self._shown = 0
        self._quote: Quote | None = None
        self._book: OrderBook | None = None
        self._trades: deque[PublicTrade] = deque(maxlen=_TRADES_KEPT)

    # --- time and price ---------------------------------------------------------------------------------------------------------

    def clock(self) -> datetime:
        return self._at

    def opened_at(self, index: int) -> datetime:
        return from_epoch_ms(int(self._bars.open_time_ms[index]))

    def open_bar(self, index: int) -> None:
        """The first instant of bar `index`, at its open."""
        start, bars = self.opened_at(index), self._bars
        third = self._length / 3
        self._points = [
            (start + third, _decimal(bars.low[index])),
            (start + 2 * third, _decimal(bars.high[index])),
            (start + self._length - _LAST_INSTANT, _decimal(bars.close[index])),
        ]
        self._path_at, self._at = start, max(start, self._at)
        self.price = _decimal(bars.open[index])
        self.show()

    def wait(self, seconds: float) -> None:
        """Time passes and the market stands still: the desk is at work."""
        self._at += timedelta(seconds=seconds)
        self.show()

    def seek(
        self, *, stop_price: Decimal | None, target_price: Decimal | None, until: datetime | None
    ) -> bool:
        """Goes along the bar to the first trade at or under `stop_price`, or bid at or over `target_price`, or to the time `until`.

        False, with the bar at its close and nothing shown, when none of them comes.
        """
        above = None if target_price is None else self._seen_as_bid(target_price)
        while self._points:
            point_at, point = self._points[0]
            goal = _crossing(self.price, point, below=stop_price, above=above)
            goal_at = None if goal is None else self._when(goal)
            if until is not None and until < (goal_at or point_at):
                self._move(max(until, self._path_at), self._price_when(max(until, self._path_at)))
                self.show()
                return True
            if goal is not None and goal_at is not None:
                self._move(goal_at, goal)
                self.show()
                return True
            self._move(point_at, point)
            self._points.pop(0)
        return False

    def _seen_as_bid(self, bid: Decimal) -> Decimal:
        """The lowest price whose bid, on the tick, is at least `bid`."""
        return round_up(bid / (ONE - self._depth.half_ratio), step=_EXACT_ENOUGH)

    def _move(self, at: datetime, price: Decimal) -> None:
        self._path_at, self.price = at, price
        self._at = max(self._at, at)

    def _when(self, price: Decimal) -> datetime:
        """When the present leg reaches `price`."""
        point_at, point = self._points[0]
        part = 1.0 if point == self.price else float((price - self.price) / (point - self.price))
        return self._path_at + (point_at - self._path_at) * part

    def _price_when(self, at: datetime) -> Decimal:
        point_at, point = self._points[0]
        left = point_at - self._path_at
        part = Decimal(str((at - self._path_at) / left)) if left > timedelta(0) else ONE
        return round_down(self.price + (point - self.price) * min(part, ONE), step=_EXACT_ENOUGH)

    # --- what the desk sees -----------------------------------------------------------------------------------------------------

    def show(self) -> None:
        """Makes the present price the newest: as `watch_market` does in Redis, as the venue does for the paper venue."""
        self._shown += 1
        venue, symbol, at = self.spec.venue, self.spec.symbol, self._at
        self._book = self._make_book(at)
        bid, ask = self._book.bids[0], self._book.asks[0]
        self._quote = Quote(
            venue=venue,
            symbol=symbol,
            bid=bid.price,
            ask=ask.price,
            bid_size=bid.size,
            ask_size=ask.size,
            as_of=at,
            received_at=at,
        )
        self._trades.append(
            PublicTrade(
                venue=venue,
                symbol=symbol,
                trade_id=str(self._shown),
                price=self.price,
                size=bid.size,
                side=None,
                as_of=at,
            )
        )
        bus.client().mset(
            {
                bus.latest_key(venue=venue, symbol=symbol, kind="quote"): market_wire.dump_quote(self._quote),
                bus.latest_key(venue=venue, symbol=symbol, kind="book"): market_wire.dump_book(self._book),
            }
        )

    def _make_book(self, at: datetime) -> OrderBook:
        price, half, tick = self.price, self._depth.half_ratio, self.spec.price_tick
        best_bid = max(round_down(price * (ONE - half), step=tick), tick)
        best_ask = max(round_up(price * (ONE + half), step=tick), best_bid + tick)
        gap = max(round_up(price * _LEVEL_GAP_BPS / BPS, step=tick), tick)
        size = round_up(self._depth.level_quote / price, step=self.spec.size_step)
        size += self.spec.size_step * (self._shown % _SIZES)
        return OrderBook(
            venue=self.spec.venue,
            symbol=self.spec.symbol,
            bids=tuple(
                BookLevel(best_bid - gap * level, size) for level in range(LEVELS) if best_bid > gap * level
            ),
            asks=tuple(BookLevel(best_ask + gap * level, size) for level in range(LEVELS)),
            as_of=at,
            received_at=at,
        )

    @property
    def newest(self) -> Quote:
        assert self._quote is not None, "a bar was opened before anybody asks"
        return self._quote

    async def book(self, symbol: str) -> OrderBook | None:
        return self._book

    async def quote(self, symbol: str) -> Quote | None:
        return self._quote

    async def trades_since(self, symbol: str, *, since: datetime) -> Sequence[PublicTrade]:
        return [trade for trade in self._trades if trade.as_of > since]


def _crossing(
    price: Decimal, point: Decimal, *, below: Decimal | None, above: Decimal | None
) -> Decimal | None:
    """Where the way from `price` to `point` first is at or under `below`, or at or over `above`; None when it never is."""
    if (below is not None and price <= below) or (above is not None and price >= above):
        return price
    if below is not None and point <= below:
        return below
    return above if above is not None and point >= above else None


def _decimal(value: float) -> Decimal:
    return Decimal(str(float(value)))
