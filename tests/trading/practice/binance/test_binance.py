"""The practice Binance through the real ccxt.pro client, over plain loopback URLs."""

from __future__ import annotations

import asyncio
import hashlib
import hmac
import time
from decimal import Decimal

import aiohttp
import ccxt
import pytest

from trading.practice import keys

SYMBOL = "BTC/USDT"


async def soon(awaitable, timeout_s: float = 5.0):
    """The result, or a failure within a few seconds."""
    return await asyncio.wait_for(awaitable, timeout_s)


async def watch_for_ever(client, patience_s: float = 5.0) -> None:
    """Follow the book until something goes wrong."""
    while True:
        await soon(client.watch_order_book(SYMBOL), patience_s)


async def test_markets_and_public_data(venues, connect):
    client = await connect(venues, "binance")
    market = client.market(SYMBOL)
    assert (market["precision"]["amount"], market["precision"]["price"]) == (1e-05, 0.01)
    assert market["limits"]["cost"]["min"] == 5
    assert market["limits"]["amount"]["min"] == 1e-05
    ticker = await client.fetch_ticker(SYMBOL)
    assert ticker["bid"] < ticker["ask"]
    assert ticker["low"] <= ticker["last"] <= ticker["high"]
    assert set(await client.fetch_tickers()) == {SYMBOL, "ETH/USDT"}
    book = await client.fetch_order_book(SYMBOL, 5)
    assert len(book["bids"]) == 5
    assert book["bids"][0][0] < book["asks"][0][0]
    assert book["nonce"]
    candles = await client.fetch_ohlcv(SYMBOL, "1m", limit=100)
    assert len(candles) == 100
    assert [one[0] for one in candles] == [candles[0][0] + 60_000 * index for index in range(100)]
    wide = await client.fetch_ohlcv(SYMBOL, "5m", since=candles[0][0], limit=3)
    assert len(wide) == 3
    assert wide[1][0] - wide[0][0] == 300_000
    trades = await client.fetch_trades(SYMBOL)
    assert trades[-1]["price"] == ticker["last"]
    assert abs(await client.fetch_time() - time.time() * 1000) < 2_000
    assert (await client.fetch_status())["status"] == "ok"


async def test_wide_candles_hold_what_the_narrow_ones_do(venues, connect):
    client = await connect(venues, "binance")
    narrow = await client.fetch_ohlcv(SYMBOL, "1m", limit=120)
    wide = (await client.fetch_ohlcv(SYMBOL, "15m", limit=3))[1]
    inside = [one for one in narrow if wide[0] <= one[0] < wide[0] + 900_000]
    assert len(inside) == 15
    assert wide[1:5] == [
        inside[0][1], max(one[2] for one in inside), min(one[3] for one in inside), inside[-1][4],
    ]  # fmt: skip
    assert wide[5] == pytest.approx(sum(one[5] for one in inside))


async def test_orders_through_their_life(venues, connect):
    client = await connect(venues, "binance")
    bought = await client.create_order(SYMBOL, "market", "buy", 0.01, None, {"newClientOrderId": "first"})
    assert (bought["status"], bought["filled"], bought["clientOrderId"]) == ("closed", 0.01, "first")
    assert bought["fees"] == [{"currency": "BTC", "cost": 0.00001}]
    resting = await client.create_order(SYMBOL, "limit", "buy", 0.01, 90_000, {"clientOrderId": "second"})
    assert (await client.fetch_order(None, SYMBOL, {"clientOrderId": "second"}))["id"] == resting["id"]
    balance = await client.fetch_balance()
    assert balance["USDT"]["used"] == 900
    assert balance["BTC"]["total"] == 0.00999
    maker = await client.create_order(SYMBOL, "limit", "buy", 0.01, 90_001, {"postOnly": True})
    assert maker["postOnly"]
    stop = await client.create_order(SYMBOL, "market", "sell", 0.005, None, {"stopLossPrice": 95_000})
    assert [one["id"] for one in await client.fetch_open_orders(SYMBOL)] == [
        resting["id"], maker["id"], stop["id"],
    ]  # fmt: skip
    cancelled = await client.cancel_order(None, SYMBOL, {"clientOrderId": "second"})
    assert cancelled["status"] == "canceled"
    venues.call("POST", "/binance/price", {"symbol": SYMBOL, "price": "94900"})
    done = await client.fetch_order(stop["id"], SYMBOL)
    assert (done["status"], done["filled"]) == ("closed", 0.005)
    assert len(await client.cancel_all_orders(SYMBOL)) == 1
    assert await client.fetch_open_orders(SYMBOL) == []
    everything = await client.fetch_orders(SYMBOL)
    assert [one["status"] for one in everything] == ["closed", "canceled", "canceled", "closed"]
    trades = await client.fetch_my_trades(SYMBOL)
    assert [one["order"] for one in trades] == [bought["id"], stop["id"]]
    assert [one["fee"]["currency"] for one in trades] == ["BTC", "USDT"]
    later = await client.fetch_my_trades(SYMBOL, params={"fromId": int(trades[0]["id"]) + 1})
    assert [one["id"] for one in later] == [trades[1]["id"]]
    of_order = await client.fetch_my_trades(SYMBOL, params={"orderId": bought["id"]})
    assert [one["id"] for one in of_order] == [trades[0]["id"]]


async def test_a_market_order_by_cost(venues, connect):
    client = await connect(venues, "binance")
    order = await client.create_market_buy_order_with_cost(SYMBOL, 500)
    assert 495 < order["cost"] <= 500
    assert order["status"] == "closed"


@pytest.mark.parametrize(
    ("arguments", "code", "error"),
    [
        (("limit", "buy", 0.01, 400), -1013, ccxt.InvalidOrder),
        (("limit", "buy", 0.00002, 90_000), -1013, ccxt.BadRequest),
        (("limit", "buy", 1, 90_000), -2010, ccxt.InsufficientFunds),
        (("limit", "buy", 0.01, 97_500, {"postOnly": True}), -2010, ccxt.OrderImmediatelyFillable),
        (("market", "sell", 1), -2010, ccxt.InsufficientFunds),
        (("market", "buy", 0.01, None, {"stopLossPrice": 90_000}), -2010, ccxt.OrderImmediatelyFillable),
        (("limit", "buy", 0.01, 90_000, {"clientOrderId": "no spaces, please"}), -1100, ccxt.BadRequest),
    ],
)
async def test_refusals_in_the_venues_own_words(venues, connect, arguments, code, error):
    client = await connect(venues, "binance")
    with pytest.raises(ccxt.BaseError) as caught:
        await client.create_order(SYMBOL, *arguments)
    assert f'"code":{code}' in client.last_http_response
    assert isinstance(caught.value, error)
    assert venues.call("GET", "/binance/orders") == []


async def test_a_duplicate_client_id_is_refused_only_while_the_first_is_open(venues, connect):
    client = await connect(venues, "binance")
    await client.create_order(SYMBOL, "limit", "buy", 0.01, 90_000, {"clientOrderId": "one"})
    with pytest.raises(ccxt.InvalidOrder, match="Duplicate order sent"):
        await client.create_order(SYMBOL, "limit", "buy", 0.01, 90_000, {"clientOrderId": "one"})
    await client.cancel_order(None, SYMBOL, {"clientOrderId": "one"})
    await client.create_order(SYMBOL, "limit", "buy", 0.01, 90_000, {"clientOrderId": "one"})


async def test_unknown_orders(venues, connect):
    client = await connect(venues, "binance")
    with pytest.raises(ccxt.OrderNotFound):
        await client.fetch_order("42", SYMBOL)
    assert "-2013" in client.last_http_response
    with pytest.raises(ccxt.OrderNotFound):
        await client.cancel_order("42", SYMBOL)
    assert "-2011" in client.last_http_response


async def signed(session, venues, path, query, *, secret=keys.BINANCE_SECRET, key=keys.BINANCE_API_KEY):
    """A hand-made signed GET; returns (status, body)."""
    signature = hmac.new(secret.encode(), query.encode(), hashlib.sha256).hexdigest()
    url = f"{venues.binance.url}{path}?{query}&signature={signature}"
    async with session.get(url, headers={"X-MBX-APIKEY": key} if key else {}) as response:
        return response.status, await response.json()


async def test_signatures_times_and_keys_are_really_checked(venues):
    now = int(time.time() * 1000)
    good = f"timestamp={now}&recvWindow=5000"
    async with aiohttp.ClientSession() as session:
        assert (await signed(session, venues, "/api/v3/account", good))[0] == 200
        cases = [
            (good, {"secret": "wrong"}, 400, -1022),
            (f"timestamp={now - 6_000}", {}, 400, -1021),
            (f"timestamp={now + 5_000}", {}, 400, -1021),
            (f"timestamp={now}&recvWindow=70000", {}, 400, -1131),
            ("recvWindow=5000", {}, 400, -1102),
            (good, {"key": "nobody"}, 401, -2015),
            (good, {"key": ""}, 401, -2014),
        ]
        for query, change, status, code in cases:
            got_status, body = await signed(session, venues, "/api/v3/account", query, **change)
            assert (got_status, body["code"]) == (status, code)
        swapped = "/api/v3/account?signature=00&timestamp=1"
        async with session.get(
            venues.binance.url + swapped, headers={"X-MBX-APIKEY": keys.BINANCE_API_KEY}
        ) as response:
            assert (await response.json())["code"] == -1022


async def test_weights_are_counted_then_429_then_418(venues):
    venues.call("POST", "/binance/limits", {"weight_per_minute": 50, "ban_after_refusals": 2})
    async with aiohttp.ClientSession() as session:
        statuses, used, retry = [], [], []
        for _ in range(6):
            async with session.get(f"{venues.binance.url}/api/v3/exchangeInfo") as response:
                statuses.append(response.status)
                used.append(int(response.headers["X-MBX-USED-WEIGHT-1M"]))
                retry.append(response.headers.get("Retry-After"))
                body = await response.json()
    assert statuses == [200, 200, 429, 429, 418, 418]
    assert used[:3] == [20, 40, 60]
    assert retry[:2] == [None, None]
    assert int(retry[2] or 0) in range(1, 61)
    assert 100 < int(retry[4] or 0) <= 120
    assert body["code"] == -1003


async def test_unknown_paths_and_streams_are_loud(venues, caplog):
    async with aiohttp.ClientSession() as session:
        async with session.get(f"{venues.binance.url}/api/v3/everything") as response:
            assert response.status == 404
        async with session.ws_connect(f"{venues.binance.url}/stream/ws/0") as socket:
            await socket.send_json({"method": "SUBSCRIBE", "params": ["btcusdt@gossip"], "id": 1})
            answer = await soon(socket.receive_json())
            assert answer["error"]["code"] == 2
    assert "no such endpoint: GET /api/v3/everything" in caplog.text
    assert "no such stream: btcusdt@gossip" in caplog.text


async def test_market_streams(live_venues, connect):
    client = await connect(live_venues, "binance")
    book = await soon(client.watch_order_book(SYMBOL))
    first = book["nonce"]
    while book["nonce"] == first:
        book = await soon(client.watch_order_book(SYMBOL))
    trades = await soon(client.watch_trades(SYMBOL), 20)
    assert trades[0]["symbol"] == SYMBOL
    bests = await soon(client.watch_bids_asks([SYMBOL]))
    assert bests[SYMBOL]["bid"] < bests[SYMBOL]["ask"]
    candles = await soon(client.watch_ohlcv(SYMBOL, "1m"), 20)
    assert candles[0][0] % 60_000 == 0
    assert (await soon(client.watch_ticker(SYMBOL)))["last"] > 0


async def test_the_local_book_equals_the_venues(live_venues, connect):
    client = await connect(live_venues, "binance")
    for _ in range(8):
        local = await soon(client.watch_order_book(SYMBOL))
    venue = live_venues.world.exchanges["binance"].markets[SYMBOL].book
    for _ in range(50):
        local = await soon(client.watch_order_book(SYMBOL))
        if local["nonce"] == venue.update_id:
            break
    assert local["nonce"] == venue.update_id
    from trading.practice.engine.types import Side

    expected = [(float(price), float(size)) for price, size in venue.levels(Side.BUY, limit=10)]
    assert [tuple(level) for level in local["bids"][:10]] == expected


async def test_a_skipped_depth_update_is_noticed_and_healed(live_venues, connect):
    client = await connect(live_venues, "binance")
    for _ in range(3):
        await soon(client.watch_order_book(SYMBOL))
    live_venues.call("POST", "/binance/streams", {"action": "skip", "topic": "btcusdt@depth*", "count": 1})
    with pytest.raises(ccxt.ChecksumError):
        await watch_for_ever(client)
    book = await soon(client.watch_order_book(SYMBOL))
    before = book["nonce"]
    while book["nonce"] == before:
        book = await soon(client.watch_order_book(SYMBOL))


async def test_a_repeated_depth_update_does_no_harm(live_venues, connect):
    client = await connect(live_venues, "binance")
    await soon(client.watch_order_book(SYMBOL))
    live_venues.call("POST", "/binance/streams", {"action": "repeat", "topic": "btcusdt@depth*", "count": 5})
    for _ in range(12):
        await soon(client.watch_order_book(SYMBOL))


async def test_user_streams(venues, connect):
    client = await connect(venues, "binance")
    orders = asyncio.create_task(client.watch_orders())
    trades = asyncio.create_task(client.watch_my_trades())
    balances = asyncio.create_task(client.watch_balance())
    while not venues.binance.venue.hub.listeners("user:demo"):
        await asyncio.sleep(0.01)
    placed = await client.create_order(SYMBOL, "market", "buy", 0.01)
    assert (await soon(trades))[0]["order"] == placed["id"]
    assert (await soon(orders))[-1]["id"] == placed["id"]
    assert (await soon(balances))["BTC"]["free"] == 0.00999


async def test_an_order_over_the_websocket_api(venues, connect):
    client = await connect(venues, "binance")
    order = await soon(client.create_order_ws(SYMBOL, "limit", "buy", 0.01, 90_000, {"clientOrderId": "ws"}))
    assert order["clientOrderId"] == "ws"
    assert len(venues.call("GET", "/binance/orders", {"client_id": "ws"})) == 1


async def test_a_killed_socket_loses_what_happened_meanwhile(venues, connect):
    client = await connect(venues, "binance")
    watching = asyncio.create_task(client.watch_orders())
    while not venues.binance.venue.hub.listeners("user:demo"):
        await asyncio.sleep(0.01)
    assert venues.call("POST", "/binance/streams", {"action": "kill", "topic": "user"}) == {"hit": 1}
    with pytest.raises(ccxt.NetworkError):
        await soon(watching)


async def test_a_frozen_stream_stays_open_and_silent(live_venues, connect):
    client = await connect(live_venues, "binance")
    await soon(client.watch_order_book(SYMBOL))
    await soon(client.watch_order_book(SYMBOL))
    live_venues.call("POST", "/binance/streams", {"action": "freeze", "topic": "btcusdt@depth*"})
    with pytest.raises(TimeoutError):
        await watch_for_ever(client, patience_s=0.8)
    live_venues.call("POST", "/binance/streams", {"action": "thaw"})


async def test_revoked_keys_and_withdraw_rights(venues, connect):
    client = await connect(venues, "binance")
    rights = await client.sapi_get_account_apirestrictions()
    assert not rights["enableWithdrawals"]
    assert rights["enableSpotAndMarginTrading"]
    venues.call("POST", "/binance/keys", {"can_withdraw": True})
    assert (await client.sapi_get_account_apirestrictions())["enableWithdrawals"]
    venues.call("POST", "/binance/keys", {"revoked": True})
    with pytest.raises(ccxt.BaseError):
        await client.fetch_balance()
    assert "-2015" in client.last_http_response


async def test_skew_and_modes(venues, connect):
    client = await connect(venues, "binance")
    venues.call("POST", "/binance/clock", {"skew_ms": 60_000})
    with pytest.raises(ccxt.InvalidNonce):
        await client.fetch_balance()
    venues.call("POST", "/binance/clock", {"skew_ms": 0})
    venues.call("POST", "/binance/mode", {"mode": "cancel_only"})
    with pytest.raises(ccxt.BaseError, match="Market is closed"):
        await client.create_order(SYMBOL, "limit", "buy", 0.01, 90_000)
    venues.call("POST", "/binance/mode", {"mode": "maintenance"})
    with pytest.raises(ccxt.ExchangeNotAvailable):
        await client.fetch_balance()
    assert (await client.fetch_status())["status"] == "maintenance"


async def test_balances_of_the_client_equal_the_venues_own_books(venues, connect):
    client = await connect(venues, "binance")
    await client.create_order(SYMBOL, "market", "buy", 0.02)
    await client.create_order(SYMBOL, "limit", "sell", 0.01, 99_000)
    venues.call("POST", "/binance/deposit", {"asset": "ETH", "amount": "1.5"})
    told = await client.fetch_balance()
    truth = venues.call("GET", "/binance/balances")["demo"]
    for asset, balance in truth.items():
        assert Decimal(str(told[asset]["free"])) == Decimal(balance["free"])
        assert Decimal(str(told[asset]["used"])) == Decimal(balance["locked"])
