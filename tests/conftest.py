"""Fixtures every test may use: a fixed time, a real Redis, and the smallest desk in the database."""

import socket
import subprocess
import tempfile
import time
from collections.abc import Iterator
from datetime import datetime
from pathlib import Path
from typing import Any

import pytest
import redis

from tests.factories import AT, Desk, make_desk
from tests.flush import allow_flush

RECORDED = Path(__file__).resolve().parents[1].parent / "shared" / "data"


@pytest.fixture(scope="session", autouse=True)
def _flushable() -> None:
    """Transactional tests may empty the append-only tables; nothing else may."""
    allow_flush()


@pytest.fixture
def at() -> datetime:
    """The fixed time of the tests."""
    return AT


@pytest.fixture
def recorded() -> Path:
    """The folder of recorded market data; skips where it is absent."""
    if not RECORDED.is_dir():
        pytest.skip("recorded market data (../shared/data) is not on this machine")
    return RECORDED


@pytest.fixture(scope="session")
def redis_server() -> Iterator[str]:
    """A real server on a private socket for this test process; yields its address."""
    from django.conf import settings

    from neuratrade.lib.redis_server import command

    settings.RUN_DIR.mkdir(parents=True, exist_ok=True)
    process = subprocess.Popen(
        command(socket=settings.REDIS_SOCKET, data_dir=settings.RUN_DIR),
        stdout=subprocess.DEVNULL,
        stderr=subprocess.DEVNULL,
    )
    try:
        _wait_for_ping(settings.REDIS_URL)
        yield settings.REDIS_URL
    finally:
        process.kill()
        process.wait()


def _wait_for_ping(url: str) -> None:
    deadline = time.monotonic() + 10
    while True:
        try:
            redis.Redis.from_url(url).ping()
        except redis.RedisError:
            if time.monotonic() > deadline:
                raise
            time.sleep(0.02)
        else:
            return


@pytest.fixture
def redis_client(redis_server: str) -> Iterator["redis.Redis"]:
    """The desk's own client on an empty server."""
    from neuratrade.lib.redis import client

    client().flushall()
    yield client()
    client().flushall()


@pytest.fixture
def desk(db: None) -> Desk:
    """One operator with paper accounts at two venues and BTC/USDT on each; trading state ACTIVE, watchdog fresh."""
    return make_desk(at=AT)


@pytest.fixture
def hung_redis(settings: Any) -> Iterator[None]:
    """Takes connections and never answers."""
    from neuratrade.lib import redis as bus

    with tempfile.TemporaryDirectory(dir="/tmp") as folder, socket.socket(socket.AF_UNIX) as server:
        server.bind(str(Path(folder) / "redis.sock"))
        server.listen()
        settings.REDIS_URL = f"unix://{server.getsockname()}"
        bus.client.cache_clear()
        bus.ask_again()
        yield
    bus.client.cache_clear()
    bus.ask_again()
