"""Websocket connections of one venue, what they listen to, and what a test does to them."""

from __future__ import annotations

import asyncio
import contextlib
from collections.abc import Callable
from dataclasses import dataclass
from fnmatch import fnmatchcase

from aiohttp import web

from trading.practice.errors import PracticeError

PING_EVERY_S = 20.0
LONGEST_QUEUE = 200_000


class Connection:
    """One client's websocket. Sending never waits: a writer task empties the queue."""

    def __init__(
        self, socket: web.WebSocketResponse, *, kind: str, transport: asyncio.Transport | None
    ) -> None:
        self.socket = socket
        self.kind = kind
        self.topics: set[str] = set()
        self.account: str | None = None
        self.is_frozen = False
        self.sequence: dict[str, int] = {}
        self._transport = transport
        self._queue: asyncio.Queue[str] = asyncio.Queue()
        self._writer = asyncio.create_task(self._write())

    def send(self, text: str) -> None:
        """Queue a message; a frozen connection stays open and silent."""
        if self.is_frozen or self.socket.closed:
            return
        if self._queue.qsize() >= LONGEST_QUEUE:
            self.kill()
            return
        self._queue.put_nowait(text)

    def next_sequence(self, name: str) -> int:
        """1, 2, 3 … for this connection and ``name``."""
        self.sequence[name] = self.sequence.get(name, 0) + 1
        return self.sequence[name]

    def kill(self) -> None:
        """Cut the connection as a broken network would, without a closing handshake."""
        if self._transport is not None:
            self._transport.abort()

    async def close(self) -> None:
        """Stop the writer."""
        self._writer.cancel()
        with contextlib.suppress(asyncio.CancelledError):
            await self._writer

    async def _write(self) -> None:
        with contextlib.suppress(ConnectionError, RuntimeError):
            while True:
                try:
                    text = await asyncio.wait_for(self._queue.get(), timeout=PING_EVERY_S)
                except TimeoutError:
                    await self.socket.ping()
                    continue
                await self.socket.send_str(text)
                while not self._queue.empty():
                    await self.socket.send_str(self._queue.get_nowait())


@dataclass(slots=True)
class StreamFault:
    """Skip or repeat the next ``count`` messages of the topics that match."""

    action: str
    topic: str
    count: int


class Hub:
    """Topics and their listeners at one venue."""

    def __init__(self) -> None:
        self.connections: set[Connection] = set()
        self.sent = 0
        self._topics: dict[str, set[Connection]] = {}
        self._faults: list[StreamFault] = []

    def listeners(self, topic: str) -> set[Connection]:
        """Who listens to ``topic``."""
        return self._topics.get(topic, set())

    def topics(self) -> list[str]:
        """Every topic with a listener."""
        return list(self._topics)

    def subscribe(self, connection: Connection, topic: str) -> None:
        """Add a listener."""
        connection.topics.add(topic)
        self._topics.setdefault(topic, set()).add(connection)

    def unsubscribe(self, connection: Connection, topic: str) -> None:
        """Remove a listener."""
        connection.topics.discard(topic)
        listeners = self._topics.get(topic)
        if listeners is not None:
            listeners.discard(connection)
            if not listeners:
                del self._topics[topic]

    def drop(self, connection: Connection) -> None:
        """Forget a connection."""
        for topic in list(connection.topics):
            self.unsubscribe(connection, topic)
        self.connections.discard(connection)

    def publish(self, topic: str, render: Callable[[Connection], str] | str) -> None:
        """Send to every listener of ``topic``; ``render`` is the text, or makes it per connection."""
        listeners = self._topics.get(topic)
        if not listeners:
            return
        for _ in range(self._times(topic)):
            for connection in listeners:
                connection.send(render if isinstance(render, str) else render(connection))
                self.sent += 1

    def disturb(self, *, action: str, topic: str, count: int) -> int:
        """Do ``action`` (freeze, thaw, kill, skip, repeat, clear) to what matches ``topic``; returns how many are hit.

        ``topic`` is a shell pattern over topics; freeze, thaw and kill also match a connection's kind.
        """
        if action in {"skip", "repeat"}:
            self._faults.append(StreamFault(action, topic, count))
            return count
        if action == "clear":
            self._faults.clear()
            return 0
        if action not in {"freeze", "thaw", "kill"}:
            raise PracticeError("stream action must be freeze, thaw, kill, skip, repeat or clear")
        hit = [one for one in self.connections if _matches(one, topic)]
        for connection in hit:
            if action == "kill":
                connection.kill()
            else:
                connection.is_frozen = action == "freeze"
        return len(hit)

    def _times(self, topic: str) -> int:
        for fault in self._faults:
            if fnmatchcase(topic, fault.topic):
                fault.count -= 1
                if fault.count <= 0:
                    self._faults.remove(fault)
                return 0 if fault.action == "skip" else 2
        return 1


def _matches(connection: Connection, pattern: str) -> bool:
    names = {connection.kind, *connection.topics}
    return pattern == "*" or any(fnmatchcase(name, pattern) for name in names)
