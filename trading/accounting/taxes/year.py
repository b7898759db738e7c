"""One tax year out of the whole history: rounded rows, and sums of those rows. Nothing is rounded before, and each figure once.

Long term is held for more than one year: the holding period begins the day after the purchase and includes the day of the sale
(IRS Publication 550, "Holding Period"; Rev. Rul. 66-7 for the ends of months), by the calendar of the tax payer's time zone.
"""

from collections import Counter
from collections.abc import Callable, Collection, Iterable, Mapping
from dataclasses import dataclass
from datetime import UTC, date, datetime, timedelta, tzinfo
from decimal import ROUND_HALF_EVEN, Decimal, localcontext
from enum import StrEnum
from typing import NamedTuple

from trading.accounting.fifo import EXACT, share
from trading.accounting.taxes.events import Event
from trading.accounting.taxes.flags import Flag, Note
from trading.accounting.taxes.stock import History, Receipt, Slice
from trading.types import ZERO

CENT = Decimal("0.01")
NOTHING = Decimal("0.00")
_ABOUT_PRICES = {Flag.MISSING_PRICE, Flag.FEE_WITHOUT_PRICE}
_ABOUT_A_YEAR = range(365, 368)


class Term(StrEnum):
    SHORT = "short"
    LONG = "long"


class Row(NamedTuple):
    """One part of one purchase, sold. Amounts are rounded to cents; None is unknown, and then so is the gain.

    `fees` are contained in `cost` and `proceeds`. Without a date of purchase the term is short, which nobody is taxed less for.
    """

    asset: str
    name: str
    size: Decimal
    acquired: date | None
    disposed: date
    proceeds: Decimal | None
    cost: Decimal | None
    fees: Decimal
    gain: Decimal | None
    term: Term
    wallet: str
    flags: tuple[Flag, ...]
    acquired_id: str
    disposed_id: str


class Entry(NamedTuple):
    """Income, or a cost outside trades, rounded; `value` None: no price."""

    on: date
    asset: str
    size: Decimal
    value: Decimal | None
    wallet: str
    note: str
    id: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Sums:
    """Sums of the rounded rows with a known gain; `rows` counts all of the term."""

    rows: int
    proceeds: Decimal
    cost: Decimal
    gain: Decimal


@dataclass(frozen=True, slots=True, kw_only=True)
class TaxYear:
    """`unknown` rows are in no sum, only in `unknown_proceeds`. `open_outcomes` are tokens of prediction markets still held."""

    year: int
    rows: tuple[Row, ...]
    income: tuple[Entry, ...]
    costs: tuple[Entry, ...]
    notes: tuple[Note, ...]
    events: tuple[Event, ...]
    zone: tzinfo
    terms: Mapping[Term, Sums]
    unknown: int
    unknown_proceeds: Decimal
    income_total: Decimal
    costs_total: Decimal
    fees_total: Decimal

    @property
    def gain(self) -> Decimal:
        return sum((sums.gain for sums in self.terms.values()), NOTHING)

    @property
    def is_empty(self) -> bool:
        return not self.events

    @property
    def flags(self) -> Mapping[Flag, int]:
        """How many rows and notes carry each flag; a row and a note of the same event count once."""
        on_rows = {(flag, row.disposed_id, row.acquired_id) for row in self.rows for flag in row.flags}
        told = {(flag, found) for flag, found, _ in on_rows}
        alone = Counter(note.flag for note in self.notes if (note.flag, note.id) not in told)
        return Counter(flag for flag, _, _ in on_rows) + alone


def is_long(*, acquired: date, disposed: date) -> bool:
    """Held for more than one year."""
    days = (disposed - acquired).days
    if days not in _ABOUT_A_YEAR:
        return days > 366
    first_day = acquired + timedelta(days=1)
    try:
        anniversary = first_day.replace(year=first_day.year + 1)
    except ValueError:  # 29 February has no anniversary; the year is over with 28 February
        anniversary = date(first_day.year + 1, 3, 1)
    return disposed >= anniversary


def bounds(year: int, *, zone: tzinfo) -> tuple[datetime, datetime]:
    """The first moment of the year, and of the next."""
    return datetime(year, 1, 1, tzinfo=zone), datetime(year + 1, 1, 1, tzinfo=zone)


def day_in(zone: tzinfo) -> Callable[[datetime], date]:
    """The calendar day of a moment, in `zone`."""
    return lambda at: (at if at.tzinfo is zone else at.astimezone(zone)).date()


def tax_year(history: History, *, year: int, zone: tzinfo = UTC) -> TaxYear:
    """The rows and sums of `year` in the calendar of `zone`."""
    start, end = bounds(year, zone=zone)
    day = day_in(zone)
    unpriced = {note.id for note in history.notes if note.flag in _ABOUT_PRICES}
    with localcontext(EXACT):
        rows = tuple(
            _row(piece, day=day, names=history.names, unpriced=unpriced)
            for piece in history.slices
            if start <= piece.sale.at < end
        )
        income = _entries(history.income, start=start, end=end, day=day)
        costs = _entries(history.costs, start=start, end=end, day=day)
        unknown = [row for row in rows if row.gain is None]
        return TaxYear(
            year=year,
            rows=rows,
            income=income,
            costs=costs,
            notes=tuple(note for note in history.notes if start <= note.at < end),
            events=tuple(event for event in history.events if start <= event.at < end),
            zone=zone,
            terms={term: _sums(rows, term=term) for term in Term},
            unknown=len(unknown),
            unknown_proceeds=sum((row.proceeds for row in unknown if row.proceeds is not None), NOTHING),
            income_total=_total(income),
            costs_total=_total(costs),
            fees_total=sum((row.fees for row in rows), NOTHING),
        )


def rounded(amount: Decimal) -> Decimal:
    """To cents, half to even; zero without a sign."""
    return amount.quantize(CENT, ROUND_HALF_EVEN) or NOTHING


def _row(
    piece: Slice, *, day: Callable[[datetime], date], names: Mapping[str, str], unpriced: Collection[str]
) -> Row:
    """`unpriced` are the purchases that had a cost, but one without a price in the tax currency."""
    sale, lot, size, exact_proceeds, exact_cost = piece
    proceeds = None if exact_proceeds is None else rounded(exact_proceeds)
    cost = None if exact_cost is None else rounded(exact_cost)
    flags = sale.flags
    if cost is None:
        if proceeds == 0 and lot is None:
            cost, flags = NOTHING, (*flags, Flag.DUST)
        elif lot is None or lot.id not in unpriced:
            flags = (*flags, Flag.MISSING_BASIS)
    if proceeds is None or (cost is None and Flag.MISSING_BASIS not in flags):
        flags = (*flags, Flag.MISSING_PRICE)
    acquired = None if lot is None or lot.acquired_at is None else day(lot.acquired_at)
    disposed = day(sale.at)
    return Row(
        sale.asset,
        names.get(sale.asset, ""),
        size,
        acquired,
        disposed,
        proceeds,
        cost,
        _fees(piece),
        None if proceeds is None or cost is None else proceeds - cost,
        Term.LONG if acquired is not None and is_long(acquired=acquired, disposed=disposed) else Term.SHORT,
        sale.wallet,
        flags,
        "" if lot is None else lot.id,
        sale.id,
    )


def _fees(piece: Slice) -> Decimal:
    """The piece's part of the fees of its purchase and its sale."""
    if not piece.sale.fee and (piece.lot is None or not piece.lot.fee):
        return NOTHING
    fees = ZERO
    if piece.sale.fee:
        fees += share(piece.sale.fee, part=piece.size, whole=piece.sale.size)
    if piece.lot is not None and piece.lot.fee:
        fees += share(piece.lot.fee, part=piece.size, whole=piece.lot.size)
    return rounded(fees)


def _entries(
    receipts: Iterable[Receipt], *, start: datetime, end: datetime, day: Callable[[datetime], date]
) -> tuple[Entry, ...]:
    return tuple(
        Entry(
            day(receipt.at),
            receipt.asset,
            receipt.size,
            None if receipt.value is None else rounded(receipt.value),
            receipt.wallet,
            receipt.note,
            receipt.id,
        )
        for receipt in receipts
        if start <= receipt.at < end
    )


def _sums(rows: Iterable[Row], *, term: Term) -> Sums:
    count, proceeds, cost, gain = 0, NOTHING, NOTHING, NOTHING
    for row in rows:
        if row.term is not term:
            continue
        count += 1
        if row.gain is not None and row.proceeds is not None and row.cost is not None:
            proceeds, cost, gain = proceeds + row.proceeds, cost + row.cost, gain + row.gain
    return Sums(rows=count, proceeds=proceeds, cost=cost, gain=gain)


def _total(entries: Iterable[Entry]) -> Decimal:
    return sum((entry.value for entry in entries if entry.value is not None), NOTHING)
