"""What stands before a venue's handlers: the request log and the faults."""

from __future__ import annotations

import asyncio
import json
import logging
from collections import deque
from dataclasses import dataclass

from aiohttp import web
from aiohttp.typedefs import Handler, Middleware

from trading.practice.clock import Clock
from trading.practice.wire.faults import Action, Fault, FaultBook

log = logging.getLogger(__name__)
HTML = "<html><head><title>{status}</title></head><body><h1>The server is having a bad day</h1></body></html>"
LOG_LENGTH = 20_000


@dataclass(slots=True)
class LoggedRequest:
    """One request as it arrived, and how it was answered (status 0: not at all)."""

    at_ms: int
    method: str
    path: str
    query: str
    body: str
    api_key: str
    status: int = 0
    fault: str = ""


class Front:
    """A middleware: log, fault, handle, fault."""

    def __init__(self, *, clock: Clock, faults: FaultBook, key_header: str) -> None:
        self.requests: deque[LoggedRequest] = deque(maxlen=LOG_LENGTH)
        self._clock = clock
        self._faults = faults
        self._key_header = key_header

    def middleware(self) -> Middleware:
        """The aiohttp middleware."""

        @web.middleware
        async def front(request: web.Request, handler: Handler) -> web.StreamResponse:
            return await self._pass(request, handler)

        return front

    async def _pass(self, request: web.Request, handler: Handler) -> web.StreamResponse:
        path, _, query = request.raw_path.partition("?")
        is_socket = request.headers.get("Upgrade", "").lower() == "websocket"
        entry = LoggedRequest(
            at_ms=self._clock.now_ms(),
            method="CONNECT" if is_socket else request.method,
            path=path,
            query=query,
            body="" if is_socket else (await request.read()).decode("utf-8", "replace"),
            api_key=request.headers.get(self._key_header, ""),
        )
        self.requests.append(entry)
        fault = self._faults.take(entry.method, path)
        if fault is None:
            response = await handler(request)
            entry.status = response.status
            return response
        entry.fault = fault.action
        early = await _before(request, fault)
        response = early if early is not None else await _after(request, fault, await handler(request))
        entry.status = response.status
        return response


async def _before(request: web.Request, fault: Fault) -> web.Response | None:
    if fault.action is Action.DROP_BEFORE:
        return _hang_up(request)
    if fault.action is Action.DELAY_BEFORE:
        await asyncio.sleep(fault.delay_s)
    if fault.action is Action.ERROR_BEFORE:
        return _failure(fault, status=fault.status or 503)
    if fault.action is Action.RATE_LIMIT:
        return _failure(
            fault, status=fault.status or 429, default='{"code":-1003,"msg":"Too much request weight used."}'
        )
    return None


async def _after(request: web.Request, fault: Fault, response: web.StreamResponse) -> web.StreamResponse:
    if fault.action is Action.DROP_AFTER:
        return _hang_up(request)
    if fault.action is Action.DELAY_AFTER:
        await asyncio.sleep(fault.delay_s)
    if fault.action is Action.ERROR_AFTER:
        return _failure(fault, status=fault.status or 502)
    if fault.action is Action.HTML_AFTER:
        return _failure(fault, status=fault.status or 200)
    if fault.action is Action.CUT_BODY:
        return await _cut(request, response)
    return response


def _failure(fault: Fault, *, status: int, default: str | None = None) -> web.Response:
    text = fault.body or default or HTML.format(status=status)
    kind = "application/json" if text[:1] in "{[" else "text/html"
    headers = {} if fault.retry_after_s is None else {"Retry-After": str(fault.retry_after_s)}
    return web.Response(status=status, text=text, content_type=kind, headers=headers)


def _hang_up(request: web.Request) -> web.Response:
    """Break the connection without an answer; the response returned is never seen."""
    if request.transport is not None:
        request.transport.abort()
    return web.Response(status=499)


async def _cut(request: web.Request, response: web.StreamResponse) -> web.StreamResponse:
    """Promise the whole body, send half of it, hang up."""
    body = response.body if isinstance(response, web.Response) and isinstance(response.body, bytes) else b""
    cut = web.StreamResponse(status=response.status, headers={"Content-Type": "application/json"})
    cut.content_length = len(body)
    await cut.prepare(request)
    await cut.write(body[: len(body) // 2])
    if request.transport is not None:
        request.transport.close()
    return cut


def json_response(value: object, *, status: int = 200, headers: dict[str, str] | None = None) -> web.Response:
    """A JSON answer, compact."""
    return web.Response(
        status=status,
        body=json.dumps(value, separators=(",", ":")).encode(),
        content_type="application/json",
        headers=headers,
    )
