"""Kraken's private REST endpoints that only read: balances, orders, fills, the key itself."""

from __future__ import annotations

from trading.practice.engine.exchange import Exchange
from trading.practice.engine.types import ZERO, Fill, Order
from trading.practice.keys import ApiKey
from trading.practice.kraken import formats, names
from trading.practice.kraken.errors import KrakenError, invalid
from trading.practice.kraken.formats import text
from trading.practice.kraken.market import PublicApi
from trading.practice.kraken.params import Params

PAGE = 50


class AccountApi:
    """What a signed request can read."""

    def __init__(self, exchange: Exchange, *, public: PublicApi) -> None:
        self._exchange = exchange
        self._public = public

    def balance(self, _: Params, key: ApiKey) -> object:
        """Balance: totals."""
        balances = self._exchange.accounts[key.account].balances
        return {names.asset_id(code): text(one.total, decimals=10) for code, one in balances.items()}

    def balance_ex(self, _: Params, key: ApiKey) -> object:
        """BalanceEx: totals and what open orders hold."""
        balances = self._exchange.accounts[key.account].balances
        return {
            names.asset_id(code): {
                "balance": text(one.total, decimals=10),
                "hold_trade": text(one.locked, decimals=10),
            }
            for code, one in balances.items()
        }

    def trade_volume(self, params: Params, _: ApiKey) -> object:
        """TradeVolume: the fees of a pair."""
        rules = self._exchange.rules
        fees, maker_fees = {}, {}
        for name in (params.get("pair") or "").split(","):
            if name:
                pair = names.pair_id(self._public.market(name).instrument.symbol)
                fees[pair] = {"fee": text(rules.taker_fee_ratio * 100, decimals=4)}
                maker_fees[pair] = {"fee": text(rules.maker_fee_ratio * 100, decimals=4)}
        return {"currency": "ZUSD", "volume": "0.0000", "fees": fees, "fees_maker": maker_fees}

    def open_orders(self, params: Params, key: ApiKey) -> object:
        """OpenOrders, perhaps of one userref or cl_ord_id."""
        orders = [order for order in self._exchange.orders_of(key.account) if _is_wanted(order, params)]
        return {"open": self._by_id(orders, params)}

    def closed_orders(self, params: Params, key: ApiKey) -> object:
        """ClosedOrders, newest first, fifty at a time."""
        start_s, end_s = params.decimal("start"), params.decimal("end")
        orders = [
            order
            for order in reversed(self._exchange.ledger.orders.values())
            if order.account == key.account
            and not order.is_open
            and _is_wanted(order, params)
            and (start_s is None or order.updated_ms > start_s * 1000)
            and (end_s is None or order.updated_ms <= end_s * 1000)
        ]
        offset = params.integer("ofs") or 0
        return {"closed": self._by_id(orders[offset : offset + PAGE], params), "count": len(orders)}

    def query_orders(self, params: Params, key: ApiKey) -> object:
        """QueryOrders by id, or by cl_ord_id; an unknown id is an error."""
        client_id, found = params.get("cl_ord_id"), []
        if client_id is not None:
            order = self._exchange.ledger.by_client_id(key.account, client_id)
            if order is None:
                raise KrakenError("EOrder:Unknown order")
            return self._by_id([order], params)
        for name in params.require("txid").split(","):
            number = names.number_of(name, prefix="O")
            if number is None:
                raise KrakenError("EOrder:Invalid order")
            order = self._exchange.ledger.orders.get(number)
            if order is None or order.account != key.account:
                raise KrakenError("EOrder:Unknown order")
            if _is_wanted(order, params):
                found.append(order)
        return self._by_id(found, params)

    def trades_history(self, params: Params, key: ApiKey) -> object:
        """TradesHistory, newest first, fifty at a time; ``start`` is exclusive and may be a time or a trade id."""
        fills = [fill for fill in reversed(self._exchange.ledger.fills) if fill.account == key.account]
        start, end = self._bound(params, "start"), self._bound(params, "end")
        chosen = [
            fill
            for fill in fills
            if (start is None or fill.at_ms > start) and (end is None or fill.at_ms <= end)
        ]
        offset = params.integer("ofs") or 0
        return {"trades": self._fills(chosen[offset : offset + PAGE]), "count": len(chosen)}

    def query_trades(self, params: Params, key: ApiKey) -> object:
        """QueryTrades by id."""
        numbers = [names.number_of(name, prefix="T") for name in params.require("txid").split(",")]
        if None in numbers:
            raise invalid("txid")
        return self._fills(
            [
                fill
                for fill in self._exchange.ledger.fills
                if fill.account == key.account and fill.trade_id in numbers
            ]
        )

    def key_info(self, key: ApiKey, *, nonce: int, now_ms: int) -> object:
        """GetApiKeyInfo: what the key may do."""
        permissions = []
        if key.can_read:
            permissions += ["query-funds", "query-open-trades", "query-closed-trades"]
        if key.can_trade:
            permissions += ["modify-trades"]
        if key.can_withdraw:
            permissions += ["withdraw-funds"]
        return {
            "apiKeyName": "practice",
            "apiKey": key.api_key,
            "nonce": str(nonce),
            "nonceWindow": 0,
            "permissions": permissions,
            "iban": "AA88 N84G PRAC TICE",
            "validUntil": "0",
            "queryFrom": "0",
            "queryTo": "0",
            "createdTime": "1772542900",
            "modifiedTime": "1772543095",
            "ipAllowlist": ["127.0.0.1"] if key.ip_restricted else [],
            "lastUsed": str(now_ms // 1000),
        }

    def _by_id(self, orders: list[Order], params: Params) -> dict[str, object]:
        with_trades = params.flag("trades")
        return {
            names.order_id(order.id): formats.order_info(
                order, instrument=self._exchange.markets[order.symbol].instrument, with_trades=with_trades
            )
            for order in orders
        }

    def _fills(self, fills: list[Fill]) -> dict[str, object]:
        orders = self._exchange.ledger.orders
        # A fill of an account that traded with itself would share its id; self-trades are refused, so ids are unique.
        return {
            names.trade_id(fill.trade_id): formats.trade_info(fill, order=orders.get(fill.order_id))
            for fill in fills
        }

    def _bound(self, params: Params, name: str) -> int | None:
        value = params.get(name)
        if value is None:
            return None
        number = names.number_of(value, prefix="T")
        if number is not None:
            fills = self._exchange.ledger.fills
            return next((fill.at_ms for fill in fills if fill.trade_id == number), None)
        return int((params.decimal(name) or ZERO) * 1000)


def _is_wanted(order: Order, params: Params) -> bool:
    reference, client_id = params.get("userref"), params.get("cl_ord_id")
    if reference is not None and str(order.reference) != reference:
        return False
    return client_id is None or order.client_id == client_id
