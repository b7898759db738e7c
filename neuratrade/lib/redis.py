"""Redis: the client and every channel and key name. Nothing durable lives only here; leases and state are SQL."""

from functools import cache

import redis
import redis.asyncio
from django.conf import settings
from redis.asyncio.retry import Retry
from redis.backoff import NoBackoff

JOBS_STATUS = "jobs:status"
QUESTS_PROGRESS = "quests:progress"
WAKE_EXECUTOR = "wake:executor"
WAKE_RISK = "wake:risk"
EVENTS = "events"


@cache
def client() -> "redis.Redis":
    """The process's shared client; bytes come back as text. Commands raise redis.RedisError when the server is away."""
    return redis.Redis.from_url(
        settings.REDIS_URL, decode_responses=True, socket_timeout=5, socket_connect_timeout=2
    )


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
    client().publish(channel, message)
