"""Fixtures of the practice venues' tests: a small still world over real sockets, and the real ccxt clients."""

from __future__ import annotations

from collections.abc import AsyncIterator, Awaitable, Callable

import ccxt.pro
import pytest

from trading.practice.settings import PracticeSettings
from trading.practice.venues import PracticeVenues

STILL = PracticeSettings(instruments=2, history_minutes=120, is_flowing=False)
FLOWING = PracticeSettings(instruments=2, history_minutes=120, ticks_per_s=20.0)


@pytest.fixture
async def venues() -> AsyncIterator[PracticeVenues]:
    """Both venues with BTC and ETH; prices stand still until a test moves them."""
    async with PracticeVenues(STILL) as running:
        yield running


@pytest.fixture
async def live_venues() -> AsyncIterator[PracticeVenues]:
    """Both venues with moving prices."""
    async with PracticeVenues(FLOWING) as running:
        yield running


Connect = Callable[..., Awaitable[ccxt.pro.Exchange]]


@pytest.fixture
async def connect() -> AsyncIterator[Connect]:
    """Makes ccxt.pro clients with markets loaded, and closes them after the test."""
    clients: list[ccxt.pro.Exchange] = []

    async def make(venues: PracticeVenues, name: str, *, through_proxy: bool = False, **extra: object):
        running = venues.binance if name == "binance" else venues.kraken
        client = getattr(ccxt.pro, name)({**running.ccxt_options(through_proxy=through_proxy), **extra})
        clients.append(client)
        await client.load_markets()
        return client

    yield make
    for client in clients:
        await client.close()
