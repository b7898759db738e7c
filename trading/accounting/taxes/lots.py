"""Which purchase a sale uses up: lots of one asset in one place, in the order the method takes them.

Unlike the desk's own book (`accounting.fifo`), which knows each fill once and in order, lots arrive here late and old (a transfer
brings them with their date), and three methods ask for them; the exact splitting of cost is the same function, `fifo.share`.
"""

import heapq
from bisect import bisect_right
from collections import deque
from collections.abc import Iterator
from datetime import datetime
from decimal import Decimal
from enum import StrEnum
from itertools import count
from typing import Protocol


class Method(StrEnum):
    """FIFO is what US law takes unless units are identified (26 CFR 1.1012-1(j)(3)(i)); the others need records of the choice."""

    FIFO = "fifo"
    LIFO = "lifo"
    HIFO = "hifo"


class Lot:
    """A purchase and what is left of it. `cost` None: nobody knows what was paid; `acquired_at` None: nor when.

    `order_at` is when it was acquired, or came, where that is unknown. `fee` is contained in `cost`. Mutable, with slots: the
    engine takes from it in its innermost loop.
    """

    __slots__ = ("acquired_at", "cost", "fee", "id", "left", "left_cost", "order_at", "size", "wallet")

    def __init__(
        self,
        id: str,
        wallet: str,
        size: Decimal,
        cost: Decimal | None,
        order_at: datetime,
        acquired_at: datetime | None,
        fee: Decimal | None,
    ) -> None:
        self.id, self.wallet, self.fee = id, wallet, fee
        self.size = self.left = size
        self.cost = self.left_cost = cost
        self.order_at, self.acquired_at = order_at, acquired_at


class Pool(Protocol):
    """Lots of one asset; `first` is the next to use up, None when empty."""

    def put(self, lot: Lot) -> None: ...

    def first(self) -> Lot | None: ...

    def drop(self) -> None:
        """Takes `first` out."""

    def __iter__(self) -> Iterator[Lot]: ...


class ByDate:
    """FIFO or LIFO: by date of purchase, whenever a lot came into this wallet; of one date the first to come counts as older."""

    __slots__ = ("_is_newest_first", "_lots")

    def __init__(self, *, is_newest_first: bool) -> None:
        self._lots: deque[Lot] = deque()
        self._is_newest_first = is_newest_first

    def put(self, lot: Lot) -> None:
        lots = self._lots
        if not lots or lots[-1].order_at <= lot.order_at:
            lots.append(lot)
        else:
            lots.insert(bisect_right(lots, lot.order_at, key=_order_at), lot)

    def first(self) -> Lot | None:
        lots = self._lots
        if not lots:
            return None
        return lots[-1] if self._is_newest_first else lots[0]

    def drop(self) -> None:
        if self._is_newest_first:
            self._lots.pop()
        else:
            self._lots.popleft()

    def __iter__(self) -> Iterator[Lot]:
        return iter(self._lots)


class ByCost:
    """HIFO: the dearest per unit first, of equal ones the oldest; lots of unknown cost last."""

    __slots__ = ("_heap", "_number")

    def __init__(self) -> None:
        self._heap: list[tuple[bool, Decimal, datetime, int, Lot]] = []
        self._number = count()

    def put(self, lot: Lot) -> None:
        unit = Decimal(0) if lot.left_cost is None else -lot.left_cost / lot.left
        heapq.heappush(self._heap, (lot.left_cost is None, unit, lot.order_at, next(self._number), lot))

    def first(self) -> Lot | None:
        return self._heap[0][-1] if self._heap else None

    def drop(self) -> None:
        heapq.heappop(self._heap)

    def __iter__(self) -> Iterator[Lot]:
        return (entry[-1] for entry in sorted(self._heap, key=lambda entry: entry[:-1]))


def pool(method: Method) -> Pool:
    """An empty pool whose `first` follows `method`."""
    return ByCost() if method is Method.HIFO else ByDate(is_newest_first=method is Method.LIFO)


def _order_at(lot: Lot) -> datetime:
    return lot.order_at
