"""Requests on Kraken's websocket version 2: subscribe, unsubscribe, ping."""

from __future__ import annotations

import json
from collections.abc import Iterator
from typing import Any

from trading.practice.kraken.auth import Authenticator
from trading.practice.kraken.bookstream import DEPTHS, BookStream, book_topic
from trading.practice.kraken.errors import KrakenError
from trading.practice.kraken.formats import dump, moment
from trading.practice.kraken.market import INTERVALS_MINUTES
from trading.practice.kraken.streams import MarketStreams
from trading.practice.kraken.userstreams import UserStreams
from trading.practice.wire.streams import Connection
from trading.practice.wire.venue import Venue

PUBLIC = ("book", "trade", "ticker", "ohlc")
PRIVATE = ("executions", "balances")


class SocketApi:
    """Answers requests; each subscription is acknowledged, then begins with its snapshot."""

    def __init__(
        self,
        venue: Venue,
        *,
        books: BookStream,
        streams: MarketStreams,
        users: UserStreams,
        authenticator: Authenticator,
    ) -> None:
        self._venue = venue
        self._books = books
        self._streams = streams
        self._users = users
        self._authenticator = authenticator

    def handle(self, connection: Connection, text: str) -> None:
        """Answer one request."""
        try:
            request = json.loads(text)
            method, params = str(request.get("method")), request.get("params") or {}
            request_id = request.get("req_id")
        except (ValueError, AttributeError):
            connection.send(self._failure("Malformed request", method="", request_id=None))
            return
        if method == "ping":
            connection.send(dump({"method": "pong", **_id(request_id), **self._times()}))
            return
        if method not in {"subscribe", "unsubscribe"}:
            connection.send(self._failure("Unsupported method", method=method, request_id=request_id))
            return
        try:
            for result, topic in self._wanted(params):
                self._acknowledge(connection, method, result, request_id=request_id)
                if method == "subscribe":
                    self._begin(connection, topic, params)
                else:
                    self._venue.hub.unsubscribe(connection, topic)
        except KrakenError as error:
            connection.send(self._failure(error.text, method=method, request_id=request_id))

    def _wanted(self, params: dict[str, Any]) -> Iterator[tuple[dict[str, object], str]]:
        channel = str(params.get("channel"))
        if channel in PRIVATE:
            key = self._authenticator.key_of(str(params.get("token")), now_ms=self._venue.clock.now_ms())
            yield {"channel": channel}, f"{channel}:{key.account}"
            return
        if channel not in PUBLIC:
            raise KrakenError(f"Subscription name invalid: {channel}")
        symbols = params.get("symbol")
        if not isinstance(symbols, list) or not symbols:
            raise KrakenError("Pair field must be an array")
        for symbol in symbols:
            if symbol not in self._venue.exchange.markets:
                raise KrakenError(f"Currency pair not supported {symbol}")
        for symbol in symbols:
            yield _public(channel, str(symbol), params)

    def _begin(self, connection: Connection, topic: str, params: dict[str, Any]) -> None:
        channel, name, *_ = topic.split(":")
        hub = self._venue.hub
        if channel in PRIVATE:
            connection.kind, connection.account = "user", name
            hub.subscribe(connection, topic)
            connection.send(self._private_snapshot(connection, channel, name, params))
            return
        snapshot = None
        if params.get("snapshot", channel != "trade"):
            if channel == "book":
                snapshot = self._books.snapshot(name, depth=int(params.get("depth", 10)))
            else:
                snapshot = self._streams.snapshot(topic)
        hub.subscribe(connection, topic)
        if snapshot is not None:
            connection.send(snapshot)

    def _private_snapshot(
        self, connection: Connection, channel: str, account: str, params: dict[str, Any]
    ) -> str:
        if channel == "balances":
            return self._users.balances_snapshot(connection, account)
        return self._users.executions_snapshot(
            connection,
            account,
            with_orders=bool(params.get("snap_orders", True)),
            with_trades=bool(params.get("snap_trades", False)),
        )

    def _acknowledge(
        self, connection: Connection, method: str, result: dict[str, object], *, request_id: object
    ) -> None:
        connection.send(
            dump({"method": method, **_id(request_id), "result": result, "success": True, **self._times()})
        )

    def _failure(self, error: str, *, method: str, request_id: object) -> str:
        return dump({"error": error, "method": method, **_id(request_id), "success": False, **self._times()})

    def _times(self) -> dict[str, object]:
        now = moment(self._venue.clock.now_ms())
        return {"time_in": now, "time_out": now}


def _public(channel: str, symbol: str, params: dict[str, Any]) -> tuple[dict[str, object], str]:
    result: dict[str, object] = {"channel": channel, "symbol": symbol}
    result["snapshot"] = bool(params.get("snapshot", channel != "trade"))
    if channel == "book":
        depth = params.get("depth", 10)
        if depth not in DEPTHS:
            raise KrakenError("Subscription depth not supported")
        return {**result, "depth": depth}, book_topic(symbol, int(depth))
    if channel == "ohlc":
        interval = params.get("interval", 1)
        if interval not in INTERVALS_MINUTES:
            raise KrakenError("Subscription ohlc interval not supported")
        return {**result, "interval": interval}, f"ohlc:{symbol}:{interval}"
    if channel == "ticker":
        trigger = params.get("event_trigger", "trades")
        if trigger not in {"trades", "bbo"}:
            raise KrakenError(f"Subscription event_trigger not supported: {trigger}")
        return {**result, "event_trigger": trigger}, f"ticker:{symbol}:{trigger}"
    return result, f"trade:{symbol}"


def _id(request_id: object) -> dict[str, object]:
    return {} if request_id is None else {"req_id": request_id}
