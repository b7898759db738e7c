"""Binance's private REST endpoints: orders, fills, balances, rights."""

from __future__ import annotations

from decimal import Decimal

from trading.practice.binance import formats
from trading.practice.binance.errors import BinanceError, from_refusal, missing
from trading.practice.binance.formats import number
from trading.practice.binance.market import PublicApi
from trading.practice.binance.params import Params
from trading.practice.engine.exchange import Exchange
from trading.practice.engine.types import Kind, NewOrder, Order, Side, TimeInForce, Trigger
from trading.practice.errors import Refusal
from trading.practice.keys import ApiKey
from trading.practice.wire.venue import Mode

_LOWEST_MULTIPLIER, _HIGHEST_MULTIPLIER = Decimal("0.2"), Decimal(5)
_DAY_MS = 86_400_000


class PrivateApi:
    """What a signed request can do."""

    def __init__(self, exchange: Exchange, *, public: PublicApi) -> None:
        self._exchange = exchange
        self._public = public

    def place(self, params: Params, key: ApiKey, *, mode: Mode) -> dict[str, object]:
        """POST order."""
        request = self._request(params)
        if mode is Mode.CANCEL_ONLY or (mode is Mode.POST_ONLY and not request.post_only):
            raise from_refusal(Refusal("market_closed"))
        self._check_price_band(request)
        try:
            order = self._exchange.place(key.account, request)
        except Refusal as refusal:
            raise from_refusal(refusal) from refusal
        default = "FULL" if request.kind is Kind.MARKET or request.trigger is None else "ACK"
        wanted = params.get("newOrderRespType") or default
        if wanted == "ACK":
            return formats.order_ack(order)
        fills = [fill for fill in self._exchange.ledger.fills if fill.order_id == order.id]
        return formats.order_result(order, fills=fills if wanted == "FULL" else None)

    def query(self, params: Params, key: ApiKey) -> dict[str, object]:
        """GET order; -2013 when there is none."""
        order = self._find(params, key)
        if order is None:
            raise BinanceError(-2013, "Order does not exist.")
        return formats.order_query(order)

    def cancel(self, params: Params, key: ApiKey) -> dict[str, object]:
        """DELETE order; -2011 when it is not open."""
        order = self._find(params, key)
        if order is None:
            raise from_refusal(Refusal("unknown_order"))
        try:
            return formats.order_canceled(self._exchange.cancel(order))
        except Refusal as refusal:
            raise from_refusal(refusal) from refusal

    def cancel_all(self, params: Params, key: ApiKey) -> list[dict[str, object]]:
        """DELETE openOrders of one symbol; -2011 when there are none."""
        symbol = self._public.market(params).instrument.symbol
        orders = self._exchange.orders_of(key.account, symbol=symbol)
        if not orders:
            raise from_refusal(Refusal("unknown_order"))
        return [formats.order_canceled(self._exchange.cancel(order)) for order in orders]

    def open_orders(self, params: Params, key: ApiKey) -> list[dict[str, object]]:
        """GET openOrders."""
        symbol = self._public.market(params).instrument.symbol if params.get("symbol") else None
        return [formats.order_query(order) for order in self._exchange.orders_of(key.account, symbol=symbol)]

    def all_orders(self, params: Params, key: ApiKey) -> list[dict[str, object]]:
        """GET allOrders of one symbol, oldest first."""
        symbol = self._public.market(params).instrument.symbol
        first, start, end = params.integer("orderId"), params.integer("startTime"), params.integer("endTime")
        _check_span(start, end)
        orders = [
            order
            for order in self._exchange.ledger.orders.values()
            if order.account == key.account
            and order.symbol == symbol
            and (first is None or order.id >= first)
            and (start is None or order.created_ms >= start)
            and (end is None or order.created_ms <= end)
        ]
        limit = params.limit(default=500, most=1_000)
        part = orders[-limit:] if first is None and start is None else orders[:limit]
        return [formats.order_query(order) for order in part]

    def my_trades(self, params: Params, key: ApiKey) -> list[dict[str, object]]:
        """GET myTrades of one symbol: from an id or a time on, of one order, or the last ones."""
        symbol = self._public.market(params).instrument.symbol
        order_id, from_id = params.integer("orderId"), params.integer("fromId")
        start, end = params.integer("startTime"), params.integer("endTime")
        _check_span(start, end)
        fills = [
            fill
            for fill in self._exchange.ledger.fills
            if fill.account == key.account
            and fill.symbol == symbol
            and (order_id is None or fill.order_id == order_id)
            and (from_id is None or fill.trade_id >= from_id)
            and (start is None or fill.at_ms >= start)
            and (end is None or fill.at_ms <= end)
        ]
        limit = params.limit(default=500, most=1_000)
        part = fills[-limit:] if from_id is None and start is None else fills[:limit]
        return [formats.my_trade(fill) for fill in part]

    def account(self, params: Params, key: ApiKey, *, now_ms: int) -> dict[str, object]:
        """GET account: balances and fees."""
        rules = self._exchange.rules
        maker, taker = rules.maker_fee_ratio, rules.taker_fee_ratio
        leave_zeros_out = params.get("omitZeroBalances") == "true"
        balances = self._exchange.accounts[key.account].balances
        return {
            "makerCommission": int(maker * 10_000),
            "takerCommission": int(taker * 10_000),
            "buyerCommission": 0,
            "sellerCommission": 0,
            "commissionRates": {
                "maker": number(maker),
                "taker": number(taker),
                "buyer": number(None),
                "seller": number(None),
            },
            "canTrade": True,
            "canWithdraw": True,
            "canDeposit": True,
            "brokered": False,
            "requireSelfTradePrevention": False,
            "preventSor": False,
            "updateTime": now_ms,
            "accountType": "SPOT",
            "balances": [
                {"asset": asset, "free": number(balance.free), "locked": number(balance.locked)}
                for asset, balance in sorted(balances.items())
                if balance.total or not leave_zeros_out
            ],
            "permissions": ["SPOT"],
            "uid": 354937868,
        }

    def api_restrictions(self, key: ApiKey) -> dict[str, object]:
        """GET sapi account/apiRestrictions: what the key may do."""
        return {
            "ipRestrict": key.ip_restricted,
            "createTime": 1_698_645_219_000,
            "enableReading": key.can_read,
            "enableSpotAndMarginTrading": key.can_trade,
            "enableWithdrawals": key.can_withdraw,
            "enableInternalTransfer": key.can_withdraw,
            "enableMargin": False,
            "enableFutures": False,
            "permitsUniversalTransfer": key.can_withdraw,
            "enableVanillaOptions": False,
            "enableFixApiTrade": False,
            "enableFixReadOnly": False,
            "enablePortfolioMarginTrading": False,
        }

    def trade_fee(self, params: Params) -> list[dict[str, object]]:
        """GET sapi asset/tradeFee."""
        rules = self._exchange.rules
        return [
            {
                "symbol": formats.market_id(market.instrument.symbol),
                "makerCommission": str(rules.maker_fee_ratio),
                "takerCommission": str(rules.taker_fee_ratio),
            }
            for market in self._public.markets(params)[0]
        ]

    def _request(self, params: Params) -> NewOrder:
        market, kind = self._public.market(params), params.require("type")
        if kind not in formats.ORDER_TYPES:
            raise BinanceError(-1116, "Invalid orderType.")
        side = params.require("side")
        if side not in {"BUY", "SELL"}:
            raise BinanceError(-1117, "Invalid side.")
        is_limit = "LIMIT" in kind
        is_conditional = kind.startswith(("STOP", "TAKE"))
        trigger = Trigger.STOP_LOSS if kind.startswith("STOP") else Trigger.TAKE_PROFIT
        size_quote = params.decimal("quoteOrderQty") if kind == "MARKET" else None
        return NewOrder(
            symbol=market.instrument.symbol,
            side=Side(side.lower()),
            kind=Kind.LIMIT if is_limit else Kind.MARKET,
            size_base=None if size_quote is not None else _needed(params, "quantity"),
            size_quote=size_quote,
            price=_needed(params, "price") if is_limit else None,
            time_in_force=_time_in_force(params, is_needed=is_limit and kind != "LIMIT_MAKER"),
            post_only=kind == "LIMIT_MAKER",
            trigger=trigger if is_conditional else None,
            trigger_price=_needed(params, "stopPrice") if is_conditional else None,
            client_id=params.client_id("newClientOrderId") or f"practice-{self._exchange.next_order_id}",
        )

    def _check_price_band(self, request: NewOrder) -> None:
        last = self._exchange.markets[request.symbol].last_price
        if request.price is not None and not (
            last * _LOWEST_MULTIPLIER <= request.price <= last * _HIGHEST_MULTIPLIER
        ):
            raise BinanceError(-1013, "Filter failure: PERCENT_PRICE_BY_SIDE")

    def _find(self, params: Params, key: ApiKey) -> Order | None:
        symbol = self._public.market(params).instrument.symbol
        order_id, client_id = params.integer("orderId"), params.get("origClientOrderId")
        ledger = self._exchange.ledger
        if order_id is not None:
            order = ledger.orders.get(order_id)
        elif client_id is not None:
            order = ledger.by_client_id(key.account, client_id)
        else:
            raise BinanceError(
                -1102,
                "Param 'origClientOrderId' or 'orderId' must be sent, but both were empty/null!",
            )
        return order if order and order.account == key.account and order.symbol == symbol else None


def _needed(params: Params, name: str) -> Decimal:
    value = params.decimal(name)
    if value is None:
        raise missing(name)
    return value


def _time_in_force(params: Params, *, is_needed: bool) -> TimeInForce:
    value = params.require("timeInForce") if is_needed else params.get("timeInForce") or "GTC"
    try:
        return TimeInForce(value)
    except ValueError as error:
        raise BinanceError(-1115, "Invalid timeInForce.") from error


def _check_span(start_ms: int | None, end_ms: int | None) -> None:
    if start_ms is not None and end_ms is not None and end_ms - start_ms > _DAY_MS:
        raise BinanceError(-1127, "More than 24 hours between startTime and endTime.")
