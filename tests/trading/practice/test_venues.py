"""The in-process venues: virtual time, and the wire tape is the same for the same seed."""

from __future__ import annotations

import asyncio

import aiohttp
import pytest

from trading.practice.clock import VirtualClock
from trading.practice.errors import PracticeError
from trading.practice.settings import PracticeSettings
from trading.practice.venues import PracticeVenues

STREAMS = ["btcusdt@trade", "btcusdt@depth@100ms", "ethusdt@kline_1m", "btcusdt@bookTicker"]


async def tape_of(seed: int) -> list[str]:
    """Everything a Binance listener hears in twenty virtual seconds."""
    settings = PracticeSettings(instruments=2, history_minutes=60)
    async with PracticeVenues(settings, clock=VirtualClock(), seed=seed) as venues:
        url = venues.binance.url.replace("http", "ws") + "/ws/0"
        async with aiohttp.ClientSession() as session, session.ws_connect(url) as socket:
            await socket.send_json({"method": "SUBSCRIBE", "params": STREAMS, "id": 1})
            heard = [(await socket.receive()).data]
            await venues.advance(seconds=20)
            sent = venues.binance.venue.hub.sent
            while len(heard) < sent + 1:
                heard.append((await asyncio.wait_for(socket.receive(), 5)).data)
            return heard


async def test_the_same_seed_says_the_same_on_the_wire():
    first, second, other = await tape_of(7), await tape_of(7), await tape_of(8)
    assert len(first) > 60
    assert first == second
    assert first != other


async def test_a_wall_clock_cannot_be_moved(venues):
    with pytest.raises(PracticeError):
        await venues.advance(seconds=1)


async def test_a_minute_ends_with_a_closed_candle():
    settings = PracticeSettings(instruments=1, history_minutes=60)
    async with PracticeVenues(settings, clock=VirtualClock()) as venues:
        url = venues.binance.url.replace("http", "ws") + "/ws/0"
        async with aiohttp.ClientSession() as session, session.ws_connect(url) as socket:
            await socket.send_json({"method": "SUBSCRIBE", "params": ["btcusdt@kline_1m"], "id": 1})
            await socket.receive()
            await venues.advance(seconds=62)
            closed = None
            while closed is None:
                kline = (await asyncio.wait_for(socket.receive_json(), 5))["k"]
                closed = kline if kline["x"] else None
        market = venues.world.exchanges["binance"].markets["BTC/USDT"]
        assert closed["t"] == market.candles.closed[-1].open_ms
        assert float(closed["c"]) == float(market.candles.closed[-1].close)
