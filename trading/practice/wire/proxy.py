"""A CONNECT proxy that leads the real venues' host names to the practice venues, and nothing anywhere else."""

from __future__ import annotations

import asyncio
import contextlib
import logging

log = logging.getLogger(__name__)
HOSTS = {
    "binance": (
        "api.binance.com", "api1.binance.com", "api2.binance.com", "api3.binance.com", "api4.binance.com",
        "api-gcp.binance.com", "data-api.binance.vision", "stream.binance.com", "ws-api.binance.com",
    ),
    "kraken": ("api.kraken.com", "ws.kraken.com", "ws-auth.kraken.com"),
}  # fmt: skip
LONGEST_HEAD = 16_384


class ConnectProxy:
    """Tunnels ``CONNECT host:port`` to the loopback port that plays that host; every other host is refused."""

    def __init__(self, ports: dict[str, int]) -> None:
        self._ports = ports
        self._server: asyncio.Server | None = None
        self._tunnels: set[asyncio.Task[None]] = set()

    async def start(self, *, host: str, port: int) -> int:
        """Listen (port 0: any); returns the port."""
        self._server = await asyncio.start_server(self._on_client, host, port, limit=LONGEST_HEAD)
        return int(self._server.sockets[0].getsockname()[1])

    async def stop(self) -> None:
        """Close the door and every tunnel."""
        if self._server is not None:
            self._server.close()
        for task in self._tunnels:
            task.cancel()
        await asyncio.gather(*self._tunnels, return_exceptions=True)
        if self._server is not None:
            await self._server.wait_closed()

    async def _on_client(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        task = asyncio.current_task()
        assert task is not None
        self._tunnels.add(task)
        try:
            await self._serve(reader, writer)
        except (OSError, asyncio.IncompleteReadError, asyncio.LimitOverrunError) as error:
            log.info("proxy: a client went away: %s", error)
        finally:
            self._tunnels.discard(task)
            writer.close()

    async def _serve(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        head = (await reader.readuntil(b"\r\n\r\n")).decode("latin-1")
        method, target, *_ = [*head.split("\r\n", 1)[0].split(" "), "", ""]
        local_port = self._ports.get(target.rpartition(":")[0])
        if method != "CONNECT" or local_port is None:
            log.warning("proxy: refused %s %s", method, target)
            writer.write(b"HTTP/1.1 403 Forbidden\r\nContent-Length: 0\r\nConnection: close\r\n\r\n")
            await writer.drain()
            return
        remote_reader, remote_writer = await asyncio.open_connection("127.0.0.1", local_port)
        writer.write(b"HTTP/1.1 200 Connection established\r\n\r\n")
        await writer.drain()
        pumps = [
            asyncio.create_task(_pump(reader, remote_writer)),
            asyncio.create_task(_pump(remote_reader, writer)),
        ]
        try:
            await asyncio.wait(pumps, return_when=asyncio.FIRST_COMPLETED)
        finally:
            for pump in pumps:
                pump.cancel()
            await asyncio.gather(*pumps, return_exceptions=True)
            remote_writer.close()


async def _pump(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
    with contextlib.suppress(OSError):
        while chunk := await reader.read(65_536):
            writer.write(chunk)
            await writer.drain()
