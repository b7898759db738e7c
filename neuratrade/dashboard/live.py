"""Server-sent events: each listener gets the sections that changed since it last looked.

All listeners of a process share one reading of the database per interval, so ten open pages cost what one does.
"""

import asyncio
import json
import time
from collections.abc import AsyncIterator
from typing import Any

from asgiref.sync import sync_to_async

from neuratrade.dashboard import sections
from neuratrade.lib.clock import now

INTERVAL_S = 1.0
KEEP_ALIVE_S = 15.0


class SharedReading:
    """The newest reading of all sections; at most one per INTERVAL_S however many ask."""

    def __init__(self) -> None:
        self._lock = asyncio.Lock()
        self._read_at = float("-inf")
        self._sections: dict[str, str] = {}

    async def sections(self) -> dict[str, str]:
        """Section name -> its JSON."""
        async with self._lock:
            if time.monotonic() - self._read_at >= INTERVAL_S:
                values = await sync_to_async(_read, thread_sensitive=False)()
                self._sections = {
                    name: json.dumps(value, separators=(",", ":")) for name, value in values.items()
                }
                self._read_at = time.monotonic()
            return self._sections


def _read() -> dict[str, Any]:
    from django.db import close_old_connections

    close_old_connections()
    return sections.read_all(at=now())


async def follow(reading: SharedReading) -> AsyncIterator[str]:
    """An endless text/event-stream: `sections` events, and a comment every KEEP_ALIVE_S so that proxies stay open."""
    sent: dict[str, str] = {}
    quiet_since = time.monotonic()
    yield "retry: 2000\n\n"
    while True:
        newest = await reading.sections()
        changed = {name: text for name, text in newest.items() if sent.get(name) != text}
        if changed:
            body = ",".join(f"{json.dumps(name)}:{text}" for name, text in changed.items())
            yield f"event: sections\ndata: {{{body}}}\n\n"
            sent.update(changed)
            quiet_since = time.monotonic()
        elif time.monotonic() - quiet_since > KEEP_ALIVE_S:
            yield ": still here\n\n"
            quiet_since = time.monotonic()
        await asyncio.sleep(INTERVAL_S)
