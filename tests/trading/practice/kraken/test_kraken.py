"""The practice Kraken through the real ccxt.pro client, over plain loopback URLs."""

from __future__ import annotations

import asyncio
import base64
import hashlib
import hmac
import json
import time
import uuid
import zlib
from datetime import UTC, datetime, timedelta
from decimal import Decimal

import aiohttp
import ccxt
import pytest

from trading.practice import keys
from trading.practice.kraken import names

SYMBOL = "BTC/USDT"


async def soon(awaitable, timeout_s: float = 5.0):
    """The result, or a failure within a few seconds."""
    return await asyncio.wait_for(awaitable, timeout_s)


async def test_markets_and_public_data(venues, connect):
    client = await connect(venues, "kraken")
    market = client.market(SYMBOL)
    assert market["id"] == "XBTUSDT"
    assert (market["taker"], market["maker"]) == (0.004, 0.0025)
    assert (market["precision"]["amount"], market["precision"]["price"]) == (1e-08, 0.1)
    assert client.currencies["BTC"]["id"] == "XXBT"
    ticker = await client.fetch_ticker(SYMBOL)
    assert ticker["bid"] < ticker["ask"]
    assert ticker["low"] <= ticker["last"] <= ticker["high"]
    assert set(await client.fetch_tickers()) == {SYMBOL, "ETH/USDT"}
    book = await client.fetch_order_book(SYMBOL, 5)
    assert len(book["bids"]) == len(book["asks"]) == 5
    candles = await client.fetch_ohlcv(SYMBOL, "1m")
    assert len(candles) == 121
    since = await client.fetch_ohlcv(SYMBOL, "1m", since=candles[-5][0])
    assert [one[0] for one in since] == [one[0] for one in candles[-5:]]
    assert (await client.fetch_trades(SYMBOL))[-1]["price"] == ticker["last"]
    assert abs(await client.fetch_time() - time.time() * 1000) < 2_000
    assert (await client.fetch_status())["status"] == "ok"


async def test_orders_through_their_life(venues, connect):
    client = await connect(venues, "kraken")
    first, second = str(uuid.uuid4()), str(uuid.uuid4())
    bought = await client.create_order(SYMBOL, "market", "buy", 0.01, None, {"clientOrderId": first})
    assert bought["clientOrderId"] == first
    order = await client.fetch_order(bought["id"], SYMBOL)
    assert (order["status"], order["filled"], order["average"]) == ("closed", 0.01, 97_009.7)
    assert (order["fee"]["currency"], Decimal(order["fee"]["cost"])) == ("USDT", Decimal("3.880388"))
    resting = await client.create_order(SYMBOL, "limit", "buy", 0.01, 90_000, {"clientOrderId": second})
    found = await client.fetch_open_orders(SYMBOL, params={"clientOrderId": second})
    assert [one["id"] for one in found] == [resting["id"]]
    balance = await client.fetch_balance()
    assert balance["USDT"]["used"] == pytest.approx(903.6)
    assert balance["BTC"]["total"] == 0.01
    stop = await client.create_order(SYMBOL, "market", "sell", 0.005, None, {"stopLossPrice": 95_000})
    opened = {one["id"]: one for one in await client.fetch_open_orders(SYMBOL)}
    assert set(opened) == {resting["id"], stop["id"]}
    assert opened[stop["id"]]["stopLossPrice"] == 95_000
    await client.cancel_order(None, SYMBOL, {"clientOrderId": second})
    venues.call("POST", "/kraken/price", {"symbol": SYMBOL, "price": "94900"})
    assert await client.fetch_open_orders(SYMBOL) == []
    closed = await client.fetch_closed_orders(SYMBOL)
    assert [(one["id"], one["status"]) for one in closed] == [
        (bought["id"], "closed"), (resting["id"], "canceled"), (stop["id"], "closed"),
    ]  # fmt: skip
    by_id = await client.fetch_closed_orders(SYMBOL, params={"clientOrderId": first})
    assert [one["id"] for one in by_id] == [bought["id"]]
    trades = await client.fetch_my_trades(SYMBOL)
    assert [one["order"] for one in trades] == [bought["id"], stop["id"]]
    assert {one["fee"]["currency"] for one in trades} == {"USDT"}


async def test_cancel_all_and_by_userref(venues, connect):
    client = await connect(venues, "kraken")
    for reference in (1, 2, 2):
        await client.create_order(SYMBOL, "limit", "buy", 0.001, 90_000, {"userref": reference})
    assert (await client.cancel_order("2", SYMBOL))["info"]["result"]["count"] == 2
    assert (await client.cancel_all_orders())[0]["info"]["result"]["count"] == 1
    with pytest.raises(ccxt.OrderNotFound):
        await client.cancel_order(names.order_id(42), SYMBOL)


@pytest.mark.parametrize(
    ("arguments", "text", "error"),
    [
        (("limit", "buy", 0.00001, 90_000), "volume minimum not met", ccxt.InvalidOrder),
        (("limit", "buy", 1, 90_000), "EOrder:Insufficient funds", ccxt.InsufficientFunds),
        (("limit", "buy", 0.01, 97_500, {"postOnly": True}), "EOrder:Post only order", ccxt.ExchangeError),
        (("limit", "buy", 0.0001, 100), "EOrder:Cost minimum not met", ccxt.ExchangeError),
        (
            ("limit", "buy", 0.01, 90_000, {"deadline": "2020-01-01T00:00:00Z"}),
            "EService:Deadline elapsed",
            None,
        ),
        (("limit", "buy", 0.01, 90_000, {"clientOrderId": "x" * 40}), "EGeneral:Invalid arguments", None),
    ],
)
async def test_refusals_in_the_venues_own_words(venues, connect, arguments, text, error):
    client = await connect(venues, "kraken")
    with pytest.raises(ccxt.BaseError, match=text) as caught:
        await client.create_order(SYMBOL, *arguments)
    assert isinstance(caught.value, error or ccxt.BaseError)
    assert venues.call("GET", "/kraken/orders") == []


async def test_a_deadline_in_time_and_a_dry_run(venues, connect):
    client = await connect(venues, "kraken")
    later = (datetime.now(tz=UTC) + timedelta(seconds=10)).isoformat()
    assert (await client.create_order(SYMBOL, "limit", "buy", 0.01, 90_000, {"deadline": later}))["id"]
    await client.create_order(SYMBOL, "limit", "buy", 0.01, 90_000, {"validate": True})
    assert len(venues.call("GET", "/kraken/orders")) == 1


async def test_a_client_id_is_unique_among_open_orders_only(venues, connect):
    client = await connect(venues, "kraken")
    name = {"clientOrderId": str(uuid.uuid4())}
    await client.create_order(SYMBOL, "limit", "buy", 0.01, 90_000, name)
    with pytest.raises(ccxt.InvalidOrder):
        await client.create_order(SYMBOL, "limit", "buy", 0.01, 90_000, name)
    await client.cancel_order(None, SYMBOL, name)
    await client.create_order(SYMBOL, "limit", "buy", 0.01, 90_000, name)


async def post(session, venues, call, body, *, secret=keys.KRAKEN_SECRET, key=keys.KRAKEN_API_KEY):
    """A hand-made signed POST; returns the errors."""
    path, nonce = f"/0/private/{call}", body.partition("nonce=")[2].partition("&")[0]
    digest = hashlib.sha256((nonce + body).encode()).digest()
    sign = hmac.new(base64.b64decode(secret), path.encode() + digest, hashlib.sha512).digest()
    headers = {
        "API-Key": key,
        "API-Sign": base64.b64encode(sign).decode(),
        "Content-Type": "application/x-www-form-urlencoded",
    }
    async with session.post(venues.kraken.url + path, data=body, headers=headers) as response:
        assert response.status == 200
        return (await response.json())["error"]


async def test_signatures_and_nonces_are_really_checked(venues):
    wrong = base64.b64encode(b"wrong").decode()
    async with aiohttp.ClientSession() as session:
        assert await post(session, venues, "BalanceEx", "nonce=10") == []
        assert await post(session, venues, "BalanceEx", "nonce=10") == ["EAPI:Invalid nonce"]
        assert await post(session, venues, "BalanceEx", "nonce=9") == ["EAPI:Invalid nonce"]
        assert await post(session, venues, "BalanceEx", "nonce=11", secret=wrong) == [
            "EAPI:Invalid signature"
        ]
        assert await post(session, venues, "BalanceEx", "nonce=11", key="nobody") == ["EAPI:Invalid key"]
        assert await post(session, venues, "BalanceEx", "nonce=11&extra=%20") == []


async def test_the_rate_counter_fills_and_drains(venues):
    venues.call("POST", "/kraken/limits", {"call_limit": 3})
    async with aiohttp.ClientSession() as session:
        answers = [await post(session, venues, "BalanceEx", f"nonce={number}") for number in range(1, 6)]
        assert answers[:3] == [[], [], []]
        assert answers[4] == ["EAPI:Rate limit exceeded"]
        venues.call("POST", "/kraken/limits", {"call_limit": 20})
        assert await post(session, venues, "TradesHistory", "nonce=7") == []


async def test_rights(venues, connect):
    client = await connect(venues, "kraken")
    rights = (await client.private_post_getapikeyinfo())["result"]["permissions"]
    assert {"query-funds", "modify-trades"} <= set(rights)
    assert "withdraw-funds" not in rights
    venues.call("POST", "/kraken/keys", {"can_withdraw": True, "can_trade": False})
    rights = (await client.private_post_getapikeyinfo())["result"]["permissions"]
    assert "withdraw-funds" in rights
    with pytest.raises(ccxt.PermissionDenied):
        await client.create_order(SYMBOL, "limit", "buy", 0.01, 90_000)
    venues.call("POST", "/kraken/keys", {"revoked": True})
    with pytest.raises(ccxt.AuthenticationError):
        await client.fetch_balance()


async def test_modes(venues, connect):
    client = await connect(venues, "kraken")
    venues.call("POST", "/kraken/mode", {"mode": "cancel_only"})
    with pytest.raises(ccxt.OnMaintenance):
        await client.create_order(SYMBOL, "limit", "buy", 0.01, 90_000)
    venues.call("POST", "/kraken/mode", {"mode": "post_only"})
    with pytest.raises(ccxt.BaseError, match="post_only"):
        await client.create_order(SYMBOL, "limit", "buy", 0.01, 90_000)
    await client.create_order(SYMBOL, "limit", "buy", 0.01, 90_000, {"postOnly": True})
    venues.call("POST", "/kraken/mode", {"mode": "maintenance"})
    with pytest.raises(ccxt.ExchangeNotAvailable):
        await client.fetch_balance()
    assert (await client.fetch_status())["status"] == "maintenance"


async def test_market_streams(live_venues, connect):
    client = await connect(live_venues, "kraken")
    assert (await soon(client.watch_order_book(SYMBOL)))["bids"]
    assert (await soon(client.watch_ticker(SYMBOL)))["last"] > 0
    assert (await soon(client.watch_trades(SYMBOL), 20))[0]["symbol"] == SYMBOL
    candles = await soon(client.watch_ohlcv(SYMBOL, "1m"))
    assert candles[0][0] % 60_000 == 0
    other = await connect(live_venues, "kraken")
    assert (await soon(other.watch_bids_asks(["ETH/USDT"])))["ETH/USDT"]["bid"] > 0


async def test_the_dead_mans_switch(venues, connect):
    client = await connect(venues, "kraken")
    await client.create_order(SYMBOL, "limit", "buy", 0.01, 90_000)
    await client.cancel_all_orders_after(60_000)
    venues.kraken.venue.pump()
    assert len(await client.fetch_open_orders()) == 1
    venues.call("POST", "/kraken/clock", {"skew_ms": 61_000})
    venues.kraken.venue.pump()
    assert await client.fetch_open_orders() == []


def digits(value: Decimal) -> str:
    """A number as the checksum wants it."""
    return f"{value:f}".replace(".", "").lstrip("0")


async def follow(socket, books: dict, count: int) -> None:
    """Keep books from a raw socket as the documentation says, checking every checksum."""
    while count:
        message = json.loads((await soon(socket.receive())).data, parse_float=Decimal)
        if message.get("channel") != "book":
            continue
        count -= 1
        data = message["data"][0]
        book = books.setdefault(data["symbol"], {"bids": {}, "asks": {}})
        for side in ("bids", "asks"):
            if message["type"] == "snapshot":
                book[side].clear()
            for level in data[side]:
                if level["qty"] == 0:
                    book[side].pop(level["price"], None)
                else:
                    book[side][level["price"]] = level["qty"]
            kept = sorted(book[side], reverse=side == "bids")[:10]
            book[side] = {price: book[side][price] for price in kept}
        text = "".join(
            digits(part) for side in ("asks", "bids") for level in book[side].items() for part in level
        )
        assert zlib.crc32(text.encode()) == data["checksum"]


async def test_checksums_hold_and_a_skipped_update_breaks_them(live_venues):
    async with aiohttp.ClientSession() as session:
        url = live_venues.kraken.url.replace("http", "ws") + "/v2"
        async with session.ws_connect(url) as socket:
            params = {"channel": "book", "symbol": [SYMBOL, "ETH/USDT"], "depth": 10}
            await socket.send_json({"method": "subscribe", "params": params, "req_id": 1})
            books: dict = {}
            await follow(socket, books, 40)
            live_venues.call("POST", "/kraken/streams", {"action": "skip", "topic": "book:BTC*", "count": 1})
            with pytest.raises(AssertionError):
                await follow(socket, books, 60)


async def test_a_late_listener_starts_from_the_same_book(live_venues):
    url = live_venues.kraken.url.replace("http", "ws") + "/v2"
    request = {"method": "subscribe", "params": {"channel": "book", "symbol": [SYMBOL], "depth": 10}}
    async with (
        aiohttp.ClientSession() as session,
        session.ws_connect(url) as early,
        session.ws_connect(url) as late,
    ):
        await early.send_json(request)
        await follow(early, {}, 3)
        await late.send_json(request)
        await follow(late, {}, 10)


async def test_websocket_refusals(venues):
    url = venues.kraken.url.replace("http", "ws") + "/v2"
    async with aiohttp.ClientSession() as session, session.ws_connect(url) as socket:
        assert (await soon(socket.receive_json()))["channel"] == "status"
        for params, words in [
            ({"channel": "book", "symbol": ["FOO/BAR"]}, "Currency pair not supported FOO/BAR"),
            ({"channel": "book", "symbol": [SYMBOL], "depth": 11}, "Subscription depth not supported"),
            ({"channel": "gossip", "symbol": [SYMBOL]}, "Subscription name invalid"),
            ({"channel": "executions", "token": "none"}, "ESession:Invalid session"),
        ]:
            await socket.send_json({"method": "subscribe", "params": params, "req_id": 5})
            answer = await soon(socket.receive_json())
            assert not answer["success"]
            assert words in answer["error"]
        await socket.send_json({"method": "ping", "req_id": 6})
        assert (await soon(socket.receive_json()))["method"] == "pong"


async def test_user_streams(venues, connect):
    client = await connect(venues, "kraken")
    trades = asyncio.create_task(client.watch_my_trades())
    while not venues.kraken.venue.hub.listeners("executions:demo"):
        await asyncio.sleep(0.01)
    orders = asyncio.create_task(client.watch_orders())
    await asyncio.sleep(0)
    name = str(uuid.uuid4())
    placed = await client.create_order(SYMBOL, "market", "buy", 0.01, None, {"clientOrderId": name})
    fill = (await soon(trades))[0]
    assert (fill["order"], fill["fee"]["currency"]) == (placed["id"], "USDT")
    seen = await soon(orders)
    while not seen or seen[-1]["id"] != placed["id"]:
        seen = await soon(client.watch_orders())
    assert seen[-1]["info"]["cl_ord_id"] == name
    balance = await soon(client.watch_balance())
    assert balance["BTC"]["total"] == 0.01


async def test_executions_tell_the_whole_story_in_order(venues, connect):
    client = await connect(venues, "kraken")
    token = (await client.private_post_getwebsocketstoken())["result"]["token"]
    url = venues.kraken.url.replace("http", "ws") + "/auth/v2"
    async with aiohttp.ClientSession() as session, session.ws_connect(url) as socket:
        await socket.send_json({"method": "subscribe", "params": {"channel": "executions", "token": token}})
        while not venues.kraken.venue.hub.listeners("executions:demo"):
            await asyncio.sleep(0.01)
        await client.create_order(SYMBOL, "market", "buy", 0.01)
        await client.create_order(SYMBOL, "limit", "buy", 0.01, 90_000)
        await client.cancel_all_orders()
        story, sequences = [], []
        while "canceled" not in story:
            message = await soon(socket.receive_json())
            if message.get("channel") == "executions":
                sequences.append(message["sequence"])
                story += [row["exec_type"] for row in message["data"]]
    assert story == ["pending_new", "new", "trade", "filled", "pending_new", "new", "canceled"]
    assert sequences == list(range(1, len(sequences) + 1))


async def test_unknown_methods_are_loud(venues, caplog):
    async with aiohttp.ClientSession() as session:
        for method, path in (("GET", "/0/public/Everything"), ("POST", "/0/private/Withdraw")):
            async with session.request(method, venues.kraken.url + path) as response:
                assert response.status == 404
                assert "EGeneral:Unknown method" in (await response.json())["error"][0]
    assert "no such endpoint: POST /0/private/Withdraw" in caplog.text


def test_ids_are_kraken_like_and_come_back():
    seen = set()
    for number in range(1_000_000, 1_002_000):
        name = names.order_id(number)
        assert names.number_of(name, prefix="O") == number
        seen.add(name)
    assert len(seen) == 2_000
    assert names.number_of("T2345A-2345B-2345CD", prefix="O") is None
    assert names.number_of("None", prefix="O") is None
    assert (names.asset_id("BTC"), names.asset_id("SOL"), names.pair_id("DOGE/USDT")) == (
        "XXBT",
        "SOL",
        "XDGUSDT",
    )
