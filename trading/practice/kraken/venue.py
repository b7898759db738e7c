"""The practice Kraken: its endpoints and its websocket."""

from __future__ import annotations

import logging
from collections.abc import Callable
from dataclasses import dataclass
from datetime import UTC, datetime

from aiohttp import WSMsgType, web

from trading.practice.clock import SkewedClock
from trading.practice.engine.exchange import Exchange
from trading.practice.engine.types import Fill, Order, Trade
from trading.practice.keys import ApiKey, KeyRing
from trading.practice.kraken import names
from trading.practice.kraken.account import AccountApi
from trading.practice.kraken.auth import Authenticator
from trading.practice.kraken.bookstream import BookStream
from trading.practice.kraken.errors import KrakenError
from trading.practice.kraken.formats import dump
from trading.practice.kraken.limits import RateCounters
from trading.practice.kraken.market import PublicApi, server_time
from trading.practice.kraken.params import Params
from trading.practice.kraken.socket import SocketApi
from trading.practice.kraken.streams import MarketStreams
from trading.practice.kraken.trading import OrderApi
from trading.practice.kraken.userstreams import UserStreams
from trading.practice.wire.front import json_response
from trading.practice.wire.venue import Mode, Venue

log = logging.getLogger(__name__)
HEARTBEAT_EVERY_MS = 1_000
_LIMITS = ("call_limit", "call_decay_per_s", "order_limit")


@dataclass(frozen=True)
class PrivateCall:
    """A signed endpoint: what it adds to the rate counter, which right it needs, what answers it."""

    cost: int
    answer: Callable[[Params, ApiKey], object]
    right: str = "can_read"


class KrakenVenue(Venue):
    """Kraken spot on loopback."""

    name = "kraken"
    key_header = "API-Key"

    def __init__(self, exchange: Exchange, *, keys: KeyRing, clock: SkewedClock) -> None:
        super().__init__(exchange, keys=keys, clock=clock)
        self.counters = RateCounters()
        self.authenticator = Authenticator(keys)
        self.public = PublicApi(exchange)
        self.account = AccountApi(exchange, public=self.public)
        self.orders = OrderApi(exchange, public=self.public, counters=self.counters, now_ms=clock.now_ms)
        self.books = BookStream(self.hub, markets=exchange.markets)
        self.streams = MarketStreams(self.hub, markets=exchange.markets, clock=clock)
        self.users = UserStreams(self.hub, exchange=exchange, clock=clock)
        self.socket_api = SocketApi(
            self,
            books=self.books,
            streams=self.streams,
            users=self.users,
            authenticator=self.authenticator,
        )
        self._next_heartbeat_ms = 0
        self._public_calls = self._public_table()
        self._private_calls = self._private_table()
        exchange.listeners.append(self)

    def _public_table(self) -> dict[str, Callable[[Params], object]]:
        public, now = self.public, self.clock.now_ms
        return {
            "Time": lambda _: server_time(now()),
            "SystemStatus": lambda _: self._system_status(),
            "Assets": public.assets,
            "AssetPairs": lambda params: public.asset_pairs(params, mode=self.mode),
            "Ticker": public.ticker,
            "Depth": lambda params: public.depth(params, now_ms=now()),
            "OHLC": public.ohlc,
            "Trades": public.trades,
        }

    def _private_table(self) -> dict[str, PrivateCall]:
        account, orders = self.account, self.orders
        return {
            "Balance": PrivateCall(1, account.balance),
            "BalanceEx": PrivateCall(1, account.balance_ex),
            "TradeVolume": PrivateCall(1, account.trade_volume),
            "OpenOrders": PrivateCall(1, account.open_orders),
            "ClosedOrders": PrivateCall(1, account.closed_orders),
            "QueryOrders": PrivateCall(1, account.query_orders),
            "TradesHistory": PrivateCall(2, account.trades_history),
            "QueryTrades": PrivateCall(1, account.query_trades),
            "GetWebSocketsToken": PrivateCall(1, self._token),
            "GetApiKeyInfo": PrivateCall(1, self._key_info, right=""),
            "AddOrder": PrivateCall(0, self._add_order, right="can_trade"),
            "CancelOrder": PrivateCall(0, orders.cancel, right="can_trade"),
            "CancelAll": PrivateCall(1, orders.cancel_all, right="can_trade"),
            "CancelAllOrdersAfter": PrivateCall(1, orders.cancel_all_after, right="can_trade"),
        }

    # -- servers --------------------------------------------------------------------------------------------

    def routes(self, app: web.Application) -> None:
        """Add the venue's handlers. The public and the private websocket differ by host on the real venue."""
        app.router.add_get("/0/public/{call}", self._public)
        app.router.add_post("/0/private/{call}", self._private)
        app.router.add_get("/v2", self._socket)
        app.router.add_get("/auth/v2", self._socket)

    def pump(self) -> None:
        """Publish what changed since the last call."""
        now_ms = self.clock.now_ms()
        self.orders.fire_switches()
        self.books.pump(now_ms=now_ms)
        self.streams.pump(now_ms=now_ms)
        if now_ms >= self._next_heartbeat_ms:
            self._next_heartbeat_ms = now_ms + HEARTBEAT_EVERY_MS
            for connection in self.hub.connections:
                if connection.topics:
                    connection.send('{"channel":"heartbeat"}')

    def on_candle_closed(self, symbol: str) -> None:
        """A minute ended."""
        self.streams.on_candle_closed(symbol)

    def order_name(self, order: Order) -> str:
        """The order's id as clients know it."""
        return names.order_id(order.id)

    def limits(self) -> dict[str, int]:
        """Rate limits by name."""
        return {name: getattr(self.counters, name) for name in _LIMITS}

    def set_limit(self, name: str, value: int) -> None:
        """Change a rate limit; KeyError when unknown."""
        if name not in _LIMITS:
            raise KeyError(name)
        setattr(self.counters, name, value)

    def unknown_endpoint(self, request: web.Request) -> web.Response:
        """The loud answer to a path the venue does not have, in Kraken's own shape."""
        return json_response({"error": [f"EGeneral:Unknown method:{request.path}"]}, status=404)

    # -- REST -----------------------------------------------------------------------------------------------

    async def _public(self, request: web.Request) -> web.Response:
        name = request.match_info["call"]
        answer = self._public_calls.get(name)
        if answer is None:
            return await self._unknown(request)
        try:
            if self.mode is Mode.MAINTENANCE and name not in {"Time", "SystemStatus"}:
                raise KrakenError("EService:Unavailable")
            result = answer(Params.parse(request.raw_path.partition("?")[2]))
        except KrakenError as error:
            return json_response({"error": [error.text]})
        return json_response({"error": [], "result": result})

    async def _private(self, request: web.Request) -> web.Response:
        call = self._private_calls.get(request.match_info["call"])
        if call is None:
            return await self._unknown(request)
        body = (await request.read()).decode("utf-8", "replace")
        try:
            if self.mode is Mode.MAINTENANCE:
                raise KrakenError("EService:Unavailable")
            params = Params.parse(body, is_json=request.content_type == "application/json")
            key = self.authenticator.check(
                api_key=request.headers.get(self.key_header, ""),
                sign=request.headers.get("API-Sign", ""),
                path=request.path,
                body=body,
                nonce=params.get("nonce"),
            )
            if call.right and not getattr(key, call.right):
                raise KrakenError("EGeneral:Permission denied")
            self.counters.call(key.api_key, cost=call.cost, at_ms=self.clock.now_ms())
            result = call.answer(params, key)
        except KrakenError as error:
            return json_response({"error": [error.text]})
        return json_response({"error": [], "result": result})

    def _add_order(self, params: Params, key: ApiKey) -> object:
        return self.orders.add(params, key, mode=self.mode)

    def _token(self, _: Params, key: ApiKey) -> object:
        return {"token": self.authenticator.issue_token(key, now_ms=self.clock.now_ms()), "expires": 900}

    def _key_info(self, _: Params, key: ApiKey) -> object:
        nonce = self.authenticator.nonces.get(key.api_key, 0)
        return self.account.key_info(key, nonce=nonce, now_ms=self.clock.now_ms())

    def _system_status(self) -> object:
        now = datetime.fromtimestamp(self.clock.now_ms() / 1000, tz=UTC)
        return {"status": self.mode.value, "timestamp": now.strftime("%Y-%m-%dT%H:%M:%SZ")}

    # -- websocket ------------------------------------------------------------------------------------------

    async def _socket(self, request: web.Request) -> web.WebSocketResponse:
        connection, socket = await self._accept(request, kind="market")
        status = {"version": "2.0.10", "system": self.mode.value, "api_version": "v2", "connection_id": 1}
        connection.send(dump({"channel": "status", "type": "update", "data": [status]}))
        async for message in socket:
            if message.type is WSMsgType.TEXT:
                self.socket_api.handle(connection, message.data)
        await self._leave(connection)
        return socket

    # -- engine events --------------------------------------------------------------------------------------

    def on_trade(self, trade: Trade) -> None:
        """A public trade."""
        self.streams.on_trade(trade)

    def on_order(self, order: Order, *, event: str, fill: Fill | None) -> None:
        """A client's order changed."""
        self.users.on_order(order, event=event, fill=fill)

    def on_balance(self, account: str, *, assets: tuple[str, ...], cause: str) -> None:
        """A client's balances changed."""
        self.users.on_balance(account, assets=assets, cause=cause)
