"""The year as plain movements, which is what other tax programs import: they keep lots of their own.

All accounts stand in one file, as one wallet there: a transfer between them leaves only its fee.
"""

from collections import defaultdict
from collections.abc import Iterator, Mapping
from decimal import Decimal, localcontext
from typing import NamedTuple

from trading.accounting.fifo import EXACT, product, share
from trading.accounting.taxes.events import Event, Kind, outcome
from trading.accounting.taxes.year import Row, TaxYear
from trading.types import ZERO

_LABELS = {Kind.DEPOSIT: "deposit", Kind.INCOME: "income"}
_GOING = {Kind.WITHDRAWAL: "withdrawal", Kind.FEE: "cost"}


class Movement(NamedTuple):
    """What went and what came, zero for nothing; `label` is trade, deposit, withdrawal, income, cost or rebate."""

    event: Event
    label: str
    sent: Decimal = ZERO
    sent_asset: str = ""
    received: Decimal = ZERO
    received_asset: str = ""
    worth: Decimal | None = None
    worth_asset: str = ""
    fee: Decimal = ZERO
    fee_asset: str = ""


def movements(year: TaxYear, *, currency: str) -> Iterator[Movement]:
    """Every movement of the year in order; what a redemption took is read from the disposals it made."""
    ended = defaultdict(list)
    for row in year.rows:
        ended[row.disposed_id].append(row)
    for event in year.events:
        found = list(_of(event, ended=ended, currency=currency))
        if event.fee > 0 and found and found[0].label != "cost":
            yield found[0]._replace(fee=event.fee, fee_asset=event.fee_asset)
            yield from found[1:]
            continue
        yield from found
        if event.fee > 0:
            yield Movement(event, "cost", sent=event.fee, sent_asset=event.fee_asset)
        elif event.fee < 0:
            yield Movement(event, "rebate", received=-event.fee, received_asset=event.fee_asset)


def _of(event: Event, *, ended: Mapping[str, list[Row]], currency: str) -> Iterator[Movement]:
    e = event
    if e.kind is Kind.BUY:
        yield Movement(e, "trade", e.total, e.quote, e.size, e.asset)
    elif e.kind is Kind.SELL:
        yield Movement(e, "trade", e.size, e.asset, e.total, e.quote)
    elif e.kind in _LABELS:
        yield Movement(
            e,
            _LABELS[e.kind],
            received=e.size,
            received_asset=e.asset,
            worth=e.value,
            worth_asset=e.value_asset,
        )
    elif e.kind in _GOING:
        yield Movement(e, _GOING[e.kind], e.size, e.asset)
    else:
        yield from _of_outcomes(e, ended=ended, currency=currency)


def _of_outcomes(e: Event, *, ended: Mapping[str, list[Row]], currency: str) -> Iterator[Movement]:
    if e.kind is Kind.SPLIT:
        for index, paid in enumerate(_halves(e.total)):
            yield Movement(e, "trade", paid, e.quote, e.size, outcome(e.asset, index))
    elif e.kind is Kind.MERGE:
        for index, came in enumerate(_halves(e.total)):
            yield Movement(e, "trade", e.size, outcome(e.asset, index), came, e.quote)
    elif e.kind is Kind.RESOLUTION and e.size:
        yield _end(e, e.asset, size=e.size, paid=product(e.size, e.total), paid_asset=e.quote)
    elif e.kind in {Kind.REDEEM, Kind.RESOLUTION}:
        for asset, (size, paid) in _ended(ended.get(e.id, [])).items():
            yield _end(e, asset, size=size, paid=paid, paid_asset=currency)


def _end(event: Event, asset: str, *, size: Decimal, paid: Decimal, paid_asset: str) -> Movement:
    """A token that paid nothing went out, worth nothing."""
    if paid:
        return Movement(event, "trade", size, asset, paid, paid_asset)
    return Movement(event, "withdrawal", size, asset, worth=ZERO, worth_asset=paid_asset)


def _ended(rows: list[Row]) -> Mapping[str, tuple[Decimal, Decimal]]:
    found: dict[str, tuple[Decimal, Decimal]] = {}
    for row in rows:
        size, paid = found.get(row.asset, (ZERO, ZERO))
        found[row.asset] = (size + row.size, paid + (row.proceeds or ZERO))
    return found


def _halves(amount: Decimal) -> tuple[Decimal, Decimal]:
    with localcontext(EXACT):
        half = share(amount, part=Decimal(1), whole=Decimal(2))
        return half, amount - half
