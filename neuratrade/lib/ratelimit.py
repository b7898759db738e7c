"""A token bucket per venue budget, shared by all processes through Redis, with a reserve for cancels and a shared ban.

The script runs inside Redis on Redis' own clock, so processes need not agree on the time. A venue's 429, 418 or
Retry-After stops every process until it has passed: a request during a ban only makes the ban longer. When Redis is away each
process falls back to a bucket of its own, in which a cancel never waits.
"""

import asyncio
import logging
import time
from collections.abc import Iterator
from contextlib import contextmanager
from contextvars import ContextVar
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Literal

if TYPE_CHECKING:
    import redis.asyncio

log = logging.getLogger(__name__)

Priority = Literal["normal", "cancel"]

_REDIS_TIMEOUT_S = 1.0
_REDIS_RETRY_S = 5.0

# A cost above what the bucket can ever hold is let through when the bucket is full, and paid as debt.
_ACQUIRE = """
local t = redis.call('TIME')
local now = t[1] * 1000 + t[2] / 1000
local capacity, refill, cost, floor = tonumber(ARGV[1]), tonumber(ARGV[2]), tonumber(ARGV[3]), tonumber(ARGV[4])
local state = redis.call('HMGET', KEYS[1], 'tokens', 'at', 'ban_until')
local ban_until = tonumber(state[3]) or 0
if ban_until > now then return {0, math.ceil(ban_until - now)} end
local tokens = tonumber(state[1]) or capacity
local at = tonumber(state[2]) or now
tokens = math.min(capacity, tokens + math.max(0, now - at) / 1000 * refill)
local need = math.min(cost, capacity - floor) + floor
local wait = 0
if tokens + 1e-9 >= need then tokens = tokens - cost else wait = math.max(1, math.ceil((need - tokens) / refill * 1000)) end
redis.call('HSET', KEYS[1], 'tokens', tostring(tokens), 'at', tostring(now))
redis.call('PEXPIRE', KEYS[1], 3600000)
return {wait, 0}
"""

_BAN = """
local t = redis.call('TIME')
local until_ms = t[1] * 1000 + t[2] / 1000 + tonumber(ARGV[1])
if until_ms > (tonumber(redis.call('HGET', KEYS[1], 'ban_until')) or 0) then
  redis.call('HSET', KEYS[1], 'ban_until', tostring(until_ms))
end
redis.call('PEXPIRE', KEYS[1], 3600000 + tonumber(ARGV[1]))
return 1
"""

_CAP = """
local tokens = tonumber(redis.call('HGET', KEYS[1], 'tokens') or ARGV[2])
if tokens > tonumber(ARGV[1]) then redis.call('HSET', KEYS[1], 'tokens', ARGV[1]) end
return 1
"""


class RateLimitError(Exception):
    """The request was not sent. Wait `retry_after_s` before the next one."""

    def __init__(self, message: str, *, retry_after_s: float) -> None:
        super().__init__(message)
        self.retry_after_s = retry_after_s


class BannedError(RateLimitError):
    """The venue told us to stay away: nothing may be sent, not even a cancel."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Budget:
    """What a venue grants: `refill_per_s` tokens a second, at most `capacity` at once, `cancel_reserve` of them for cancels."""

    capacity: float
    refill_per_s: float
    cancel_reserve: float

    def __post_init__(self) -> None:
        if self.capacity <= 0 or self.refill_per_s <= 0 or not 0 <= self.cancel_reserve < self.capacity:
            raise ValueError(f"{self} is no budget: capacity and refill above 0, reserve below the capacity")


@dataclass(frozen=True, slots=True, kw_only=True)
class Lane:
    """How the calls of a context go through the bucket: with which priority, and how long they may wait for a token."""

    priority: Priority = "normal"
    max_wait_s: float = 30.0


_lane: ContextVar[Lane] = ContextVar("ratelimit_lane", default=Lane())  # noqa: B039 - Lane is frozen


@contextmanager
def lane(*, priority: Priority = "normal", max_wait_s: float = 30.0) -> Iterator[None]:
    """Every bucket inside the block uses this lane, through any number of awaits; for clients that pass no priority on."""
    token = _lane.set(Lane(priority=priority, max_wait_s=max_wait_s))
    try:
        yield
    finally:
        _lane.reset(token)


@dataclass(slots=True)
class LocalBucket:
    """One process's bucket on the monotonic clock; the fallback when Redis is away."""

    budget: Budget
    tokens: float = field(init=False)
    at_s: float = field(default_factory=time.monotonic)
    banned_until_s: float = 0.0

    def __post_init__(self) -> None:
        self.tokens = self.budget.capacity

    def take(self, *, cost: float, priority: Priority) -> tuple[float, float]:
        """(seconds to wait before asking again, seconds of ban left); (0, 0) means go. A cancel never waits."""
        now_s = time.monotonic()
        if self.banned_until_s > now_s:
            return 0.0, self.banned_until_s - now_s
        budget = self.budget
        self.tokens = min(budget.capacity, self.tokens + (now_s - self.at_s) * budget.refill_per_s)
        self.at_s = now_s
        need = min(cost, budget.capacity - budget.cancel_reserve) + budget.cancel_reserve
        if priority == "cancel" or self.tokens >= need:
            self.tokens -= cost
            return 0.0, 0.0
        return (need - self.tokens) / budget.refill_per_s, 0.0

    def ban(self, *, seconds: float) -> None:
        self.banned_until_s = max(self.banned_until_s, time.monotonic() + seconds)


class TokenBucket:
    """The shared bucket of one budget, for one event loop. Close it with `aclose()`."""

    def __init__(self, *, name: str, budget: Budget) -> None:
        self.name = name
        self.budget = budget
        self._key = f"rate:{name}"
        self._local = LocalBucket(budget)
        self._redis: redis.asyncio.Redis | None = None
        self._away_until_s = 0.0
        self._is_away = False

    async def acquire(
        self, cost: float = 1.0, *, priority: Priority | None = None, max_wait_s: float | None = None
    ) -> None:
        """Returns when `cost` may be spent. Raises BannedError at once during a ban, RateLimitError when the wait would be too long.

        `priority` and `max_wait_s` default to the surrounding `lane`.
        """
        priority = priority or _lane.get().priority
        deadline_s = time.monotonic() + (_lane.get().max_wait_s if max_wait_s is None else max_wait_s)
        while True:
            wait_s, ban_s = await self._take(cost=cost, priority=priority)
            if ban_s:
                raise BannedError(
                    f"{self.name}: the venue asked us to stay away for another {ban_s:.1f} s",
                    retry_after_s=ban_s,
                )
            if not wait_s:
                return
            if time.monotonic() + wait_s > deadline_s:
                raise RateLimitError(
                    f"{self.name}: the request budget is spent for another {wait_s:.1f} s",
                    retry_after_s=wait_s,
                )
            await asyncio.sleep(wait_s)

    async def ban(self, *, seconds: float) -> None:
        """Stops every process for `seconds`; a shorter ban never shortens a longer one."""
        self._local.ban(seconds=seconds)
        log.warning(
            "rate limit of %s: the venue asks for %.0f s of silence; no request until then",
            self.name,
            seconds,
        )
        await self._run(_BAN, str(round(seconds * 1000)))

    async def cap(self, *, tokens: float) -> None:
        """The venue says no more than `tokens` are left; keeps ours from being richer than that."""
        self._local.tokens = min(self._local.tokens, tokens)
        await self._run(_CAP, str(tokens), str(self.budget.capacity))

    async def aclose(self) -> None:
        if self._redis is not None:
            await self._redis.aclose()
            self._redis = None

    async def _take(self, *, cost: float, priority: Priority) -> tuple[float, float]:
        floor = 0.0 if priority == "cancel" else self.budget.cancel_reserve
        reply = await self._run(
            _ACQUIRE, str(self.budget.capacity), str(self.budget.refill_per_s), str(cost), str(floor)
        )
        if reply is None:
            return self._local.take(cost=cost, priority=priority)
        wait_ms, ban_ms = reply
        return wait_ms / 1000, ban_ms / 1000

    async def _run(self, script: str, *arguments: str) -> list[int] | None:
        """The script's answer; None when Redis is away (then asked again after a few seconds only)."""
        from redis.exceptions import RedisError

        if time.monotonic() < self._away_until_s:
            return None
        try:
            reply = await self._client().eval(script, 1, self._key, *arguments)
        except (RedisError, OSError) as error:
            if not self._is_away:
                log.warning(
                    "rate limit of %s: counted in this process only, as the desk's Redis does not answer (%s)",
                    self.name,
                    error,
                )
            self._is_away, self._away_until_s = True, time.monotonic() + _REDIS_RETRY_S
            return None
        if self._is_away:
            log.info("rate limit of %s: Redis is back; counting together again", self.name)
            self._is_away = False
        return reply if isinstance(reply, list) else []

    def _client(self) -> "redis.asyncio.Redis":
        if self._redis is None:
            from neuratrade.lib.redis import async_client

            self._redis = async_client(timeout_s=_REDIS_TIMEOUT_S)
        return self._redis
