"""Clients that believe in the real hosts: only a proxy and a certificate authority are configured."""

from __future__ import annotations

import asyncio

import ccxt.pro
import pytest

from trading.practice.settings import PracticeSettings
from trading.practice.venues import PracticeVenues

SYMBOL = "BTC/USDT"


@pytest.fixture
async def proxied():
    """Venues with a proxy."""
    settings = PracticeSettings(instruments=2, history_minutes=120, is_flowing=False, proxy_port=0)
    async with PracticeVenues(settings) as running:
        yield running


@pytest.mark.parametrize(
    ("name", "base"), [("binance", "https://api.binance.com/api/v3"), ("kraken", "https://api.kraken.com")]
)
async def test_rest_and_websockets_through_the_proxy(proxied, connect, name, base):
    client = await connect(proxied, name, through_proxy=True)
    assert client.urls["api"]["private"] == base
    watching = asyncio.create_task(client.watch_orders())
    book = await asyncio.wait_for(client.watch_order_book(SYMBOL), 5)
    assert book["bids"]
    topic = "user:demo" if name == "binance" else "executions:demo"
    venue = (proxied.binance if name == "binance" else proxied.kraken).venue
    while not venue.hub.listeners(topic):
        await asyncio.sleep(0.01)
    await client.create_order(SYMBOL, "market", "buy", 0.01)
    assert await asyncio.wait_for(watching, 5) is not None
    assert len(proxied.call("GET", f"/{name}/fills")) >= 1


async def test_the_proxy_leads_nowhere_else(proxied, caplog):
    options = {"httpsProxy": f"http://127.0.0.1:{proxied.proxy_port}", "cafile": str(proxied.ca_file)}
    client = ccxt.pro.okx(options)
    try:
        with pytest.raises(ccxt.BaseError):
            await client.fetch_time()
    finally:
        await client.close()
    assert "proxy: refused CONNECT www.okx.com:443" in caplog.text


async def test_without_the_authority_the_client_refuses(proxied):
    options = {**proxied.binance.ccxt_options(through_proxy=True)}
    options.pop("cafile")
    client = ccxt.pro.binance(options)
    try:
        with pytest.raises(ccxt.NetworkError):
            await client.load_markets()
    finally:
        await client.close()
