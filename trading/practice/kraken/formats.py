"""Engine values in Kraken's JSON. REST writes numbers as text; the websocket writes them bare, in full precision."""

from __future__ import annotations

import json
import zlib
from datetime import UTC, datetime
from decimal import ROUND_DOWN, Decimal

from trading.practice.engine.book import Level
from trading.practice.engine.types import ZERO, Fill, Kind, Order, Side, Status, Trigger
from trading.practice.instruments import Instrument
from trading.practice.kraken import names

_BARE = "\x00"
_STATUS = {
    Status.NEW: "open",
    Status.PARTIALLY_FILLED: "open",
    Status.FILLED: "closed",
    Status.CANCELED: "canceled",
    Status.EXPIRED: "expired",
}


def text(value: Decimal | None, *, decimals: int) -> str:
    """A number as text with so many decimals, cut, never rounded up; zero for None."""
    return f"{(value or ZERO).quantize(Decimal(1).scaleb(-decimals), rounding=ROUND_DOWN):f}"


def bare(value: Decimal | None, *, decimals: int) -> str:
    """A number that `dump` writes without quotes, with its trailing zeros."""
    return f"{_BARE}{text(value, decimals=decimals)}{_BARE}"


def dump(value: object) -> str:
    """JSON without spaces, bare numbers bare."""
    dumped = json.dumps(value, separators=(",", ":"))
    return dumped.replace('"\\u0000', "").replace('\\u0000"', "")


def moment(at_ms: int) -> str:
    """A time as websocket messages show it."""
    return datetime.fromtimestamp(at_ms / 1000, tz=UTC).strftime("%Y-%m-%dT%H:%M:%S.%fZ")


def order_type(order: Order) -> str:
    """Kraken's name of the order's type."""
    if order.trigger is None:
        return order.kind.value
    name = "stop-loss" if order.trigger is Trigger.STOP_LOSS else "take-profit"
    return f"{name}-limit" if order.kind is Kind.LIMIT else name


def order_flags(order: Order) -> str:
    """The ``oflags`` field: fee in quote, post-only, volume in quote."""
    flags = ["fciq"]
    if order.post_only:
        flags.append("post")
    if order.size_quote is not None:
        flags.append("viqc")
    return ",".join(flags)


def description(order: Order, *, instrument: Instrument) -> dict[str, object]:
    """The ``descr`` object of an order."""
    digits = instrument.price_decimals
    price, second = order.price, None
    if order.trigger_price is not None:
        price, second = order.trigger_price, order.price
    return {
        "pair": names.pair_id(order.symbol),
        "type": order.side.value,
        "ordertype": order_type(order),
        "price": text(price, decimals=digits) if price is not None else "0",
        "price2": text(second, decimals=digits) if second is not None else "0",
        "leverage": "none",
        "order": sentence(order, instrument=instrument),
        "close": "",
    }


def sentence(order: Order, *, instrument: Instrument) -> str:
    """The order in words: buy 0.10000000 XBTUSDT @ limit 97000.0."""
    digits = instrument.price_decimals
    kind = order_type(order)
    head = f"{order.side.value} {text(order.size_base, decimals=8)} {names.pair_id(order.symbol)} @"
    if order.trigger_price is not None:
        kind = kind.removesuffix("-limit").replace("-", " ")
        words = f"{head} {kind} {text(order.trigger_price, decimals=digits)}"
        return words if order.price is None else f"{words} -> limit {text(order.price, decimals=digits)}"
    return f"{head} {kind}" if order.price is None else f"{head} {kind} {text(order.price, decimals=digits)}"


def order_info(order: Order, *, instrument: Instrument, with_trades: bool) -> dict[str, object]:
    """An order as OpenOrders, ClosedOrders and QueryOrders show it."""
    digits = instrument.price_decimals
    average = order.filled_quote / order.filled_base if order.filled_base else ZERO
    body: dict[str, object] = {
        "refid": None,
        "userref": order.reference,
        **({"cl_ord_id": order.client_id} if order.client_id else {}),
        "status": _STATUS[order.status],
        "opentm": order.created_ms / 1000,
        "starttm": 0,
        "expiretm": 0,
        "descr": description(order, instrument=instrument),
        "vol": text(order.size_base, decimals=8),
        "vol_exec": text(order.filled_base, decimals=8),
        "cost": text(order.filled_quote, decimals=8),
        "fee": text(order.fee, decimals=8),
        "price": text(average, decimals=max(5, digits)),
        "stopprice": text(order.trigger_price, decimals=max(5, digits)),
        "limitprice": text(order.price if order.trigger else None, decimals=max(5, digits)),
        "misc": "",
        "oflags": order_flags(order),
    }
    if not order.is_open:
        body |= {"closetm": order.updated_ms / 1000, "reason": order.reason or None}
    if with_trades and order.trade_ids:
        body["trades"] = [names.trade_id(number) for number in order.trade_ids]
    return body


def trade_info(fill: Fill, *, order: Order | None) -> dict[str, object]:
    """A fill as TradesHistory shows it."""
    return {
        "ordertxid": names.order_id(fill.order_id),
        "postxid": names.trade_id(fill.order_id),
        "pair": names.pair_id(fill.symbol),
        "time": fill.at_ms / 1000,
        "type": fill.side.value,
        "ordertype": order_type(order) if order else "limit",
        "price": text(fill.price, decimals=10),
        "cost": text(fill.notional_quote, decimals=8),
        "fee": text(fill.fee, decimals=8),
        "vol": text(fill.size_base, decimals=8),
        "margin": "0.00000",
        "leverage": "0",
        "misc": "",
        "trade_id": fill.trade_id,
        "maker": fill.is_maker,
    }


def pair_info(instrument: Instrument, *, maker: Decimal, taker: Decimal, status: str) -> dict[str, object]:
    """An instrument as AssetPairs shows it."""
    return {
        "altname": names.pair_id(instrument.symbol),
        "wsname": names.pair_ws_name(instrument.symbol),
        "aclass_base": "currency",
        "base": names.asset_id(instrument.base),
        "aclass_quote": "currency",
        "quote": names.asset_id(instrument.quote),
        "lot": "unit",
        "cost_decimals": 8,
        "pair_decimals": instrument.price_decimals,
        "lot_decimals": instrument.size_decimals,
        "lot_multiplier": 1,
        "leverage_buy": [],
        "leverage_sell": [],
        "fees": [[0, float(taker * 100)]],
        "fees_maker": [[0, float(maker * 100)]],
        "fee_volume_currency": "ZUSD",
        "margin_call": 80,
        "margin_stop": 40,
        "ordermin": f"{instrument.min_size_base:f}",
        "costmin": f"{instrument.min_notional_quote:f}",
        "tick_size": f"{instrument.tick:f}",
        "status": status,
    }


def checksum(asks: list[Level], bids: list[Level], *, instrument: Instrument) -> int:
    """CRC32 over the top ten asks, then bids: digits of price and size without point and leading zeros (docs)."""
    digits, lots = instrument.price_decimals, instrument.size_decimals
    parts = [
        f"{price:.{digits}f}".replace(".", "").lstrip("0") + f"{size:.{lots}f}".replace(".", "").lstrip("0")
        for price, size in [*asks[:10], *bids[:10]]
    ]
    return zlib.crc32("".join(parts).encode())


def side_letter(side: Side) -> str:
    """b or s, as public trades show it."""
    return "b" if side is Side.BUY else "s"
