"""How a paper order meets a real market. Pure: books and trades in, executions out.

The market does not feel us, so what we took is remembered until the level changes, and a resting order stands behind
everything that was at its price before it came.
"""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field
from decimal import Decimal

from trading.types import ZERO, BookLevel, OrderBook, PublicTrade, Side

_MOST_LEVELS = 10_000


@dataclass(frozen=True, slots=True)
class Execution:
    price: Decimal
    size_base: Decimal
    is_maker: bool


@dataclass(slots=True)
class Liquidity:
    """What we already took from each level of the live book, until that level shows another size."""

    _taken: dict[tuple[str, Side, Decimal], tuple[Decimal, Decimal]] = field(default_factory=dict)

    def available(self, *, symbol: str, taker: Side, level: BookLevel) -> Decimal:
        shown, taken = self._taken.get((symbol, taker, level.price), (level.size, ZERO))
        return level.size - taken if shown == level.size else level.size

    def take(self, *, symbol: str, taker: Side, level: BookLevel, size_base: Decimal) -> None:
        key = (symbol, taker, level.price)
        shown, taken = self._taken.get(key, (level.size, ZERO))
        if shown != level.size:
            taken = ZERO
        if len(self._taken) >= _MOST_LEVELS:
            self._taken.clear()
        self._taken[key] = (level.size, taken + size_base)


def reaches(side: Side, *, price: Decimal, limit: Decimal | None) -> bool:
    """True when an order of `side` with this limit may trade at `price`; no limit means any price."""
    return limit is None or (price <= limit if side is Side.BUY else price >= limit)


def available_within(*, book: OrderBook, side: Side, limit: Decimal | None, liquidity: Liquidity) -> Decimal:
    """How much an order of `side` could take at once."""
    return sum(
        (
            liquidity.available(symbol=book.symbol, taker=side, level=level)
            for level in book.side(side)
            if reaches(side, price=level.price, limit=limit)
        ),
        ZERO,
    )


def walk(
    *, book: OrderBook, side: Side, size_base: Decimal, limit: Decimal | None, liquidity: Liquidity
) -> list[Execution]:
    """Takes from the book, best level first, never beyond `limit`; remembers what it took."""
    executions: list[Execution] = []
    for level in book.side(side):
        if size_base <= 0 or not reaches(side, price=level.price, limit=limit):
            break
        size = min(size_base, liquidity.available(symbol=book.symbol, taker=side, level=level))
        if size <= 0:
            continue
        liquidity.take(symbol=book.symbol, taker=side, level=level, size_base=size)
        executions.append(Execution(price=level.price, size_base=size, is_maker=False))
        size_base -= size
    return executions


def queue_at(*, book: OrderBook, side: Side, price: Decimal) -> Decimal:
    """The size that stands before a new order of `side` resting at `price`."""
    own_side = book.side(side.opposite)
    return sum((level.size for level in own_side if level.price == price), ZERO)


def shrink_queue(ahead: Decimal, *, book: OrderBook, side: Side, price: Decimal) -> Decimal:
    """The queue after cancels before us: never longer than what the level shows. A level beyond the book stays as it was."""
    own_side = book.side(side.opposite)
    if not own_side:
        return ahead
    worst_shown = own_side[-1].price
    is_shown = price >= worst_shown if side is Side.BUY else price <= worst_shown
    return min(ahead, queue_at(book=book, side=side, price=price)) if is_shown else ahead


@dataclass(slots=True)
class RestingResult:
    """What trades did to one resting order: executions at its own price, and the queue still before it."""

    executions: list[Execution]
    queue_ahead: Decimal


def meet_trades(
    *, side: Side, price: Decimal, remaining: Decimal, queue_ahead: Decimal, trades: Sequence["TradeVolume"]
) -> RestingResult:
    """Lets public trades eat the queue, then us. Consumes the trades' volume, so that two of our orders never share it."""
    executions: list[Execution] = []
    for trade in trades:
        if remaining <= 0:
            break
        if trade.left <= 0 or trade.taker is side or not reaches(side, price=trade.price, limit=price):
            continue
        if trade.price == price:
            eaten = min(queue_ahead, trade.left)
            queue_ahead -= eaten
            trade.left -= eaten
        else:
            queue_ahead = ZERO  # the market traded through our price: nobody before us is left
        size = min(remaining, trade.left)
        if size > 0:
            trade.left -= size
            remaining -= size
            executions.append(Execution(price=price, size_base=size, is_maker=True))
    return RestingResult(executions=executions, queue_ahead=queue_ahead)


@dataclass(slots=True)
class TradeVolume:
    """A public trade and how much of it none of our orders has used. `taker` None: the venue does not say who took."""

    price: Decimal
    left: Decimal
    taker: Side | None


def volumes(trades: Iterable[PublicTrade]) -> list[TradeVolume]:
    return [TradeVolume(price=trade.price, left=trade.size, taker=trade.side) for trade in trades]


def cross(
    *, book: OrderBook, side: Side, price: Decimal, remaining: Decimal, liquidity: Liquidity
) -> list[Execution]:
    """The market moved through a resting order: it is filled at its own price, as maker."""
    taken = walk(book=book, side=side, size_base=remaining, limit=price, liquidity=liquidity)
    return [Execution(price=price, size_base=part.size_base, is_maker=True) for part in taken]


def is_triggered(
    *, side: Side, stop_price: Decimal, trades: Sequence[PublicTrade], book: OrderBook | None
) -> bool:
    """A stop triggers on the last price; without trades, on the best price it could trade at."""
    prices = [trade.price for trade in trades]
    if not prices and book is not None and book.side(side):
        prices = [book.side(side)[0].price]
    return any(price <= stop_price if side is Side.SELL else price >= stop_price for price in prices)
