"""Trades as ccxt's `fetchMyTrades` returns them, stored as a JSON list.

Fields: https://docs.ccxt.com/#/?id=trade-structure (id, timestamp, symbol, side, price, amount, cost, fee, fees).
"""

from collections.abc import Iterator, Mapping
from decimal import Decimal
from functools import partial

from trading.accounting.fifo import product
from trading.accounting.taxes.events import Event, Kind
from trading.accounting.taxes.readers.cells import Json, each, json_rows, moment, number
from trading.errors import InvalidValueError
from trading.types import ZERO


def trade_id(*, wallet: str, symbol: str, trade: str) -> str:
    """The id a trade has everywhere: what the desk booked itself and what is imported again meet in it."""
    return f"trade:{wallet}:{symbol}:{trade}"


def read(text: str, wallet: str) -> list[Event]:
    """The events of the file, which all happened in `wallet`: ccxt's trades do not name their exchange."""
    if not wallet:
        raise InvalidValueError(
            "ccxt trades do not name their exchange; name it with --account, for example --account binance"
        )
    return each(json_rows(text), partial(_events, wallet=wallet))


def _events(row: Mapping[str, Json], *, wallet: str) -> Iterator[Event]:
    symbol, side = str(row.get("symbol") or ""), str(row.get("side") or "")
    base, slash, quote = symbol.partition("/")
    if not slash or not quote:
        raise InvalidValueError(f"symbol {symbol!r} is not like BTC/USDT")
    if ":" in quote:
        raise InvalidValueError(
            f"{symbol} is a contract, not a coin; import what it earned as rows of type income or fee"
        )
    if side not in {"buy", "sell"}:
        raise InvalidValueError(f"side {side!r} is neither buy nor sell")
    if not row.get("id"):
        raise InvalidValueError("it has no id, so it could be counted twice")
    size = number(row.get("amount"), name="amount")
    price, cost = number(row.get("price"), name="price"), number(row.get("cost"), name="cost")
    if not price and not cost:
        raise InvalidValueError("it has neither a price nor a cost")
    fees = list(_fees(row).items())
    first, *others = fees or [("", ZERO)]
    trade = Event(
        id=trade_id(wallet=wallet, symbol=symbol, trade=str(row["id"])),
        at=moment(row.get("timestamp") or row.get("datetime")),
        kind=Kind(side),
        wallet=wallet,
        asset=base,
        size=size,
        quote=quote,
        # A venue's own cost may be rounded; price x amount is what the desk books as well.
        total=product(size, price) if price else cost,
        fee=first[1],
        fee_asset=first[0],
    )
    yield trade
    for asset, fee in others:
        yield Event(
            f"{trade.id}:fee:{asset}",
            trade.at,
            Kind.FEE,
            wallet,
            asset,
            fee,
            note=f"second fee of {trade.id}",
        )


def _fees(row: Mapping[str, Json]) -> dict[str, Decimal]:
    """Asset -> fee; `fees` counts where it is filled, else `fee`."""
    listed = row.get("fees") or ([row["fee"]] if row.get("fee") else [])
    found: dict[str, Decimal] = {}
    for fee in listed:
        amount = number(fee.get("cost"), name="fee")
        asset = str(fee.get("currency") or "")
        if not amount:
            continue
        if not asset:
            raise InvalidValueError(f"its fee of {amount} has no currency")
        found[asset] = found.get(asset, ZERO) + amount
    return found
