"""A server that takes connections and never answers must not hold up what works without it."""

import time
from typing import Any

import pytest
import redis

from neuratrade.lib import redis as bus


def test_a_hung_server_costs_one_wait_not_one_per_hint(hung_redis: None) -> None:
    started_s = time.monotonic()
    for _ in range(5):
        with pytest.raises(redis.RedisError):
            bus.publish(bus.EVENTS, "{}")
    assert time.monotonic() - started_s < 1.8


def test_a_server_that_answers_again_is_asked_again(
    hung_redis: None, redis_server: str, settings: Any
) -> None:
    with pytest.raises(redis.TimeoutError):
        bus.publish(bus.EVENTS, "{}")
    settings.REDIS_URL = redis_server
    bus.client.cache_clear()
    with pytest.raises(redis.ConnectionError):
        bus.ask("ping")
    bus.ask_again()
    assert bus.ask("ping")
