"""Orders as a venue sees them, its fills, and what an account holds."""

from dataclasses import dataclass
from datetime import datetime
from decimal import Decimal

from trading.errors import InvalidValueError
from trading.types.terms import OrderType, Side, TimeInForce, VenueOrderStatus, aware, positive


@dataclass(frozen=True, slots=True, kw_only=True)
class OrderRequest:
    """One order to a venue. MARKET needs `price_bound` too: it is sent as a marketable limit IOC where the venue can.

    `price_bound` is the worst acceptable price; for LIMIT it is the limit. `stop_price` belongs to STOP only.
    """

    client_order_id: str
    symbol: str
    side: Side
    type: OrderType
    time_in_force: TimeInForce
    size_base: Decimal
    price_bound: Decimal | None = None
    stop_price: Decimal | None = None
    reduce_only: bool = False
    post_only: bool = False

    def __post_init__(self) -> None:
        positive("size_base", self.size_base)
        if (self.type is OrderType.STOP) != (self.stop_price is not None):
            raise InvalidValueError("a stop order needs a stop price, and no other order has one")
        if self.type is not OrderType.STOP and self.price_bound is None:
            raise InvalidValueError("an order needs a price bound: no order is sent at any price")
        for name, value in (("price_bound", self.price_bound), ("stop_price", self.stop_price)):
            if value is not None:
                positive(name, value)


@dataclass(frozen=True, slots=True, kw_only=True)
class VenueOrder:
    """An order as the venue reports it. `client_order_id` None: the venue did not say."""

    venue_order_id: str
    client_order_id: str | None
    symbol: str
    side: Side
    status: VenueOrderStatus
    size_base: Decimal
    filled_base: Decimal
    average_price: Decimal | None
    as_of: datetime


@dataclass(frozen=True, slots=True, kw_only=True)
class VenueFill:
    """An execution as the venue reports it; `trade_id` is unique per venue account and symbol."""

    trade_id: str
    venue_order_id: str
    client_order_id: str | None
    symbol: str
    side: Side
    price: Decimal
    size_base: Decimal
    fee: Decimal
    fee_asset: str
    is_maker: bool
    executed_at: datetime

    def __post_init__(self) -> None:
        positive("price", self.price)
        positive("size_base", self.size_base)
        aware("executed_at", self.executed_at)


@dataclass(frozen=True, slots=True, kw_only=True)
class Balance:
    asset: str
    free: Decimal
    locked: Decimal

    @property
    def total(self) -> Decimal:
        return self.free + self.locked
