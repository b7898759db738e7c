"""The paper venue's rows as values, and back."""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import UTC, datetime
from decimal import Decimal
from typing import Any

from trading.types import OrderType, Side, TimeInForce, VenueFill, VenueOrder, VenueOrderStatus


@dataclass(slots=True)
class PaperOrder:
    """An order at the paper venue. `price` is its limit or bound, `locked` what is still held for it."""

    id: int
    client_order_id: str
    symbol: str
    side: Side
    type: OrderType
    time_in_force: TimeInForce
    size: Decimal
    filled: Decimal
    cost: Decimal
    price: Decimal | None
    stop_price: Decimal | None
    status: VenueOrderStatus
    queue_ahead: Decimal
    is_triggered: bool
    locked: Decimal
    accepted_at: datetime
    changed_at: datetime

    @property
    def remaining(self) -> Decimal:
        return self.size - self.filled

    def seen(self) -> VenueOrder:
        return VenueOrder(
            venue_order_id=f"P{self.id}",
            client_order_id=self.client_order_id,
            symbol=self.symbol,
            side=self.side,
            status=self.status,
            size_base=self.size,
            filled_base=self.filled,
            average_price=self.cost / self.filled if self.filled else None,
            as_of=self.changed_at,
        )


def order_of(row: Mapping[str, Any]) -> PaperOrder:
    return PaperOrder(
        id=row["id"],
        client_order_id=row["client_order_id"],
        symbol=row["symbol"],
        side=Side(row["side"]),
        type=OrderType(row["type"]),
        time_in_force=TimeInForce(row["time_in_force"]),
        size=Decimal(row["size"]),
        filled=Decimal(row["filled"]),
        cost=Decimal(row["cost"]),
        price=_number(row["price"]),
        stop_price=_number(row["stop_price"]),
        status=VenueOrderStatus(row["status"]),
        queue_ahead=Decimal(row["queue_ahead"]),
        is_triggered=bool(row["is_triggered"]),
        locked=Decimal(row["locked"]),
        accepted_at=datetime.fromisoformat(row["accepted_at"]),
        changed_at=datetime.fromisoformat(row["changed_at"]),
    )


def fill_of(row: Mapping[str, Any]) -> VenueFill:
    return VenueFill(
        trade_id=f"F{row['id']}",
        venue_order_id=f"P{row['order_id']}",
        client_order_id=row["client_order_id"],
        symbol=row["symbol"],
        side=Side(row["side"]),
        price=Decimal(row["price"]),
        size_base=Decimal(row["size"]),
        fee=Decimal(row["fee"]),
        fee_asset=row["fee_asset"],
        is_maker=bool(row["is_maker"]),
        executed_at=datetime.fromisoformat(row["executed_at"]),
    )


def stamp(at: datetime) -> str:
    """Text that sorts as time: UTC with microseconds."""
    return at.astimezone(UTC).isoformat(timespec="microseconds")


def text(value: Decimal | None) -> str | None:
    return None if value is None else str(value)


def _number(value: str | None) -> Decimal | None:
    return None if value is None else Decimal(value)
