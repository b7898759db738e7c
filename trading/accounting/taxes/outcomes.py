"""Prediction markets: outcome tokens that are split from money, merged back, and end at a price between 0 and 1.

US law has no rule of its own for them; they are treated as any other property, and resolution as a sale at the price paid out. One amount
for several tokens is divided evenly, because sources tell no prices then: the sum over the tokens is exact whatever the division.
"""

from collections.abc import Mapping
from decimal import Decimal

from trading.accounting.fifo import share
from trading.accounting.taxes.booker import Booker, Handler
from trading.accounting.taxes.events import Event, Kind, outcome
from trading.accounting.taxes.flags import Flag
from trading.types import ZERO

_INDEXES = (0, 1)  # a condition has two outcomes; markets with more are groups of conditions
_TWO = Decimal(2)


def handlers(booker: Booker) -> Mapping[Kind, Handler]:
    """What to call for each kind of event of a prediction market."""
    return {
        Kind.SPLIT: lambda event: _split(booker, event),
        Kind.MERGE: lambda event: _merge(booker, event),
        Kind.REDEEM: lambda event: _redeem(booker, event),
        Kind.RESOLUTION: lambda event: _resolve(booker, event),
        Kind.UNSUPPORTED: lambda event: _say(booker, event),
    }


def _split(booker: Booker, event: Event) -> None:
    cost = booker.priced(event, event.quote, event.total)
    for index, part in zip(_INDEXES, _halves(cost), strict=True):
        booker.acquire(event, outcome(event.asset, index), event.size, part)
    _say_even(booker, event)
    booker.side_fee(event)


def _merge(booker: Booker, event: Event) -> None:
    proceeds = booker.priced(event, event.quote, event.total)
    for index, part in zip(_INDEXES, _halves(proceeds), strict=True):
        token = outcome(event.asset, index)
        booker.dispose(event, token, event.size, part, flags=(Flag.SPLIT_EVENLY,))
    _say_even(booker, event)
    booker.side_fee(event)


def _resolve(booker: Booker, event: Event) -> None:
    """`total` is the price of one share; without a size all that is held ends."""
    size = event.size or booker.stock.held(event.wallet, event.asset)
    if size:
        proceeds = booker.priced(event, event.quote, size * event.total)
        booker.dispose(event, event.asset, size, proceeds)
    booker.side_fee(event)


def _redeem(booker: Booker, event: Event) -> None:
    """All that the wallet holds of the condition ends; `total` came for it."""
    proceeds = booker.priced(event, event.quote, event.total)
    tokens = [outcome(event.asset, index) for index in _INDEXES]
    held = {token: booker.stock.held(event.wallet, token) for token in tokens}
    sizes = {token: size for token, size in held.items() if size}
    shares, is_clear = _payouts(sizes, paid=event.total)
    for token, paid in shares.items():
        # A share pays at most 1: what was paid beyond the holding belongs to shares whose purchase is not known.
        size = max(sizes[token], paid)
        part = proceeds if paid == event.total else _part(proceeds, paid=paid, total=event.total)
        flags = () if is_clear else (Flag.OUTCOME_UNCLEAR,)
        booker.dispose(event, token, size, part, flags=flags)
    if not shares and event.total:
        booker.dispose(event, f"{event.asset}/?", event.total, proceeds)
    booker.side_fee(event)


def _payouts(held: Mapping[str, Decimal], *, paid: Decimal) -> tuple[dict[str, Decimal], bool]:
    """Token -> what of `paid` came for it, and whether that is certain: the winner's holding is what was paid."""
    if len(held) < 2:
        return dict.fromkeys(held, paid), True
    winners = [token for token, size in held.items() if size == paid]
    if len(winners) == 1 or not paid:
        return {token: paid if token in winners else ZERO for token in held}, True
    whole = sum(held.values(), ZERO)
    first, second = held
    part = share(paid, part=held[first], whole=whole)
    return {first: part, second: paid - part}, paid * _TWO == whole and not winners


def _part(proceeds: Decimal | None, *, paid: Decimal, total: Decimal) -> Decimal | None:
    if proceeds is None or not paid:
        return proceeds and ZERO
    return share(proceeds, part=paid, whole=total)


def _halves(amount: Decimal | None) -> tuple[Decimal | None, Decimal | None]:
    if amount is None:
        return None, None
    half = share(amount, part=Decimal(1), whole=_TWO)
    return half, amount - half


def _say_even(booker: Booker, event: Event) -> None:
    text = f"{event.kind} of {event.size:f} sets of {event.note or event.asset}"
    booker.note(Flag.SPLIT_EVENLY, event, asset=event.asset, text=text)


def _say(booker: Booker, event: Event) -> None:
    booker.note(Flag.UNSUPPORTED, event, asset=event.asset, text=event.note)
