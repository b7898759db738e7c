"""What goes wrong on the line, and what the venue's own books say happened."""

from __future__ import annotations

import asyncio

import aiohttp
import ccxt
import pytest

from trading.practice.errors import PracticeError

SYMBOL = "BTC/USDT"
ORDER_PATH = {"binance": ("POST", "/api/v3/order"), "kraken": ("POST", "/0/private/AddOrder")}


async def fail_to_place(client):
    """Place a resting order; returns the error, or the order that came back."""
    try:
        return await client.create_order(SYMBOL, "limit", "buy", 0.01, 90_000, {"clientOrderId": "mine"})
    except ccxt.BaseError as error:
        return error


@pytest.mark.parametrize("name", ["binance", "kraken"])
@pytest.mark.parametrize(
    ("fault", "error", "is_booked"),
    [
        ({"action": "drop_before"}, ccxt.ExchangeNotAvailable, False),
        ({"action": "drop_after"}, ccxt.ExchangeNotAvailable, True),
        ({"action": "error_before", "status": 503}, ccxt.ExchangeNotAvailable, False),
        ({"action": "error_after", "status": 502}, ccxt.ExchangeNotAvailable, True),
        ({"action": "delay_after", "delay_s": 1.0}, ccxt.RequestTimeout, True),
        ({"action": "delay_before", "delay_s": 1.0}, ccxt.RequestTimeout, True),
        ({"action": "cut_body"}, ccxt.BaseError, True),
        ({"action": "rate_limit", "status": 429, "retry_after_s": 7}, ccxt.NetworkError, False),
        ({"action": "rate_limit", "status": 418}, ccxt.BaseError, False),
    ],
)
async def test_faults_on_an_order(venues, connect, name, fault, error, is_booked):
    client = await connect(venues, name, timeout=500)
    method, path = ORDER_PATH[name]
    venues.call("POST", f"/{name}/faults", {"method": method, "path": path, **fault})
    assert isinstance(await fail_to_place(client), error)
    for _ in range(200):
        booked = venues.call("GET", f"/{name}/orders", {"client_id": "mine"})
        if len(booked) == int(is_booked):
            break
        await asyncio.sleep(0.01)
    assert len(booked) == int(is_booked)
    sent = venues.call("GET", f"/{name}/requests", {"path": path})
    assert len(sent) == 1
    assert "mine" in sent[0]["body"]
    assert sent[0]["fault"] == fault["action"]
    again = await client.create_order(SYMBOL, "limit", "buy", 0.01, 89_000)
    assert again["id"]


@pytest.mark.parametrize("name", ["binance", "kraken"])
async def test_a_page_of_html_after_booking_looks_like_success_to_ccxt(venues, connect, name):
    client = await connect(venues, name)
    method, path = ORDER_PATH[name]
    venues.call("POST", f"/{name}/faults", {"action": "html_after", "method": method, "path": path})
    answer = await fail_to_place(client)
    assert isinstance(answer, ccxt.BaseError) or answer["id"] is None
    assert len(venues.call("GET", f"/{name}/orders", {"client_id": "mine"})) == 1


async def test_nth_count_and_clear(venues):
    url = f"{venues.binance.url}/api/v3/time"
    venues.call(
        "POST", "/binance/faults", {"action": "error_before", "path": "/api/v3/t*", "nth": 2, "count": 2}
    )
    async with aiohttp.ClientSession() as session:
        statuses = []
        for _ in range(4):
            async with session.get(url) as response:
                statuses.append(response.status)
        assert statuses == [200, 503, 503, 200]
        venues.call("POST", "/binance/faults", {"action": "error_before", "count": 0})
        async with session.get(url) as response:
            assert response.status == 503
        venues.call("DELETE", "/binance/faults")
        async with session.get(url) as response:
            assert response.status == 200


async def test_rate_limit_fault_carries_retry_after(venues):
    venues.call("POST", "/binance/faults", {"action": "rate_limit", "status": 418, "retry_after_s": 30})
    url = f"{venues.binance.url}/api/v3/time"
    async with aiohttp.ClientSession() as session, session.get(url) as response:
        assert (response.status, response.headers["Retry-After"]) == (418, "30")


@pytest.mark.parametrize(
    ("body", "words"),
    [
        ({"action": "explode"}, "action must be one of"),
        ({"action": "drop_after", "colour": "red"}, "unknown field 'colour'"),
        ({"action": "drop_after", "nth": "soon"}, "invalid literal"),
    ],
)
async def test_bad_faults_get_one_line(venues, body, words):
    with pytest.raises(PracticeError, match=words):
        venues.call("POST", "/binance/faults", body)
    assert venues.call("GET", "/binance/faults") == []


async def test_the_control_port_over_http(venues):
    async with aiohttp.ClientSession(venues.control_url) as session:
        async with session.get("/") as response:
            assert "POST /<venue>/faults" in (await response.json())["operations"]
        async with session.post("/binance/price", json={"symbol": SYMBOL, "move_percent": "-1"}) as response:
            price = float((await response.json())["binance"])
            assert price == pytest.approx(97_000 * 0.99, rel=0.001)
        async with session.get("/kraken/balances?account=demo") as response:
            assert (await response.json())["demo"]["USDT"]["free"] == "10000"
        for method, path, body, words in [
            ("POST", "/binance/price", {"symbol": "FOO/BAR", "price": "1"}, "FOO/BAR is not listed"),
            ("POST", "/binance/price", {"symbol": SYMBOL, "price": "cheap"}, "not a number"),
            ("POST", "/price", {"symbol": SYMBOL, "price": "-1"}, "above zero"),
            ("POST", "/binance/mode", {"mode": "lunch"}, "mode must be one of"),
            ("POST", "/binance/limits", {"patience": 1}, "no limit 'patience'"),
            ("POST", "/binance/streams", {"action": "wiggle"}, "stream action must be"),
            ("POST", "/binance/deposit", {"asset": "USDT", "amount": "-99999"}, "insufficient_funds"),
            ("GET", "/binance/gossip", None, "no control operation"),
        ]:
            async with session.request(method, path, json=body) as response:
                assert response.status == 400
                assert words in (await response.json())["error"]
        async with session.post("/binance/faults", data=b"{oops") as response:
            assert response.status == 400


async def test_a_second_key_and_account(venues, connect):
    venues.call("POST", "/binance/keys", {"api_key": "other", "secret": "s", "account": "other"})
    venues.call("POST", "/binance/deposit", {"account": "other", "asset": "USDT", "amount": "50"})
    client = await connect(venues, "binance")
    client.apiKey, client.secret = "other", "s"
    assert (await client.fetch_balance())["USDT"]["total"] == 50
