"""Translates orders, fills and balances between ccxt's dictionaries and the desk's values."""

from collections.abc import Mapping
from datetime import UTC, datetime
from decimal import Decimal, InvalidOperation
from typing import Any

from neuratrade.lib.clock import from_epoch_ms
from neuratrade.lib.redact import redact
from trading.errors import InvalidValueError, VenueUnavailableError
from trading.types import (
    ZERO,
    Balance,
    OrderRequest,
    OrderType,
    Side,
    TimeInForce,
    VenueFill,
    VenueOrder,
    VenueOrderStatus,
)

_STATUS = {
    "open": VenueOrderStatus.OPEN,
    "canceling": VenueOrderStatus.OPEN,
    "closed": VenueOrderStatus.FILLED,
    "canceled": VenueOrderStatus.CANCELED,
    "expired": VenueOrderStatus.CANCELED,
    "rejected": VenueOrderStatus.REJECTED,
}
_EPOCH = datetime(1970, 1, 1, tzinfo=UTC)


def order_arguments(request: OrderRequest) -> tuple[str, str | None, dict[str, Any]]:
    """ccxt's order type, price and parameters. A market order goes as a limit IOC at its bound: never at any price."""
    parameters: dict[str, Any] = {"clientOrderId": request.client_order_id}
    if request.type is OrderType.STOP:
        return "market", None, {**parameters, "stopLossPrice": text(request.stop_price)}
    if request.type is OrderType.MARKET:
        parameters["timeInForce"] = "IOC"
    elif request.post_only:
        parameters["postOnly"] = True
    elif request.time_in_force is not TimeInForce.GTC:
        parameters["timeInForce"] = request.time_in_force.value.upper()
    return "limit", text(request.price_bound), parameters


def text(value: Decimal | None) -> str | None:
    return None if value is None else format(value, "f")


def venue_order(raw: Mapping[str, Any], *, request: OrderRequest | None = None) -> VenueOrder:
    """The order in a reply. What a short reply leaves out (Kraken's has only ids) comes from `request`.

    Raises VenueUnavailableError when the reply cannot be read as an order.
    """
    order_id, status = raw.get("id"), raw.get("status") or ("open" if request else None)
    side = raw.get("side") or (request.side.value if request else None)
    if not order_id or status not in _STATUS or side not in {"buy", "sell"}:
        raise VenueUnavailableError(
            f"the reply is not an order: id {order_id!r}, status {status!r}, side {side!r}"
        )
    size = number(raw.get("amount"))
    if size is None:
        size = request.size_base if request else ZERO
    client_id = raw.get("clientOrderId")
    timestamp = raw.get("lastUpdateTimestamp") or raw.get("timestamp")
    return VenueOrder(
        venue_order_id=str(order_id),
        client_order_id=str(client_id) if client_id else None,
        symbol=str(raw.get("symbol") or (request.symbol if request else "")),
        side=Side(side),
        status=_STATUS[status],
        size_base=size,
        filled_base=number(raw.get("filled")) or ZERO,
        average_price=number(raw.get("average")) or None,
        as_of=from_epoch_ms(int(timestamp)) if timestamp else _EPOCH,
    )


def venue_fill(raw: Mapping[str, Any], *, quote: str) -> VenueFill:
    """One of our executions; raises VenueUnavailableError when a part is missing. `quote`: the fee's asset if none is named."""
    price, size = number(raw.get("price")), number(raw.get("amount"))
    timestamp, side = raw.get("timestamp"), str(raw.get("side"))
    if not raw.get("id") or not raw.get("order") or price is None or size is None or not timestamp:
        raise VenueUnavailableError(f"a fill lacks its id, order, price, size or time: {raw.get('id')!r}")
    fee = raw.get("fee") or {}
    try:
        return VenueFill(
            trade_id=str(raw["id"]),
            venue_order_id=str(raw["order"]),
            client_order_id=None,
            symbol=str(raw["symbol"]),
            side=Side(side),
            price=price,
            size_base=size,
            fee=number(fee.get("cost")) or ZERO,
            fee_asset=str(fee.get("currency") or quote),
            is_maker=raw.get("takerOrMaker") == "maker",
            executed_at=from_epoch_ms(int(timestamp)),
        )
    except (InvalidValueError, ValueError) as error:
        raise VenueUnavailableError(f"fill {raw['id']}: {error}") from error


def balances(raw: Mapping[str, Any]) -> dict[str, Balance]:
    """Assets with something in them. `used` is what the venue holds against open orders."""
    found: dict[str, Balance] = {}
    for asset, row in raw.items():
        if not isinstance(row, Mapping) or asset in {"free", "used", "total", "info"} or "total" not in row:
            continue
        total = number(row.get("total")) or ZERO
        locked = number(row.get("used")) or ZERO
        if total:
            found[asset] = Balance(asset=asset, free=total - locked, locked=locked)
    return found


def number(value: object) -> Decimal | None:
    """A Decimal from ccxt's text; None stays None. Raises VenueUnavailableError for anything else."""
    if value is None:
        return None
    try:
        parsed = Decimal(str(value))
    except InvalidOperation as error:
        raise VenueUnavailableError(f"{value!r} is not a number") from error
    if not parsed.is_finite():
        raise VenueUnavailableError(f"{value!r} is not a finite number")
    return parsed


def one_line(error: BaseException) -> str:
    """The error on one line without secrets, short enough for the journal."""
    lines = str(error).splitlines()
    return redact(f"{type(error).__name__}: {lines[0] if lines else ''}")[:250]
