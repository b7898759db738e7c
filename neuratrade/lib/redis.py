"""Redis: the client and every channel and key name. Nothing durable lives only here; leases and state are SQL."""

import time
from functools import cache
from typing import Any, cast

import redis
import redis.asyncio
from django.conf import settings
from redis.asyncio.retry import Retry
from redis.backoff import NoBackoff

JOBS_STATUS = "jobs:status"
QUESTS_PROGRESS = "quests:progress"
WAKE_EXECUTOR = "wake:executor"
EVENTS = "events"


# A server that hangs must not hold up what is done without it: ways out, leases, the kill switch.
_COMMAND_TIMEOUT_S = 1.0
_REST_AFTER_TIMEOUT_S = 3.0
_rest_until_s = 0.0


@cache
def client() -> "redis.Redis":
    """The process's shared client; bytes come back as text. Commands raise redis.RedisError when the server is away."""
    return redis.Redis.from_url(
        settings.REDIS_URL,
        decode_responses=True,
        socket_timeout=_COMMAND_TIMEOUT_S,
        socket_connect_timeout=_COMMAND_TIMEOUT_S,
    )


def ask(command: str, *arguments: Any) -> Any:
    """One command of the shared client. After one that timed out, the server counts as away for a few seconds."""
    global _rest_until_s
    if time.monotonic() < _rest_until_s:
        raise redis.ConnectionError("Redis did not answer in time; asking again in a moment")
    try:
        return cast("Any", getattr(client(), command))(*arguments)
    except redis.TimeoutError:
        _rest_until_s = time.monotonic() + _REST_AFTER_TIMEOUT_S
        raise


def ask_again() -> None:
    """Forgets that the server was away."""
    global _rest_until_s
    _rest_until_s = 0.0


def async_client(*, timeout_s: float | None = None) -> "redis.asyncio.Redis":
    """A new client for one event loop; close it with `aclose()`.

    With `timeout_s` every command ends within about that time, by an error if need be, and is never retried. Do not wrap such a call in
    `asyncio.timeout`: when the two expire together redis-py can lose the cancellation.
    """
    if timeout_s is None:
        return redis.asyncio.Redis.from_url(
            settings.REDIS_URL, decode_responses=True, socket_connect_timeout=2
        )
    return redis.asyncio.Redis.from_url(
        settings.REDIS_URL,
        decode_responses=True,
        socket_timeout=timeout_s,
        socket_connect_timeout=timeout_s,
        retry=Retry(NoBackoff(), 0),
    )


def market_channel(*, venue: str, symbol: str, kind: str) -> str:
    """Pub/Sub channel of a market stream; kind is ticker, trades, book or candles."""
    return f"market:{venue}:{symbol}:{kind}"


def latest_key(*, venue: str, symbol: str, kind: str) -> str:
    """Key of the newest value of a market stream; kind is quote, book or health."""
    return f"latest:{venue}:{symbol}:{kind}"


def prices_key(*, venue: str, symbol: str) -> str:
    """Sorted set of recent prices, scored by epoch milliseconds."""
    return f"prices:{venue}:{symbol}"


def trades_key(*, venue: str, symbol: str) -> str:
    """List of the last thousand public trades, newest first."""
    return f"trades:{venue}:{symbol}"


def publish(channel: str, message: str) -> None:
    """Publishes a hint; whoever must not miss it reads SQL, so a lost server only delays."""
    ask("publish", channel, message)
