"""Values of the matching engine: requests, orders, trades, fills."""

from __future__ import annotations

from dataclasses import dataclass, field
from decimal import Decimal
from enum import StrEnum
from typing import Protocol

ZERO = Decimal(0)


class Side(StrEnum):
    """Which way an order trades."""

    BUY = "buy"
    SELL = "sell"

    @property
    def opposite(self) -> Side:
        """The other side."""
        return Side.SELL if self is Side.BUY else Side.BUY


class Kind(StrEnum):
    """How an order is priced."""

    LIMIT = "limit"
    MARKET = "market"


class TimeInForce(StrEnum):
    """How long an order stays."""

    GTC = "GTC"
    IOC = "IOC"
    FOK = "FOK"


class Trigger(StrEnum):
    """Which way the last trade must move to wake a conditional order."""

    STOP_LOSS = "stop_loss"
    TAKE_PROFIT = "take_profit"


class Status(StrEnum):
    """Where an order is in its life."""

    NEW = "new"
    PARTIALLY_FILLED = "partially_filled"
    FILLED = "filled"
    CANCELED = "canceled"
    EXPIRED = "expired"


OPEN_STATUSES = frozenset({Status.NEW, Status.PARTIALLY_FILLED})


@dataclass(frozen=True, slots=True)
class NewOrder:
    """What a client asks for. Exactly one of ``size_base`` and ``size_quote`` is set; the latter only for market orders."""

    symbol: str
    side: Side
    kind: Kind
    size_base: Decimal | None = None
    size_quote: Decimal | None = None
    price: Decimal | None = None
    time_in_force: TimeInForce = TimeInForce.GTC
    post_only: bool = False
    trigger: Trigger | None = None
    trigger_price: Decimal | None = None
    client_id: str = ""
    reference: int | None = None


@dataclass(slots=True)
class Order:
    """An order the engine accepted. ``locked`` is what it still holds back, in base for a sale, in quote for a purchase."""

    id: int
    account: str
    symbol: str
    side: Side
    kind: Kind
    size_base: Decimal
    size_quote: Decimal | None
    price: Decimal | None
    time_in_force: TimeInForce
    post_only: bool
    trigger: Trigger | None
    trigger_price: Decimal | None
    client_id: str
    reference: int | None
    created_ms: int
    updated_ms: int
    status: Status = Status.NEW
    is_waiting: bool = False
    filled_base: Decimal = ZERO
    filled_quote: Decimal = ZERO
    fee: Decimal = ZERO
    fee_asset: str = ""
    locked: Decimal = ZERO
    reason: str = ""
    trade_ids: list[int] = field(default_factory=list)

    @property
    def remaining_base(self) -> Decimal:
        """Size not yet traded."""
        return self.size_base - self.filled_base

    @property
    def is_open(self) -> bool:
        """True while it can still trade."""
        return self.status in OPEN_STATUSES


@dataclass(frozen=True, slots=True)
class Trade:
    """One match, as the public tape shows it."""

    id: int
    symbol: str
    price: Decimal
    size_base: Decimal
    taker_side: Side
    taker_kind: Kind
    maker_order_id: int
    taker_order_id: int
    at_ms: int

    @property
    def notional_quote(self) -> Decimal:
        """Price times size."""
        return self.price * self.size_base


@dataclass(frozen=True, slots=True)
class Fill:
    """One client's side of a trade, with the fee it paid."""

    trade_id: int
    order_id: int
    account: str
    symbol: str
    side: Side
    price: Decimal
    size_base: Decimal
    fee: Decimal
    fee_asset: str
    is_maker: bool
    at_ms: int

    @property
    def notional_quote(self) -> Decimal:
        """Price times size."""
        return self.price * self.size_base


class FeeAsset(StrEnum):
    """In which asset a venue takes its commission."""

    RECEIVED = "received"
    QUOTE = "quote"


class SelfTrade(StrEnum):
    """What a venue does when an order would meet another of the same account."""

    EXPIRE_MAKER = "expire_maker"
    CANCEL_NEWEST = "cancel_newest"


@dataclass(frozen=True)
class Rules:
    """A venue's own rules: fees, where they are taken, self-trades."""

    maker_fee_ratio: Decimal
    taker_fee_ratio: Decimal
    fee_asset: FeeAsset
    self_trade: SelfTrade
    max_open_orders: int = 200


class Listener(Protocol):
    """Hears what happens in the engine, in order, at once. House accounts cause no order and balance events."""

    def on_trade(self, trade: Trade) -> None:
        """A public trade."""

    def on_order(self, order: Order, *, event: str, fill: Fill | None) -> None:
        """``event`` is new, trade, canceled, expired or triggered."""

    def on_balance(self, account: str, *, assets: tuple[str, ...], cause: str) -> None:
        """Balances of ``assets`` changed; ``cause`` is order or deposit."""
