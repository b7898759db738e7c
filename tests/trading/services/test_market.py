"""What goes into Redis comes out equal; when Redis is away the desk is told, and the publisher goes on."""

import asyncio
import signal
import subprocess
from collections.abc import Callable
from datetime import timedelta
from decimal import Decimal
from pathlib import Path

import orjson
import pytest
import redis

from neuratrade.lib import redis as bus
from tests.factories import AT, Desk
from trading.errors import StaleDataError
from trading.services import market
from trading.services.market_publish import Publisher
from trading.types import BookLevel, Candle, OrderBook, PublicTrade, Quote, Side

WHERE = {"venue": "binance", "symbol": "BTC/USDT"}
QUOTE = Quote(
    **WHERE,
    bid=Decimal("97000.10"),
    ask=Decimal("97000.20"),
    bid_size=Decimal("0.00000001"),
    ask_size=Decimal("12345678.12345678"),
    as_of=AT - timedelta(milliseconds=7),
    received_at=AT,
)
BOOK = OrderBook(
    **WHERE,
    bids=(BookLevel(Decimal("97000.10"), Decimal("1E-8")), BookLevel(Decimal("96999"), Decimal(2))),
    asks=(BookLevel(Decimal("97000.20"), Decimal("0.5")),),
    as_of=AT,
    received_at=AT,
    nonce=42,
)


def trade(number: int) -> PublicTrade:
    return PublicTrade(
        **WHERE,
        trade_id=str(number),
        price=Decimal("97000.15"),
        size=Decimal("0.001"),
        side=Side.BUY if number % 2 else None,
        as_of=AT + timedelta(seconds=number),
    )


async def publish(
    *quotes: Quote, book: OrderBook | None = None, trades: list[PublicTrade] | None = None
) -> None:
    publisher = Publisher()
    for quote in quotes:
        publisher.quote(quote)
    if book:
        publisher.book(book)
    if trades:
        publisher.trades(trades)
    await publisher.flush()
    await publisher.aclose()


@pytest.mark.usefixtures("redis_client")
async def test_values_come_out_as_they_went_in() -> None:
    await publish(QUOTE, book=BOOK, trades=[trade(1), trade(2), trade(3)])
    assert market.latest_quote(**WHERE) == QUOTE
    assert market.latest_book(**WHERE) == BOOK
    assert market.recent_trades(**WHERE, since=AT + timedelta(seconds=1)) == [trade(2), trade(3)]
    assert market.recent_prices(**WHERE, since=AT) == [(AT, Decimal("97000.15"))]
    assert market.recent_prices(**WHERE, since=AT + timedelta(seconds=1)) == []


@pytest.mark.usefixtures("redis_client")
def test_what_was_never_seen_is_none_or_empty() -> None:
    assert market.latest_quote(**WHERE) is None
    assert market.latest_book(**WHERE) is None
    assert market.recent_trades(**WHERE, since=AT) == []
    assert market.recent_prices(**WHERE, since=AT) == []


async def test_channels_carry_the_newest_value_once_per_flush(redis_client: "redis.Redis") -> None:
    listener = redis_client.pubsub(ignore_subscribe_messages=True)
    for kind in ("ticker", "trades", "book", "candles"):
        listener.subscribe(bus.market_channel(**WHERE, kind=kind))
    for _ in range(4):
        listener.get_message(timeout=1)
    newer = Quote(**{**{name: getattr(QUOTE, name) for name in QUOTE.__slots__}, "bid": Decimal(96000)})
    publisher = Publisher()
    publisher.quote(QUOTE)
    publisher.quote(newer)
    publisher.book(BOOK)
    publisher.trades([trade(1)])
    publisher.trades([trade(2)])
    publisher.candle(
        Candle(
            open_time=AT,
            open=QUOTE.bid,
            high=QUOTE.bid,
            low=QUOTE.bid,
            close=QUOTE.bid,
            volume_base=Decimal(0),
        ),
        **WHERE,
        timeframe="1m",
    )
    await publisher.flush()
    await publisher.flush()
    await publisher.aclose()

    heard: dict[str, list[object]] = {}
    while message := listener.get_message(timeout=0.2):
        heard.setdefault(message["channel"].rpartition(":")[2], []).append(orjson.loads(message["data"]))
    listener.close()
    assert [quote["bid"] for quote in heard["ticker"]] == ["96000"]  # type: ignore[index]
    assert len(heard["book"]) == len(heard["candles"]) == 1
    assert [row["id"] for group in heard["trades"] for row in group] == ["1", "2"]  # type: ignore[attr-defined]


@pytest.mark.usefixtures("redis_client")
async def test_prices_are_kept_once_a_second_and_old_ones_leave(redis_client: "redis.Redis") -> None:
    publisher = Publisher()
    steps = [0.0, 0.4, 1.0, 1.9, 2.0, 3 * 3600.0]
    for step in steps:
        at = AT + timedelta(seconds=step)
        publisher.quote(
            Quote(
                **{**{name: getattr(QUOTE, name) for name in QUOTE.__slots__}, "as_of": at, "received_at": at}
            )
        )
        await publisher.flush()
    kept = [at for at, _ in market.recent_prices(**WHERE, since=AT)]
    assert kept == [AT + timedelta(seconds=step) for step in (0, 1, 2, 3 * 3600)]
    publisher._trim_at_s = 0
    publisher.book(BOOK)
    await publisher.flush()
    assert [at for at, _ in market.recent_prices(**WHERE, since=AT)] == [AT + timedelta(hours=3)]
    await publisher.aclose()


@pytest.mark.usefixtures("redis_client")
async def test_only_the_last_thousand_trades_are_kept() -> None:
    await publish(trades=[trade(number) for number in range(1, 1501)])
    got = market.recent_trades(**WHERE, since=AT - timedelta(days=1))
    assert [one.trade_id for one in got] == [str(number) for number in range(501, 1501)]


def test_health_tells_fresh_from_stale_and_dead(desk: Desk, redis_client: "redis.Redis") -> None:
    def report(symbol_venue: str, *, seen_s: float, reported_s: float, source: str) -> None:
        key = bus.latest_key(venue=symbol_venue, symbol="BTC/USDT", kind="health")
        body = {
            "seen_ms": int((AT.timestamp() - seen_s) * 1000),
            "reported_ms": int((AT.timestamp() - reported_s) * 1000),
            "source": source,
            "messages_per_s": 12.5,
            "status": "ok",
        }
        redis_client.set(key, orjson.dumps(body))

    report("binance", seen_s=1, reported_s=0.5, source="websocket")
    one, other = market.stream_health(at=AT)
    assert (one.venue, one.is_fresh, one.age_s, one.source) == ("binance", True, 1.0, "websocket")
    assert (one.messages_per_s, one.status) == (12.5, "ok")
    assert (other.venue, other.is_fresh, other.age_s, other.source) == ("kraken", False, None, "none")

    report("binance", seen_s=30, reported_s=29, source="websocket")
    one, _ = market.stream_health(at=AT)
    assert (one.is_fresh, one.age_s, one.source, one.messages_per_s) == (False, 30.0, "none", 0.0)


def test_a_reader_is_told_when_redis_is_away(desk: Desk, settings: object, tmp_path: Path) -> None:
    settings.REDIS_URL = f"unix://{tmp_path}/nobody.sock?db=0"  # type: ignore[attr-defined]
    bus.client.cache_clear()
    try:
        for read in (
            lambda: market.latest_quote(**WHERE),
            lambda: market.latest_book(**WHERE),
            lambda: market.recent_trades(**WHERE, since=AT),
            lambda: market.recent_prices(**WHERE, since=AT),
            lambda: market.stream_health(at=AT),
        ):
            with pytest.raises(StaleDataError, match="Redis is away"):
                read()
    finally:
        bus.client.cache_clear()


async def test_the_publisher_outlives_redis(
    settings: object, tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    from neuratrade.lib.redis_server import command

    socket = tmp_path / "own.sock"
    settings.REDIS_URL = f"unix://{socket}?db=0"  # type: ignore[attr-defined]
    caplog.set_level("INFO")

    def start() -> "subprocess.Popen[bytes]":
        return subprocess.Popen(
            command(socket=socket, data_dir=tmp_path), stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL
        )

    publisher = Publisher()
    running = asyncio.create_task(publisher.run())
    filling = asyncio.create_task(_keep_publishing(publisher))
    try:
        await _until(lambda: "Redis is away" in caplog.text)
        for fault in (signal.SIGSTOP, signal.SIGKILL, signal.SIGKILL):
            caplog.clear()
            server = start()
            await _until(lambda: "Redis is back" in caplog.text)
            assert _quote_in(settings.REDIS_URL)  # type: ignore[attr-defined]
            caplog.clear()
            server.send_signal(fault)
            await _until(lambda: "Redis is away" in caplog.text)
            server.kill()
            server.wait()
        assert caplog.text.count("Redis is away") == 1
    finally:
        for task in (running, filling):
            task.cancel()
        await asyncio.gather(running, filling, return_exceptions=True)
        await publisher.aclose()


async def _keep_publishing(publisher: Publisher) -> None:
    while True:
        publisher.quote(QUOTE)
        await asyncio.sleep(0.02)


async def _until(condition: Callable[[], bool]) -> None:
    async with asyncio.timeout(15):
        while not condition():
            await asyncio.sleep(0.02)


def _quote_in(url: str) -> bool:
    client = redis.Redis.from_url(url)
    found = client.get(bus.latest_key(**WHERE, kind="quote"))
    client.close()
    return bool(found)
