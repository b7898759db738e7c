"""Binance's websocket API: signed requests, and the user data stream (docs, "WebSocket API")."""

from __future__ import annotations

import json
from collections.abc import Callable, Mapping
from typing import Any

from trading.practice.binance import formats
from trading.practice.binance.auth import authenticate_socket
from trading.practice.binance.errors import BinanceError
from trading.practice.binance.params import Params
from trading.practice.binance.streams import compact
from trading.practice.binance.trading import PrivateApi
from trading.practice.engine.exchange import Exchange
from trading.practice.engine.types import Fill, Order
from trading.practice.keys import ApiKey
from trading.practice.wire.streams import Connection
from trading.practice.wire.venue import Venue

Values = Mapping[str, str | bool | None]


def user_topic(account: str) -> str:
    """The hub topic of an account's user data stream."""
    return f"user:{account}"


class SocketApi:
    """Answers requests on ``/ws-api/v3`` and feeds the user data streams subscribed there."""

    def __init__(self, venue: Venue, *, private: PrivateApi, on_order: Callable[[], None]) -> None:
        self._venue = venue
        self._exchange: Exchange = venue.exchange
        self._private = private
        self._count_order = on_order

    def handle(self, connection: Connection, text: str) -> str:
        """The answer to one request."""
        try:
            # Numbers stay as they were written: the signature is over the text.
            message = json.loads(text, parse_float=str, parse_int=str)
            request_id, method = message.get("id"), str(message.get("method"))
        except (ValueError, AttributeError):
            return compact(_error(None, BinanceError(-1102, "Malformed request.")))
        try:
            result = self._result(connection, method, message.get("params") or {})
        except BinanceError as error:
            return compact(_error(request_id, error))
        return compact({"id": request_id, "status": 200, "result": result, "rateLimits": []})

    def _result(self, connection: Connection, method: str, values: dict[str, Any]) -> object:
        if method == "ping":
            return {}
        if method == "time":
            return {"serverTime": self._venue.clock.now_ms()}
        key = authenticate_socket(
            self._venue.keys,
            values,
            now_ms=self._venue.clock.now_ms(),
            needs_trade=method in {"order.place", "order.cancel"},
        )
        if method == "userDataStream.subscribe.signature":
            connection.account = key.account
            connection.kind = "user"
            self._venue.hub.subscribe(connection, user_topic(key.account))
            return {"subscriptionId": 0}
        return self._signed(method, key, values)

    def _signed(self, method: str, key: ApiKey, values: Values) -> object:
        params = Params(
            {
                name: str(value).lower() if isinstance(value, bool) else str(value)
                for name, value in values.items()
            }
        )
        if method == "order.place":
            self._count_order()
            return self._private.place(params, key, mode=self._venue.mode)
        if method == "order.cancel":
            return self._private.cancel(params, key)
        if method == "order.status":
            return self._private.query(params, key)
        if method == "openOrders.status":
            return self._private.open_orders(params, key)
        if method == "myTrades":
            return self._private.my_trades(params, key)
        if method == "account.status":
            return self._private.account(params, key, now_ms=self._venue.clock.now_ms())
        raise BinanceError(-1020, f"This operation is not supported: {method}.")

    def on_order(self, order: Order, *, event: str, fill: Fill | None) -> None:
        """Tell the account's user streams of an order."""
        topic = user_topic(order.account)
        if self._venue.hub.listeners(topic):
            report = formats.execution_report(order, event=event, fill=fill, at_ms=self._venue.clock.now_ms())
            self._venue.hub.publish(topic, compact({"subscriptionId": 0, "event": report}))

    def on_balance(self, account: str, *, assets: tuple[str, ...], cause: str) -> None:
        """Tell the account's user streams of changed balances."""
        topic = user_topic(account)
        if not self._venue.hub.listeners(topic):
            return
        now_ms, balances = self._venue.clock.now_ms(), self._exchange.accounts[account].balances
        event = {
            "e": "outboundAccountPosition",
            "E": now_ms,
            "u": now_ms,
            "B": [
                {
                    "a": asset,
                    "f": formats.number(balances[asset].free),
                    "l": formats.number(balances[asset].locked),
                }
                for asset in assets
                if asset in balances
            ],
        }
        self._venue.hub.publish(topic, compact({"subscriptionId": 0, "event": event}))


def _error(request_id: object, error: BinanceError) -> dict[str, object]:
    return {"id": request_id, "status": error.status, "error": error.body(), "rateLimits": []}
