"""What can happen to a coin, as one flat record: the desk's fills and imported rows become these, and nothing else is computed from.

A named tuple, not a dataclass: a year has hundreds of thousands of them, and a frozen dataclass takes six times as long to make.
"""

from datetime import datetime
from decimal import Decimal
from enum import StrEnum
from typing import NamedTuple

from trading.errors import InvalidValueError
from trading.types import ZERO, aware


class Kind(StrEnum):
    """What the fields of an Event mean; `size` is of `asset`, `total` of `quote`."""

    BUY = "buy"  # got `size`, gave `total`
    SELL = "sell"  # gave `size`, got `total`; a trade of one coin for another is a sale of the first and a purchase of the second
    TRANSFER = "transfer"  # `size` arrived in `to_wallet`; the fee left `wallet` on top
    DEPOSIT = "deposit"  # came from outside: `value` (paid for it) and `acquired_at` where known, else the basis is unknown
    WITHDRAWAL = "withdrawal"  # went outside, to nobody we know: no disposal, told apart
    OPENING = (
        "opening"  # the wallet held `size` at that time: what history does not explain has no known basis
    )
    INCOME = "income"  # staking, rebates, funding received: worth `value`, or the price at that time
    FEE = "fee"  # `size` was paid for something that is no trade: funding paid, network costs
    RESOLUTION = (
        "resolution"  # `asset` ended at `total` of `quote` PER UNIT; all that is held of it when `size` is 0
    )
    SPLIT = "split"  # `total` became `size` of every outcome of the condition `asset`
    MERGE = "merge"  # `size` of every outcome of the condition `asset` became `total`
    REDEEM = "redeem"  # all outcomes held of the condition `asset` were handed in for `total`
    UNSUPPORTED = "unsupported"  # told by a source, but without what is needed to book it


class Event(NamedTuple):
    """`id` is unique for ever; amounts are positive (a fee may be negative: a rebate). Empty text and None mean: not there.

    `fee_total` is the fee's worth in `quote`, where the venue or the desk told it. `value` is in `value_asset`. `link` is what a
    withdrawal and a deposit share when they are one transfer, usually a transaction hash. `note` names the asset or the reason.
    """

    id: str
    at: datetime
    kind: Kind
    wallet: str
    asset: str
    size: Decimal
    quote: str = ""
    total: Decimal = ZERO
    fee: Decimal = ZERO
    fee_asset: str = ""
    fee_total: Decimal | None = None
    to_wallet: str = ""
    value: Decimal | None = None
    value_asset: str = ""
    acquired_at: datetime | None = None
    link: str = ""
    note: str = ""


_NEEDS_QUOTE = {Kind.BUY, Kind.SELL, Kind.RESOLUTION, Kind.SPLIT, Kind.MERGE, Kind.REDEEM}
_MAY_BE_ZERO = {Kind.RESOLUTION, Kind.REDEEM, Kind.UNSUPPORTED}
# At one instant coins come before they go, so that a purchase and its sale in the same millisecond meet.
_RANK = {
    **{Kind.OPENING: 0, Kind.DEPOSIT: 1, Kind.INCOME: 1, Kind.BUY: 2, Kind.SPLIT: 2, Kind.TRANSFER: 3},
    **{Kind.SELL: 4, Kind.MERGE: 5, Kind.REDEEM: 5, Kind.RESOLUTION: 5, Kind.FEE: 6, Kind.WITHDRAWAL: 7},
    Kind.UNSUPPORTED: 8,
}
_OUTCOME = "/"


def order_key(event: Event) -> tuple[datetime, int, int, str]:
    """The one order of events: by time, at the same instant what comes before what goes, then by id as a number."""
    return (event.at, _RANK[event.kind], len(event.id), event.id)


def outcome(condition: str, index: int) -> str:
    """The name of one outcome's token: prediction markets hand in whole conditions, so the condition is part of the name."""
    return f"{condition}{_OUTCOME}{index}"


def is_outcome(asset: str) -> bool:
    return _OUTCOME in asset


def checked(event: Event) -> Event:
    """`event` itself; raises InvalidValueError in one line when it cannot have happened."""
    aware("time", event.at)
    if not event.wallet:
        raise InvalidValueError("no account; name the wallet or venue it happened in")
    if not event.asset:
        raise InvalidValueError(f"a {event.kind} needs an asset")
    _check_amounts(event)
    _check_fee(event)
    _check_kind(event)
    _check_stated_basis(event)
    return event


def _check_amounts(event: Event) -> None:
    for name in ("size", "total", "fee"):
        amount: Decimal = getattr(event, name)
        if not amount.is_finite():
            raise InvalidValueError(f"{name} {amount} is not a number")
    if event.size < 0 or (not event.size and event.kind not in _MAY_BE_ZERO):
        raise InvalidValueError(f"a {event.kind} needs a positive size, not {event.size}")
    if event.total < 0:
        raise InvalidValueError(f"what was paid or received is not negative, as {event.total} is")


def _check_fee(event: Event) -> None:
    if event.fee and not event.fee_asset:
        raise InvalidValueError("a fee needs its asset")
    if event.kind is Kind.BUY and event.fee_asset == event.asset and event.fee >= event.size:
        raise InvalidValueError(f"a fee of {event.fee} {event.asset} eats the whole purchase")


def _check_kind(event: Event) -> None:
    if event.kind in _NEEDS_QUOTE and event.quote in {"", event.asset}:
        raise InvalidValueError(
            f"a {event.kind} needs what was paid or received: another asset, and how much"
        )
    if event.kind is Kind.TRANSFER and event.to_wallet in {"", event.wallet}:
        raise InvalidValueError("a transfer needs another account in to_account")
    if event.kind is Kind.RESOLUTION and event.total > 1:
        raise InvalidValueError(f"a prediction market ends between 0 and 1 a share, not at {event.total}")


def _check_stated_basis(event: Event) -> None:
    if event.value is not None and (not event.value.is_finite() or event.value < 0 or not event.value_asset):
        raise InvalidValueError("a value is a number that is not negative, with its currency")
    if event.acquired_at is not None:
        aware("acquired", event.acquired_at)
        if event.acquired_at > event.at:
            raise InvalidValueError("acquired after it came")
