"""One instrument's order book with price-time priority."""

from __future__ import annotations

from collections.abc import Iterator
from decimal import Decimal

from sortedcontainers import SortedDict

from trading.practice.engine.types import ZERO, Order, Side

Level = tuple[Decimal, Decimal]


class PriceLevel:
    """The orders at one price, oldest first, and their total size."""

    __slots__ = ("orders", "size_base")

    def __init__(self) -> None:
        self.orders: dict[int, Order] = {}
        self.size_base = ZERO


class Book:
    """Resting orders by side and price.

    ``update_id`` grows by one with every level that changes; `drain` hands the changed levels on, which is what a
    venue's depth stream publishes.
    """

    def __init__(self) -> None:
        self._sides: dict[Side, SortedDict] = {Side.BUY: SortedDict(), Side.SELL: SortedDict()}
        self._changed: dict[tuple[Side, Decimal], None] = {}
        self.update_id = 1
        self.published_id = 1

    def add(self, order: Order) -> None:
        """Rest ``order`` behind all others at its price."""
        assert order.price is not None
        side = self._sides[order.side]
        level = side.get(order.price)
        if level is None:
            level = side[order.price] = PriceLevel()
        level.orders[order.id] = order
        level.size_base += order.remaining_base
        self._touch(order.side, order.price)

    def remove(self, order: Order) -> None:
        """Take ``order`` out; it must rest here with its present remaining size."""
        assert order.price is not None
        level = self._sides[order.side][order.price]
        del level.orders[order.id]
        self.shrink(order, by_base=order.remaining_base)

    def shrink(self, order: Order, *, by_base: Decimal) -> None:
        """Take ``by_base`` off the level of ``order`` (after a fill or a smaller size); an empty level goes."""
        assert order.price is not None
        side = self._sides[order.side]
        level = side[order.price]
        level.size_base -= by_base
        if not level.orders:
            del side[order.price]
        self._touch(order.side, order.price)

    def drop_filled(self, order: Order) -> None:
        """Forget a fully filled order; call before the `shrink` of its last fill."""
        assert order.price is not None
        del self._sides[order.side][order.price].orders[order.id]

    def best(self, side: Side) -> Order | None:
        """The order next in line on ``side``, or None."""
        levels = self._sides[side]
        if not levels:
            return None
        level: PriceLevel = levels.peekitem(-1 if side is Side.BUY else 0)[1]
        return next(iter(level.orders.values()))

    def best_price(self, side: Side) -> Decimal | None:
        """The best price on ``side``, or None."""
        levels = self._sides[side]
        if not levels:
            return None
        price: Decimal = levels.keys()[-1 if side is Side.BUY else 0]
        return price

    def top(self, side: Side) -> Level:
        """Best price and its size; zeros when ``side`` is empty."""
        levels = self.levels(side, limit=1)
        return levels[0] if levels else (ZERO, ZERO)

    def size_at(self, side: Side, price: Decimal) -> Decimal:
        """Total size resting at ``price``; zero when nothing does."""
        level = self._sides[side].get(price)
        return ZERO if level is None else level.size_base

    def levels(self, side: Side, *, limit: int) -> list[Level]:
        """The best ``limit`` levels as (price, total size), best first."""
        items = self._sides[side].items()
        chosen = reversed(items[-limit:]) if side is Side.BUY else items[:limit]
        return [(price, level.size_base) for price, level in chosen]

    def resting(self, side: Side) -> Iterator[Order]:
        """Every resting order of ``side`` in priority order."""
        levels = self._sides[side].values()
        for level in reversed(levels) if side is Side.BUY else levels:
            yield from level.orders.values()

    def drain(self) -> tuple[int, int, list[Level], list[Level]] | None:
        """Changed levels since the last call as (first id, last id, bids, asks), size zero for a gone level; None if none."""
        if not self._changed:
            return None
        first, self.published_id = self.published_id + 1, self.update_id
        bids: list[Level] = []
        asks: list[Level] = []
        for side, price in self._changed:
            (bids if side is Side.BUY else asks).append((price, self.size_at(side, price)))
        self._changed.clear()
        return first, self.update_id, bids, asks

    def _touch(self, side: Side, price: Decimal) -> None:
        self.update_id += 1
        self._changed[side, price] = None
