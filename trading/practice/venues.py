"""The practice venues, running: servers, control port, proxy, and the loop that lets time pass."""

from __future__ import annotations

import asyncio
import contextlib
import math
import tempfile
from collections.abc import Mapping
from pathlib import Path
from types import TracebackType
from typing import Self

from aiohttp import web

from trading.practice import keys, options
from trading.practice.binance.venue import BinanceVenue
from trading.practice.build import build
from trading.practice.clock import Clock, VirtualClock, WallClock
from trading.practice.control import Body, Control
from trading.practice.errors import PracticeError
from trading.practice.keys import ApiKey, KeyRing
from trading.practice.kraken.venue import KrakenVenue
from trading.practice.settings import PracticeSettings
from trading.practice.wire.certificates import make_authority
from trading.practice.wire.proxy import HOSTS, ConnectProxy
from trading.practice.wire.venue import Venue

LOOP_HZ = 10.0
CHECKPOINT_MS = 5_000


class RunningVenue:
    """One venue as a test or the demo sees it: where it listens, and how a client is set up for it."""

    def __init__(self, venue: Venue, *, key: ApiKey) -> None:
        self.venue = venue
        self.key = key
        self.port = 0
        self.proxy_options: dict[str, object] | None = None

    @property
    def url(self) -> str:
        """Base URL of the plain port."""
        return f"http://127.0.0.1:{self.port}"

    def ccxt_options(self, *, through_proxy: bool = False) -> dict[str, object]:
        """Constructor options for ``ccxt.pro``, with the demo key, limits of the client's own off."""
        if through_proxy:
            if self.proxy_options is None:
                raise PracticeError("these practice venues were started without a proxy")
            chosen = self.proxy_options
        else:
            chosen = options.client_options(binance_port=self.port, kraken_port=self.port)[self.venue.name]
        return {**chosen, "apiKey": self.key.api_key, "secret": self.key.secret, "enableRateLimit": False}


class PracticeVenues:
    """``async with PracticeVenues(...) as venues`` runs a practice world; `advance` moves a virtual clock."""

    def __init__(
        self, settings: PracticeSettings | None = None, *, clock: Clock | None = None, seed: int | None = None
    ) -> None:
        chosen = settings or PracticeSettings()
        if seed is not None:
            chosen = PracticeSettings(**{**vars(chosen), "seed": seed})
        self.settings = chosen
        self.clock: Clock = clock or WallClock()
        built = build(chosen, clock=self.clock)
        self.world = built.world
        demo_keys = {
            "binance": ApiKey(keys.BINANCE_API_KEY, keys.BINANCE_SECRET),
            "kraken": ApiKey(keys.KRAKEN_API_KEY, keys.KRAKEN_SECRET),
        }
        exchanges = self.world.exchanges
        venues: list[Venue] = [
            BinanceVenue(
                exchanges["binance"], keys=KeyRing(demo_keys["binance"]), clock=built.clocks["binance"]
            ),
            KrakenVenue(exchanges["kraken"], keys=KeyRing(demo_keys["kraken"]), clock=built.clocks["kraken"]),
        ]
        self._running = {venue.name: RunningVenue(venue, key=demo_keys[venue.name]) for venue in venues}
        self._venues = {venue.name: venue for venue in venues}
        self.control = Control(self._venues, world=self.world)
        self.control_port = 0
        self.world.on_candle_closed.append(self._on_candle_closed)
        self.proxy_port = 0
        self.ca_file: Path | None = None
        self._proxy: ConnectProxy | None = None
        self._temporary: tempfile.TemporaryDirectory[str] | None = None
        self._control_runner: web.AppRunner | None = None
        self._task: asyncio.Task[None] | None = None
        self._next_step_ms = 0
        self._next_checkpoint_ms = self.clock.now_ms() + CHECKPOINT_MS

    @property
    def binance(self) -> RunningVenue:
        """The practice Binance."""
        return self._running["binance"]

    @property
    def kraken(self) -> RunningVenue:
        """The practice Kraken."""
        return self._running["kraken"]

    @property
    def control_url(self) -> str:
        """Base URL of the control port."""
        return f"http://127.0.0.1:{self.control_port}"

    def urls(self) -> dict[str, str]:
        """Where everything listens."""
        urls = {**{name: one.url for name, one in self._running.items()}, "control": self.control_url}
        if self.ca_file is not None:
            urls |= {"proxy": f"http://127.0.0.1:{self.proxy_port}", "ca_file": str(self.ca_file)}
        return urls

    def call(self, method: str, path: str, body: Mapping[str, object] | None = None) -> object:
        """A control operation in process, e.g. ``call("POST", "/binance/faults", {...})``."""
        values: Body = dict(body or {})
        return self.control.call(method, path, values)

    # -- life -----------------------------------------------------------------------------------------------

    async def start(self) -> None:
        """Listen, and let time pass when the clock is the machine's."""
        settings = self.settings
        ports = {"binance": settings.binance_port, "kraken": settings.kraken_port}
        for name, one in self._running.items():
            one.port = await one.venue.start(host=settings.host, port=ports[name])
        app = web.Application()
        self.control.routes(app)
        self._control_runner = web.AppRunner(app, access_log=None, shutdown_timeout=0.2)
        await self._control_runner.setup()
        site = web.TCPSite(self._control_runner, settings.host, settings.control_port)
        await site.start()
        self.control_port = int(self._control_runner.addresses[0][1])
        if settings.proxy_port is not None:
            await self._start_proxy(port=settings.proxy_port)
        if not self.clock.is_virtual:
            self._task = asyncio.create_task(self._run())

    async def stop(self) -> None:
        """Stop time, hang up, close the journals. Raises what stopped the loop, if anything did."""
        failure: BaseException | None = None
        if self._task is not None:
            self._task.cancel()
            with contextlib.suppress(asyncio.CancelledError):
                await asyncio.wait([self._task])
            failure = None if self._task.cancelled() else self._task.exception()
        if self._proxy is not None:
            await self._proxy.stop()
        for venue in self._venues.values():
            await venue.stop()
        if self._control_runner is not None:
            await self._control_runner.cleanup()
        for exchange in self.world.exchanges.values():
            exchange.ledger.close()
        if self._temporary is not None:
            self._temporary.cleanup()
        if failure is not None:
            raise failure

    async def _start_proxy(self, *, port: int) -> None:
        directory = self.settings.tls_dir
        if directory is None:
            self._temporary = tempfile.TemporaryDirectory(prefix="practice-tls-")
            directory = Path(self._temporary.name)
        hosts = [host for names in HOSTS.values() for host in names]
        self.ca_file, context = make_authority(directory, hosts=hosts)
        ports: dict[str, int] = {}
        for name, one in self._running.items():
            tls_port = await one.venue.start_tls(host=self.settings.host, context=context)
            ports |= dict.fromkeys(HOSTS[name], tls_port)
        self._proxy = ConnectProxy(ports)
        self.proxy_port = await self._proxy.start(host=self.settings.host, port=port)
        for name, one in self._running.items():
            one.proxy_options = options.proxy_options(
                name, proxy_port=self.proxy_port, ca_file=str(self.ca_file)
            )

    async def wait_failed(self) -> None:
        """Wait for the loop to fail, and raise what stopped it; for ever while all is well."""
        if self._task is None:
            await asyncio.Event().wait()
        else:
            await asyncio.shield(self._task)

    async def __aenter__(self) -> Self:
        await self.start()
        return self

    async def __aexit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        traceback: TracebackType | None,
    ) -> None:
        await self.stop()

    # -- time -----------------------------------------------------------------------------------------------

    async def advance(self, *, seconds: float) -> None:
        """Move a virtual clock on, tick by tick, giving clients time to read after each."""
        if not isinstance(self.clock, VirtualClock):
            raise PracticeError("only a virtual clock can be moved by hand")
        step_ms = round(1000 / LOOP_HZ)
        for _ in range(max(1, round(seconds * 1000 / step_ms))):
            self.clock.advance(by_ms=step_ms)
            self.tick()
            await asyncio.sleep(0)

    def tick(self, *, breaths: int = 0) -> None:
        """Let the world catch up with the clock and publish what changed."""
        now_ms = self.clock.now_ms()
        if now_ms >= self._next_step_ms:
            self._next_step_ms = now_ms + round(1000 / self.settings.ticks_per_s) - 1
            self.world.step()
        if breaths:
            self.world.breathe(count=breaths)
        for venue in self._venues.values():
            venue.pump()
        if now_ms >= self._next_checkpoint_ms:
            self._checkpoint(now_ms)

    def _checkpoint(self, now_ms: int) -> None:
        self._next_checkpoint_ms = now_ms + CHECKPOINT_MS
        for exchange in self.world.exchanges.values():
            next_id = max(exchange.next_order_id, exchange.next_trade_id)
            exchange.ledger.note_world({**self.world.state(), "next_id": next_id})

    async def _run(self) -> None:
        rate, markets = self.settings.messages_per_s, len(self._venues) * len(self.world.fair.common())
        hz = max(LOOP_HZ, self.settings.ticks_per_s, math.ceil(rate / markets))
        loop, due, owed = asyncio.get_running_loop(), asyncio.get_running_loop().time(), 0.0
        while True:
            due = max(due + 1 / hz, loop.time() - 1.0)
            await asyncio.sleep(max(0.0, due - loop.time()))
            owed += rate / hz
            breaths, owed = int(owed), owed - int(owed)
            self.tick(breaths=breaths)

    def _on_candle_closed(self, venue: str, symbol: str) -> None:
        self._venues[venue].on_candle_closed(symbol)
