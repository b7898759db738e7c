"""The practice Binance: its endpoints, their weights, and its two kinds of websocket."""

from __future__ import annotations

import json
from collections.abc import Callable
from dataclasses import dataclass

from aiohttp import WSMsgType, web

from trading.practice.binance.auth import authenticate
from trading.practice.binance.errors import BinanceError
from trading.practice.binance.limits import WeightLimiter
from trading.practice.binance.market import PublicApi
from trading.practice.binance.params import Params
from trading.practice.binance.socketapi import SocketApi
from trading.practice.binance.streams import MarketStreams, compact
from trading.practice.binance.trading import PrivateApi
from trading.practice.clock import SkewedClock
from trading.practice.engine.exchange import Exchange
from trading.practice.engine.types import Fill, Order, Trade
from trading.practice.keys import ApiKey, KeyRing
from trading.practice.wire.front import json_response
from trading.practice.wire.streams import Connection
from trading.practice.wire.venue import Mode, Venue, log

Weight = int | Callable[[Params], int]
_MAINTENANCE = "<html><body><h1>503 Service Temporarily Unavailable</h1></body></html>"


@dataclass(frozen=True)
class Endpoint:
    """A signed or public endpoint: its weight and what answers it."""

    weight: Weight
    public: Callable[[Params], object] | None = None
    private: Callable[[Params, ApiKey], object] | None = None
    needs_trade: bool = False
    is_order: bool = False
    works_in_maintenance: bool = False


class BinanceVenue(Venue):
    """Binance spot on loopback."""

    name = "binance"
    key_header = "X-MBX-APIKEY"

    def __init__(self, exchange: Exchange, *, keys: KeyRing, clock: SkewedClock) -> None:
        super().__init__(exchange, keys=keys, clock=clock)
        self.limiter = WeightLimiter()
        self.public = PublicApi(exchange)
        self.private = PrivateApi(exchange, public=self.public)
        self.streams = MarketStreams(self.hub, public=self.public, markets=exchange.markets, clock=clock)
        self.socket_api = SocketApi(self, private=self.private, on_order=self._count_order)
        self._endpoints = {**self._public_table(), **self._private_table()}
        exchange.listeners.append(self)

    def _public_table(self) -> dict[tuple[str, str], Endpoint]:
        public, now = self.public, self.clock.now_ms
        return {
            ("GET", "/api/v3/ping"): Endpoint(1, public=lambda _: {}, works_in_maintenance=True),
            ("GET", "/api/v3/time"): Endpoint(
                1, public=lambda _: {"serverTime": now()}, works_in_maintenance=True
            ),
            ("GET", "/api/v3/exchangeInfo"): Endpoint(20, public=self._exchange_info),
            ("GET", "/api/v3/depth"): Endpoint(_depth_weight, public=public.depth),
            ("GET", "/api/v3/trades"): Endpoint(25, public=public.trades),
            ("GET", "/api/v3/aggTrades"): Endpoint(4, public=public.agg_trades),
            ("GET", "/api/v3/klines"): Endpoint(2, public=public.klines),
            ("GET", "/api/v3/avgPrice"): Endpoint(
                2, public=lambda params: public.average_price(params, now_ms=now())
            ),
            ("GET", "/api/v3/ticker/24hr"): Endpoint(
                _one_or_all(2, 80), public=lambda params: public.ticker_24hr(params, now_ms=now())
            ),
            ("GET", "/api/v3/ticker/price"): Endpoint(_one_or_all(2, 4), public=public.ticker_price),
            ("GET", "/api/v3/ticker/bookTicker"): Endpoint(_one_or_all(2, 4), public=public.book_ticker),
            ("GET", "/sapi/v1/system/status"): Endpoint(
                1, public=lambda _: self._system_status(), works_in_maintenance=True
            ),
        }

    def _private_table(self) -> dict[tuple[str, str], Endpoint]:
        private, now = self.private, self.clock.now_ms
        return {
            ("POST", "/api/v3/order"): Endpoint(1, private=self._place, needs_trade=True, is_order=True),
            ("DELETE", "/api/v3/order"): Endpoint(1, private=private.cancel, needs_trade=True),
            ("GET", "/api/v3/order"): Endpoint(4, private=private.query),
            ("GET", "/api/v3/openOrders"): Endpoint(_one_or_all(6, 80), private=private.open_orders),
            ("DELETE", "/api/v3/openOrders"): Endpoint(1, private=private.cancel_all, needs_trade=True),
            ("GET", "/api/v3/allOrders"): Endpoint(20, private=private.all_orders),
            ("GET", "/api/v3/myTrades"): Endpoint(_my_trades_weight, private=private.my_trades),
            ("GET", "/api/v3/account"): Endpoint(
                20, private=lambda params, key: private.account(params, key, now_ms=now())
            ),
            ("GET", "/sapi/v1/account/apiRestrictions"): Endpoint(
                1, private=lambda _, key: private.api_restrictions(key)
            ),
            ("GET", "/sapi/v1/asset/tradeFee"): Endpoint(
                1, private=lambda params, _: private.trade_fee(params)
            ),
        }

    # -- servers --------------------------------------------------------------------------------------------

    def routes(self, app: web.Application) -> None:
        """Add the venue's handlers."""
        for path in ("/ws", "/ws/{n:.*}", "/stream/ws", "/stream/ws/{n:.*}", "/stream"):
            app.router.add_get(path, self._market_socket)
        app.router.add_get("/ws-api/v3", self._api_socket)
        for method, path in self._endpoints:
            app.router.add_route(method, path, self._rest)

    def pump(self) -> None:
        """Publish what changed since the last call."""
        self.streams.pump()

    def order_name(self, order: Order) -> str:
        """The order's id as clients know it."""
        return str(order.id)

    def limits(self) -> dict[str, int]:
        """Rate limits by name."""
        return {
            "weight_per_minute": self.limiter.weight_per_minute,
            "orders_per_10s": self.limiter.orders_per_10s,
            "ban_after_refusals": self.limiter.ban_after_refusals,
        }

    def set_limit(self, name: str, value: int) -> None:
        """Change a rate limit; KeyError when unknown."""
        if name not in self.limits():
            raise KeyError(name)
        setattr(self.limiter, name, value)

    async def _rest(self, request: web.Request) -> web.Response:
        endpoint = self._endpoints[request.method, request.path]
        query, body = request.raw_path.partition("?")[2], (await request.read()).decode("utf-8", "replace")
        try:
            if self.mode is Mode.MAINTENANCE and not endpoint.works_in_maintenance:
                return web.Response(status=503, text=_MAINTENANCE, content_type="text/html")
            result = self._answer(endpoint, request=request, query=query, body=body)
        except BinanceError as error:
            headers = self.limiter.headers()
            if error.retry_after_s is not None:
                headers["Retry-After"] = str(error.retry_after_s)
            return json_response(error.body(), status=error.status, headers=headers)
        return json_response(result, headers=self.limiter.headers())

    def _answer(self, endpoint: Endpoint, *, request: web.Request, query: str, body: str) -> object:
        params = Params.parse(query, body)
        weight = endpoint.weight if isinstance(endpoint.weight, int) else endpoint.weight(params)
        self.limiter.spend(weight=weight, at_ms=self.clock.now_ms())
        if endpoint.public is not None:
            return endpoint.public(params)
        assert endpoint.private is not None
        key = authenticate(
            self.keys,
            api_key=request.headers.get(self.key_header, ""),
            signed_text=query + body,
            params=params,
            now_ms=self.clock.now_ms(),
            needs_trade=endpoint.needs_trade,
        )
        if endpoint.is_order:
            self._count_order()
        return endpoint.private(params, key)

    # -- websockets -----------------------------------------------------------------------------------------

    async def _market_socket(self, request: web.Request) -> web.WebSocketResponse:
        names = request.query.get("streams", "")
        path_names = request.path.partition("/ws/")[2]
        connection, socket = await self._accept(request, kind="market")
        for name in [*names.split("/"), *path_names.split("/")]:
            if self.streams.knows(name):
                self.hub.subscribe(connection, name)
        async for message in socket:
            if message.type is WSMsgType.TEXT:
                connection.send(self._market_request(connection, message.data))
        await self._leave(connection)
        return socket

    def _market_request(self, connection: Connection, text: str) -> str:
        try:
            request = json.loads(text)
            names, request_id, method = request.get("params", []), request.get("id"), request.get("method")
        except (ValueError, AttributeError):
            return compact({"error": {"code": 3, "msg": "Invalid JSON: expected value"}, "id": None})
        if method == "LIST_SUBSCRIPTIONS":
            return compact({"result": sorted(connection.topics), "id": request_id})
        if method not in {"SUBSCRIBE", "UNSUBSCRIBE"}:
            return compact({"error": {"code": 2, "msg": "Invalid request: unknown method"}, "id": request_id})
        unknown = [name for name in names if not self.streams.knows(str(name))]
        if unknown:
            log.warning("binance: no such stream: %s", unknown[0])
            return compact(
                {"error": {"code": 2, "msg": f"Invalid request: no stream {unknown[0]}"}, "id": request_id}
            )
        for name in names:
            if method == "SUBSCRIBE":
                self.hub.subscribe(connection, name)
            else:
                self.hub.unsubscribe(connection, name)
        return compact({"result": None, "id": request_id})

    async def _api_socket(self, request: web.Request) -> web.WebSocketResponse:
        connection, socket = await self._accept(request, kind="api")
        async for message in socket:
            if message.type is WSMsgType.TEXT:
                connection.send(self.socket_api.handle(connection, message.data))
        await self._leave(connection)
        return socket

    # -- engine events --------------------------------------------------------------------------------------

    def on_trade(self, trade: Trade) -> None:
        """A public trade."""
        self.streams.on_trade(trade)

    def on_order(self, order: Order, *, event: str, fill: Fill | None) -> None:
        """A client's order changed."""
        self.socket_api.on_order(order, event=event, fill=fill)

    def on_balance(self, account: str, *, assets: tuple[str, ...], cause: str) -> None:
        """A client's balances changed."""
        self.socket_api.on_balance(account, assets=assets, cause=cause)

    def on_candle_closed(self, symbol: str) -> None:
        """A minute ended."""
        self.streams.on_candle_closed(symbol)

    # -- small answers --------------------------------------------------------------------------------------

    def _place(self, params: Params, key: ApiKey) -> object:
        return self.private.place(params, key, mode=self.mode)

    def _exchange_info(self, params: Params) -> object:
        return self.public.exchange_info(
            params,
            now_ms=self.clock.now_ms(),
            weight=self.limiter.weight_per_minute,
            is_trading=self.mode is not Mode.CANCEL_ONLY,
        )

    def _system_status(self) -> object:
        if self.mode is Mode.ONLINE:
            return {"status": 0, "msg": "normal"}
        return {"status": 1, "msg": "system_maintenance"}

    def _count_order(self) -> None:
        self.limiter.count_order(at_ms=self.clock.now_ms())


def _depth_weight(params: Params) -> int:
    limit = params.limit(default=100, most=5_000)
    return 5 if limit <= 100 else 25 if limit <= 500 else 50 if limit <= 1_000 else 250


def _my_trades_weight(params: Params) -> int:
    return 5 if params.get("orderId") else 20


def _one_or_all(one: int, every: int) -> Callable[[Params], int]:
    return lambda params: one if params.get("symbol") else every
