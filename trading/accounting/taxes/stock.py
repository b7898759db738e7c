"""The lots of the whole history, and what sales take from them. Exact: nothing is lost or made between the pieces of a split."""

from collections.abc import Iterator
from dataclasses import dataclass, field
from datetime import datetime
from decimal import Decimal
from typing import NamedTuple

from trading.accounting.fifo import QUANTUM, share
from trading.accounting.taxes.events import Event, is_outcome
from trading.accounting.taxes.flags import Flag, Note
from trading.accounting.taxes.lots import Lot, Method, Pool, pool
from trading.types import ZERO


@dataclass(frozen=True, slots=True, kw_only=True)
class Options:
    """`is_universal` False: a sale uses up lots of its own wallet only, as US law asks since 2025 (Rev. Proc. 2024-28)."""

    method: Method = Method.FIFO
    is_universal: bool = False


class Sale(NamedTuple):
    """A disposal as its event tells it, after fees. `proceeds` None: no price; `fee` is contained in them."""

    id: str
    at: datetime
    wallet: str
    asset: str
    size: Decimal
    proceeds: Decimal | None
    fee: Decimal | None
    note: str
    flags: tuple[Flag, ...]


class Slice(NamedTuple):
    """The part of a sale that used up (part of) one lot; `lot` None: there was none. Exact: slices sum to their sale and their lots."""

    sale: Sale
    lot: Lot | None
    size: Decimal
    proceeds: Decimal | None
    cost: Decimal | None


class Receipt(NamedTuple):
    """Income, or a cost that is part of no trade. `value` None: no price."""

    id: str
    at: datetime
    wallet: str
    asset: str
    size: Decimal
    value: Decimal | None
    note: str


@dataclass(slots=True)
class History:
    """All that followed from the `events`, which are in order. `names` say what an asset is, where a source told. `pools` hold what is left, by asset and
    place: a wallet, or nowhere in particular where lots are universal."""

    events: list[Event] = field(default_factory=list)
    slices: list[Slice] = field(default_factory=list)
    income: list[Receipt] = field(default_factory=list)
    costs: list[Receipt] = field(default_factory=list)
    notes: list[Note] = field(default_factory=list)
    pools: dict[str, dict[str, Pool]] = field(default_factory=dict)
    names: dict[str, str] = field(default_factory=dict)

    def open_lots(self) -> Iterator[tuple[str, Lot]]:
        """(asset, lot) of everything still held."""
        for asset, places in self.pools.items():
            yield from ((asset, lot) for lots in places.values() for lot in lots)


class Stock:
    """The lots, and what is taken from them."""

    def __init__(self, options: Options) -> None:
        self.history = History()
        self._add = self.history.slices.append
        self._method, self._is_universal = options.method, options.is_universal

    def pool(self, wallet: str, asset: str) -> Pool:
        """The lots that a sale of `asset` out of `wallet` uses up.

        Outcome tokens stay with their wallet in any case: a redemption hands in what that wallet holds.
        """
        place = "" if self._is_universal and not is_outcome(asset) else wallet
        places = self.history.pools.get(asset)
        if places is None:
            places = self.history.pools[asset] = {}
        found = places.get(place)
        if found is None:
            found = places[place] = pool(self._method)
        return found

    def held(self, wallet: str, asset: str) -> Decimal:
        return sum((lot.left for lot in self.pool(wallet, asset)), ZERO)

    def take(
        self, wallet: str, asset: str, size: Decimal
    ) -> Iterator[tuple[Lot | None, Decimal, Decimal | None]]:
        """(lot, size, cost) of what is used up, in the method's order; a last entry without a lot is what there was no lot for."""
        lots = self.pool(wallet, asset)
        while size:
            lot = lots.first()
            if lot is None:
                yield None, size, None
                return
            held, cost = lot.left, lot.left_cost
            if held > size:
                if cost is not None:
                    part = (cost * size / held).quantize(QUANTUM)
                    lot.left_cost, cost = cost - part, part
                lot.left = held - size
                yield lot, size, cost
                return
            lots.drop()
            lot.left, lot.left_cost = ZERO, None if cost is None else ZERO
            yield lot, held, cost
            size -= held

    def sell(self, sale: Sale) -> None:
        """Matches the sale to lots; the last piece takes the rest of the proceeds, so nothing is lost between them.

        Here and in `take` stands `fifo.share` without the call: this is the innermost loop, a quarter faster for it.
        """
        add, left, money = self._add, sale.size, sale.proceeds
        for lot, part, cost in self.take(sale.wallet, sale.asset, left):
            piece = money
            if money is not None and part != left:
                piece = (money * part / left).quantize(QUANTUM)
                money -= piece
            add(Slice(sale, lot, part, piece, cost))
            left -= part

    def move(self, event: Event) -> None:
        """Lots go to another wallet with date and basis; what there was no lot for arrives without either."""
        if self.pool(event.wallet, event.asset) is self.pool(event.to_wallet, event.asset):
            return
        for lot, part, cost in self.take(event.wallet, event.asset, event.size):
            if lot is None:
                moved = Lot(event.id, event.to_wallet, part, None, event.at, None, None)
            else:
                fee = None if lot.fee is None else share(lot.fee, part=part, whole=lot.size)
                moved = Lot(lot.id, event.to_wallet, part, cost, lot.order_at, lot.acquired_at, fee)
            self.pool(event.to_wallet, event.asset).put(moved)
