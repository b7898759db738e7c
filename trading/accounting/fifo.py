"""First in, first out: which purchase a sale uses up, and what it earned. Pure; the ledger stores what comes out.

Signs carry the side, so one rule serves both: a lot of positive size was bought and waits to be sold, a lot of negative size
was sold short and waits to be bought back. Cost is exact to the last digit: a split is rounded once, and the piece that
empties a lot or a fill takes the rest, so nothing is lost between the pieces.
"""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass, replace
from datetime import datetime
from decimal import Context, Decimal, localcontext

from trading.errors import InvalidValueError
from trading.types import ZERO, Side, aware, positive

# Products of two amounts with 18 decimal places each stay exact; Python's default of 28 digits would round them.
EXACT = Context(prec=80)
QUANTUM = Decimal("1e-18")


@dataclass(frozen=True, slots=True, kw_only=True)
class Movement:
    """One fill as the lots see it: `base` net of base-asset fees, `quote` net of quote fees; plus is received."""

    fill_id: int
    trade_id: str
    base: Decimal
    quote: Decimal
    at: datetime

    @property
    def order_key(self) -> tuple[datetime, bool, int, str]:
        """The one order of fills: by time; at the same instant purchases first, then by trade id as a number."""
        return (self.at, self.base < 0, len(self.trade_id), self.trade_id)


@dataclass(frozen=True, slots=True, kw_only=True)
class OpenLot:
    """What one fill opened. `remaining_cost` is the quote paid for what remains (negative: received, for a short)."""

    fill_id: int
    acquired_at: datetime
    size_base: Decimal
    unit_cost: Decimal
    remaining_base: Decimal
    remaining_cost: Decimal


@dataclass(frozen=True, slots=True, kw_only=True)
class Closure:
    """A piece of a lot closed by a fill. `size_base` is positive; `pnl` is proceeds less cost, both after fees."""

    lot_fill_id: int
    fill_id: int
    size_base: Decimal
    proceeds: Decimal
    cost: Decimal
    closed_at: datetime

    @property
    def pnl(self) -> Decimal:
        with localcontext(EXACT):
            return self.proceeds - self.cost


@dataclass(frozen=True, slots=True, kw_only=True)
class Book:
    """All lots in FIFO order, emptied ones too, and every closure. `opened_by` is the fill that left flat; None when flat.

    Flat is also what holds less than the `dust_base` of whoever books: a rest that cannot be sold.
    """

    lots: tuple[OpenLot, ...] = ()
    closures: tuple[Closure, ...] = ()
    opened_by: int | None = None

    @property
    def size_base(self) -> Decimal:
        return total(lot.remaining_base for lot in self.lots)

    @property
    def average_cost(self) -> Decimal:
        """Quote per base of what is held, entry fees included; zero when flat."""
        with localcontext(EXACT):
            size = self.size_base
            return (
                (total(lot.remaining_cost for lot in self.lots) / size).quantize(QUANTUM).normalize(EXACT)
                if size
                else ZERO
            )

    @property
    def realised_pnl(self) -> Decimal:
        return total(closure.pnl for closure in self.closures)


def total(amounts: Iterable[Decimal]) -> Decimal:
    """The exact sum."""
    with localcontext(EXACT):
        return sum(amounts, ZERO)


def product(size: Decimal, price: Decimal) -> Decimal:
    """The exact product."""
    with localcontext(EXACT):
        return size * price


def fee_in_quote(
    *, fee: Decimal, fee_asset: str, price: Decimal, base: str, quote: str, fee_price: Decimal | None
) -> Decimal | None:
    """What the fee was worth in quote; `fee_price` is quote per fee asset. None: a third asset without a price."""
    with localcontext(EXACT):
        if not fee or fee_asset == quote:
            return fee
        if fee_asset == base:
            return fee * price
        return None if fee_price is None else fee * fee_price


def movement(
    *,
    fill_id: int,
    trade_id: str,
    side: Side,
    price: Decimal,
    size_base: Decimal,
    fee: Decimal,
    fee_asset: str,
    fee_quote: Decimal | None,
    base: str,
    quote: str,
    at: datetime,
) -> Movement:
    """What a fill does to base and quote.

    A quote fee adds to the cost of a purchase or takes from the proceeds of a sale. A base fee shrinks what a purchase
    brings at the same total cost. A fee in a third asset counts at `fee_quote`, or stays apart when that is None.
    Raises InvalidValueError when the fee eats the whole purchase.
    """
    positive("price", price)
    positive("size_base", size_base)
    aware("at", at)
    with localcontext(EXACT):
        sign = 1 if side is Side.BUY else -1
        base_change = sign * size_base - (fee if fee_asset == base else ZERO)
        quote_change = -sign * size_base * price - (ZERO if fee_asset == base else fee_quote or ZERO)
    if base_change * sign <= 0:
        raise InvalidValueError(
            f"trade {trade_id}: a fee of {fee} {fee_asset} eats the whole fill of {size_base}"
        )
    return Movement(fill_id=fill_id, trade_id=trade_id, base=base_change, quote=quote_change, at=at)


def book(state: Book, change: Movement, *, dust_base: Decimal = ZERO) -> Book:
    """`state` after `change`: the oldest lots of the other side are closed first, and what is left opens a lot."""
    with localcontext(EXACT):
        lots = list(state.lots)
        closures: list[Closure] = []
        was_held = _is_held(lots, dust_base=dust_base)
        base, quote = change.base, change.quote
        for index, lot in enumerate(lots):
            if not base or lot.remaining_base * base >= 0:
                continue
            lots[index], closure, base, quote = _close(lot, change=change, base=base, quote=quote)
            closures.append(closure)
        if base:
            lots.append(_open(change, base=base, quote=quote))
        is_held = _is_held(lots, dust_base=dust_base)
        is_opening = is_held and (not was_held or bool(base and closures))
        opened_by = change.fill_id if is_opening else state.opened_by if is_held else None
    return Book(lots=tuple(lots), closures=(*state.closures, *closures), opened_by=opened_by)


def replay(changes: Sequence[Movement], *, dust_base: Decimal = ZERO) -> Book:
    """The book after all `changes`, whatever order they come in; raises InvalidValueError on the same fill twice."""
    if len({change.fill_id for change in changes}) != len(changes):
        raise InvalidValueError("a fill can move the lots only once")
    state, emptied, closures = Book(), list[OpenLot](), list[Closure]()
    for change in sorted(changes, key=lambda item: item.order_key):
        after = book(state, change, dust_base=dust_base)
        emptied.extend(lot for lot in after.lots if not lot.remaining_base)
        closures.extend(after.closures)
        state = Book(lots=tuple(lot for lot in after.lots if lot.remaining_base), opened_by=after.opened_by)
    return Book(lots=(*emptied, *state.lots), closures=tuple(closures), opened_by=state.opened_by)


def _is_held(lots: Iterable[OpenLot], *, dust_base: Decimal) -> bool:
    size = total(lot.remaining_base for lot in lots)
    return bool(size) and abs(size) >= dust_base


def _open(change: Movement, *, base: Decimal, quote: Decimal) -> OpenLot:
    return OpenLot(
        fill_id=change.fill_id,
        acquired_at=change.at,
        size_base=base,
        unit_cost=(-quote / base).quantize(QUANTUM).normalize(EXACT),
        remaining_base=base,
        remaining_cost=-quote,
    )


def _close(
    lot: OpenLot, *, change: Movement, base: Decimal, quote: Decimal
) -> tuple[OpenLot, Closure, Decimal, Decimal]:
    """The lot after it met the change, the closure, and what is left of the change's base and quote."""
    size = min(abs(lot.remaining_base), abs(base))
    cost = share(lot.remaining_cost, part=size, whole=abs(lot.remaining_base))
    flow = share(quote, part=size, whole=abs(base))
    is_long = lot.remaining_base > 0
    closure = Closure(
        lot_fill_id=lot.fill_id,
        fill_id=change.fill_id,
        size_base=size,
        proceeds=flow if is_long else -cost,
        cost=cost if is_long else -flow,
        closed_at=change.at,
    )
    signed = size if is_long else -size
    left = replace(lot, remaining_base=lot.remaining_base - signed, remaining_cost=lot.remaining_cost - cost)
    return left, closure, base + signed, quote - flow


def share(amount: Decimal, *, part: Decimal, whole: Decimal) -> Decimal:
    """`amount` x part / whole, rounded once; all of it when the part is the whole, so the rest never drifts."""
    return amount if part == whole else (amount * part / whole).quantize(QUANTUM).normalize(EXACT)
