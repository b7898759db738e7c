"""Which events belong together, before anything is computed: facts told twice, both ends of a transfer, balances already explained."""

from collections import defaultdict
from collections.abc import Iterator, Sequence
from decimal import Decimal, localcontext
from operator import itemgetter, lt

from trading.accounting.fifo import EXACT
from trading.accounting.taxes.events import Event, Kind, order_key, outcome
from trading.types import ZERO

_id, _at, _kind = (itemgetter(Event._fields.index(name)) for name in ("id", "at", "kind"))


def arrange(events: Sequence[Event]) -> list[Event]:
    """The events in order: each id once (the first counts), linked ends joined to transfers, openings reduced to the unexplained.

    Whole columns at a time: this looks at everything, and mostly finds nothing to do.
    """
    backwards = events[::-1]
    found = list(dict(zip(map(_id, backwards), backwards, strict=True)).values())[::-1]
    kinds = set(map(_kind, found))
    if kinds >= {Kind.WITHDRAWAL, Kind.DEPOSIT}:
        found = _joined(found)
    times = list(map(_at, found))
    if not all(map(lt, times, times[1:])):
        found.sort(key=order_key)
    if Kind.OPENING in kinds:
        with localcontext(EXACT):
            found = list(_explained(found))
    return found


def changes(event: Event) -> Iterator[tuple[str, str, Decimal]]:
    """(wallet, asset, change) of every balance the event moves; what resolutions and redemptions take is only known to the lots."""
    e = event
    if e.fee:
        yield e.wallet, e.fee_asset, -e.fee
    if e.kind in {Kind.BUY, Kind.SELL}:
        sign = 1 if e.kind is Kind.BUY else -1
        yield e.wallet, e.asset, sign * e.size
        yield e.wallet, e.quote, -sign * e.total
    elif e.kind in {Kind.SPLIT, Kind.MERGE}:
        sign = 1 if e.kind is Kind.SPLIT else -1
        yield from ((e.wallet, outcome(e.asset, index), sign * e.size) for index in (0, 1))
        yield e.wallet, e.quote, -sign * e.total
    elif e.kind in {Kind.DEPOSIT, Kind.INCOME}:
        yield e.wallet, e.asset, e.size
    elif e.kind in {Kind.WITHDRAWAL, Kind.FEE, Kind.TRANSFER}:
        yield e.wallet, e.asset, -e.size
        if e.kind is Kind.TRANSFER:
            yield e.to_wallet, e.asset, e.size


def _joined(events: list[Event]) -> list[Event]:
    """A withdrawal and a deposit of one asset with the same link are one transfer; what did not arrive is its fee."""
    gone = {(e.link, e.asset): e for e in events if e.kind is Kind.WITHDRAWAL and e.link}
    used: set[str] = set()
    transfers: list[Event] = []
    for event in events:
        left = gone.get((event.link, event.asset)) if event.kind is Kind.DEPOSIT else None
        if left is None or left.id in used or left.wallet == event.wallet or event.size > left.size:
            continue
        used |= {left.id, event.id}
        transfers.append(_transfer(left, event))
    return [event for event in events if event.id not in used] + transfers


def _transfer(left: Event, came: Event) -> Event:
    with localcontext(EXACT):
        lost = left.size - came.size + (left.fee if left.fee_asset == left.asset else ZERO)
    joined = left._replace(kind=Kind.TRANSFER, size=came.size, to_wallet=came.wallet)
    return joined._replace(fee=lost, fee_asset=left.asset) if lost else joined


def _explained(events: list[Event]) -> Iterator[Event]:
    held: defaultdict[tuple[str, str], Decimal] = defaultdict(Decimal)
    for event in events:
        if event.kind is Kind.OPENING:
            unknown = event.size - max(held[event.wallet, event.asset], ZERO)
            if unknown <= 0:
                continue
            event = event._replace(kind=Kind.DEPOSIT, size=unknown)
        for wallet, asset, change in changes(event):
            held[wallet, asset] += change
        yield event
