"""Engine values in Binance's JSON. Numbers are strings with eight decimals, times are milliseconds."""

from __future__ import annotations

from decimal import ROUND_DOWN, Decimal

from trading.practice.engine.candles import Candle
from trading.practice.engine.types import ZERO, Fill, Kind, Order, Side, Status, Trade, Trigger
from trading.practice.instruments import Instrument

_GRID = Decimal("0.00000001")
ORDER_TYPES = (
    "LIMIT",
    "LIMIT_MAKER",
    "MARKET",
    "STOP_LOSS",
    "STOP_LOSS_LIMIT",
    "TAKE_PROFIT",
    "TAKE_PROFIT_LIMIT",
)
NO_TRADE_ID = -1


def number(value: Decimal | None) -> str:
    """Eight decimals, cut, never rounded up; zero for None."""
    return f"{(value or ZERO).quantize(_GRID, rounding=ROUND_DOWN):f}"


def market_id(symbol: str) -> str:
    """BTC/USDT as BTCUSDT."""
    return symbol.replace("/", "")


def order_type(order: Order) -> str:
    """Binance's name of the order's type."""
    if order.post_only:
        return "LIMIT_MAKER"
    if order.trigger is None:
        return order.kind.value.upper()
    name = "STOP_LOSS" if order.trigger is Trigger.STOP_LOSS else "TAKE_PROFIT"
    return f"{name}_LIMIT" if order.kind is Kind.LIMIT else name


def order_status(order: Order) -> str:
    """Binance's name of the order's status."""
    if order.status is Status.EXPIRED and order.reason == "self trade prevention":
        return "EXPIRED_IN_MATCH"
    return order.status.value.upper()


def order_core(order: Order) -> dict[str, object]:
    """The fields every order answer shares."""
    return {
        "symbol": market_id(order.symbol),
        "orderId": order.id,
        "orderListId": -1,
        "clientOrderId": order.client_id,
        "price": number(order.price),
        "origQty": number(order.size_base),
        "executedQty": number(order.filled_base),
        "origQuoteOrderQty": number(order.size_quote),
        "cummulativeQuoteQty": number(order.filled_quote),
        "status": order_status(order),
        "timeInForce": order.time_in_force.value,
        "type": order_type(order),
        "side": order.side.value.upper(),
        **({} if order.trigger_price is None else {"stopPrice": number(order.trigger_price)}),
        "selfTradePreventionMode": "EXPIRE_MAKER",
    }


def order_query(order: Order) -> dict[str, object]:
    """An order as GET order, openOrders and allOrders show it."""
    return {
        **order_core(order),
        "stopPrice": number(order.trigger_price),
        "icebergQty": number(None),
        "time": order.created_ms,
        "updateTime": order.updated_ms,
        "isWorking": not order.is_waiting,
        "workingTime": -1 if order.is_waiting else order.created_ms,
    }


def order_ack(order: Order) -> dict[str, object]:
    """The short answer to a new order."""
    return {
        "symbol": market_id(order.symbol),
        "orderId": order.id,
        "orderListId": -1,
        "clientOrderId": order.client_id,
        "transactTime": order.updated_ms,
    }


def order_result(order: Order, *, fills: list[Fill] | None) -> dict[str, object]:
    """The RESULT answer to a new order; with ``fills`` the FULL one."""
    body = {**order_core(order), "transactTime": order.updated_ms}
    if not order.is_waiting:
        body["workingTime"] = order.created_ms
    if fills is not None:
        body["fills"] = [
            {
                "price": number(fill.price),
                "qty": number(fill.size_base),
                "commission": number(fill.fee),
                "commissionAsset": fill.fee_asset,
                "tradeId": fill.trade_id,
            }
            for fill in fills
        ]
    return body


def order_canceled(order: Order) -> dict[str, object]:
    """The answer to a cancel."""
    return {
        **order_core(order),
        "origClientOrderId": order.client_id,
        "clientOrderId": f"cancel-{order.id}",
        "transactTime": order.updated_ms,
    }


def my_trade(fill: Fill) -> dict[str, object]:
    """A fill as myTrades shows it."""
    return {
        "symbol": market_id(fill.symbol),
        "id": fill.trade_id,
        "orderId": fill.order_id,
        "orderListId": -1,
        "price": number(fill.price),
        "qty": number(fill.size_base),
        "quoteQty": number(fill.notional_quote),
        "commission": number(fill.fee),
        "commissionAsset": fill.fee_asset,
        "time": fill.at_ms,
        "isBuyer": fill.side is Side.BUY,
        "isMaker": fill.is_maker,
        "isBestMatch": True,
    }


def agg_trade(trade: Trade) -> dict[str, object]:
    """A public trade as aggTrades shows it (each trade is its own aggregate)."""
    return {
        "a": trade.id,
        "p": number(trade.price),
        "q": number(trade.size_base),
        "f": trade.id,
        "l": trade.id,
        "T": trade.at_ms,
        "m": trade.taker_side is Side.SELL,
        "M": True,
    }


def public_trade(trade: Trade) -> dict[str, object]:
    """A public trade as trades shows it."""
    return {
        "id": trade.id,
        "price": number(trade.price),
        "qty": number(trade.size_base),
        "quoteQty": number(trade.notional_quote),
        "time": trade.at_ms,
        "isBuyerMaker": trade.taker_side is Side.SELL,
        "isBestMatch": True,
    }


def kline(candle: Candle, *, interval_ms: int) -> list[object]:
    """A candle as klines shows it."""
    return [
        candle.open_ms,
        number(candle.open),
        number(candle.high),
        number(candle.low),
        number(candle.close),
        number(candle.volume_base),
        candle.open_ms + interval_ms - 1,
        number(candle.volume_quote),
        candle.trade_count,
        number(candle.buy_volume_base),
        number(candle.buy_volume_quote),
        "0",
    ]


def execution_report(order: Order, *, event: str, fill: Fill | None, at_ms: int) -> dict[str, object]:
    """The user stream's report of a change of an order (docs, "Order Update")."""
    kind = {"new": "NEW", "triggered": "NEW", "trade": "TRADE", "canceled": "CANCELED", "expired": "EXPIRED"}[
        event
    ]
    is_canceled = event == "canceled"
    return {
        "e": "executionReport", "E": at_ms, "s": market_id(order.symbol),
        "c": f"cancel-{order.id}" if is_canceled else order.client_id,
        "S": order.side.value.upper(), "o": order_type(order), "f": order.time_in_force.value,
        "q": number(order.size_base), "p": number(order.price), "P": number(order.trigger_price),
        "F": number(None), "g": -1, "C": order.client_id if is_canceled else "", "x": kind,
        "X": "NEW" if event == "new" else order_status(order), "r": "NONE", "i": order.id,
        "l": number(fill.size_base if fill else None), "z": number(order.filled_base),
        "L": number(fill.price if fill else None), "n": number(fill.fee if fill else None),
        "N": fill.fee_asset if fill else None, "T": order.updated_ms,
        "t": fill.trade_id if fill else NO_TRADE_ID, "I": order.id, "w": order.is_open and not order.is_waiting,
        "m": bool(fill and fill.is_maker), "M": False, "O": order.created_ms, "Z": number(order.filled_quote),
        "Y": number(fill.notional_quote if fill else None), "Q": number(order.size_quote),
        "W": order.created_ms, "V": "EXPIRE_MAKER",
    }  # fmt: skip


def symbol_info(instrument: Instrument, *, is_trading: bool) -> dict[str, object]:
    """An instrument as exchangeInfo shows it."""
    return {
        "symbol": market_id(instrument.symbol),
        "status": "TRADING" if is_trading else "BREAK",
        "baseAsset": instrument.base, "baseAssetPrecision": 8,
        "quoteAsset": instrument.quote, "quotePrecision": 8, "quoteAssetPrecision": 8,
        "baseCommissionPrecision": 8, "quoteCommissionPrecision": 8,
        "orderTypes": list(ORDER_TYPES),
        "icebergAllowed": False, "ocoAllowed": False, "otoAllowed": False,
        "quoteOrderQtyMarketAllowed": True, "allowTrailingStop": False, "cancelReplaceAllowed": False,
        "amendAllowed": False, "pegInstructionsAllowed": False,
        "isSpotTradingAllowed": True, "isMarginTradingAllowed": False,
        "filters": [
            {"filterType": "PRICE_FILTER", "minPrice": number(instrument.tick),
             "maxPrice": number(Decimal(1_000_000)), "tickSize": number(instrument.tick)},
            {"filterType": "LOT_SIZE", "minQty": number(instrument.min_size_base),
             "maxQty": number(instrument.max_size_base), "stepSize": number(instrument.step_base)},
            {"filterType": "MARKET_LOT_SIZE", "minQty": number(None),
             "maxQty": number(instrument.max_size_base), "stepSize": number(None)},
            {"filterType": "PERCENT_PRICE_BY_SIDE", "bidMultiplierUp": "5", "bidMultiplierDown": "0.2",
             "askMultiplierUp": "5", "askMultiplierDown": "0.2", "avgPriceMins": 5},
            {"filterType": "NOTIONAL", "minNotional": number(instrument.min_notional_quote),
             "applyMinToMarket": True, "maxNotional": number(instrument.max_notional_quote),
             "applyMaxToMarket": False, "avgPriceMins": 5},
            {"filterType": "MAX_NUM_ORDERS", "maxNumOrders": 200},
        ],
        "permissions": [], "permissionSets": [["SPOT"]],
        "defaultSelfTradePreventionMode": "EXPIRE_MAKER",
        "allowedSelfTradePreventionModes": ["EXPIRE_MAKER"],
    }  # fmt: skip
