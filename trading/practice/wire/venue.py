"""What every practice venue has: an engine, keys, a clock of its own, streams, faults, and servers to listen on."""

from __future__ import annotations

import logging
import ssl
from abc import ABC, abstractmethod
from enum import StrEnum

from aiohttp import web

from trading.practice.clock import SkewedClock
from trading.practice.engine.exchange import Exchange
from trading.practice.engine.types import Order
from trading.practice.keys import KeyRing
from trading.practice.wire.faults import FaultBook
from trading.practice.wire.front import Front
from trading.practice.wire.streams import Connection, Hub

log = logging.getLogger(__name__)


class Mode(StrEnum):
    """How much of the venue works."""

    ONLINE = "online"
    POST_ONLY = "post_only"
    CANCEL_ONLY = "cancel_only"
    MAINTENANCE = "maintenance"


class Venue(ABC):
    """One practice venue behind its wire protocol. Subclasses listen to the engine and speak to the clients."""

    name: str
    key_header: str

    def __init__(self, exchange: Exchange, *, keys: KeyRing, clock: SkewedClock) -> None:
        self.exchange = exchange
        self.keys = keys
        self.clock = clock
        self.hub = Hub()
        self.faults = FaultBook()
        self.front = Front(clock=clock, faults=self.faults, key_header=self.key_header)
        self.mode = Mode.ONLINE
        self._runner: web.AppRunner | None = None

    @abstractmethod
    def routes(self, app: web.Application) -> None:
        """Add the venue's handlers."""

    @abstractmethod
    def pump(self) -> None:
        """Publish what changed since the last call."""

    @abstractmethod
    def on_candle_closed(self, symbol: str) -> None:
        """A minute of ``symbol`` ended."""

    @abstractmethod
    def order_name(self, order: Order) -> str:
        """The order's id as the venue's clients know it."""

    @abstractmethod
    def limits(self) -> dict[str, int]:
        """Rate limits by name, as `set_limit` takes them."""

    @abstractmethod
    def set_limit(self, name: str, value: int) -> None:
        """Change a rate limit; KeyError when unknown."""

    async def start(self, *, host: str, port: int) -> int:
        """Listen on a plain port (0: any); returns the port."""
        app = web.Application(middlewares=[self.front.middleware()], client_max_size=1_000_000)
        self.routes(app)
        app.router.add_route("*", "/{anything:.*}", self._unknown)
        self._runner = web.AppRunner(app, access_log=None, shutdown_timeout=0.2)
        await self._runner.setup()
        return await self._listen(host=host, port=port)

    async def start_tls(self, *, host: str, context: ssl.SSLContext) -> int:
        """Listen with TLS on a free port as well; returns the port."""
        return await self._listen(host=host, port=0, context=context)

    async def stop(self) -> None:
        """Hang up on everyone and stop listening."""
        for connection in list(self.hub.connections):
            connection.kill()
        if self._runner is not None:
            await self._runner.cleanup()
            self._runner = None

    async def _accept(self, request: web.Request, *, kind: str) -> tuple[Connection, web.WebSocketResponse]:
        socket = web.WebSocketResponse(compress=False, autoping=True)
        await socket.prepare(request)
        connection = Connection(socket, kind=kind, transport=request.transport)
        self.hub.connections.add(connection)
        return connection, socket

    async def _leave(self, connection: Connection) -> None:
        self.hub.drop(connection)
        await connection.close()

    async def _listen(self, *, host: str, port: int, context: ssl.SSLContext | None = None) -> int:
        assert self._runner is not None
        site = web.TCPSite(self._runner, host, port, ssl_context=context)
        await site.start()
        server = site._server  # aiohttp offers no other way to learn the port it was given
        sockets = getattr(server, "sockets", None)
        return int(sockets[0].getsockname()[1]) if sockets else port

    async def _unknown(self, request: web.Request) -> web.Response:
        log.warning("%s: no such endpoint: %s %s", self.name, request.method, request.path)
        return self.unknown_endpoint(request)

    def unknown_endpoint(self, request: web.Request) -> web.Response:
        """The loud answer to a path the venue does not have."""
        return web.Response(
            status=404, text=f"practice {self.name}: no endpoint {request.method} {request.path}\n"
        )
