"""The whole watcher on real sockets, real Redis, real SQL: a dead venue harms no other, gaps in candles are filled."""

import asyncio
import os
import signal
from collections.abc import AsyncIterator, Callable
from dataclasses import dataclass
from datetime import timedelta
from typing import Any

import pytest
from asgiref.sync import sync_to_async
from django.db import connection, connections

from neuratrade.lib import clock
from neuratrade.lib.plugins import discover
from tests.factories import AT, Desk, make_desk
from trading.models import CandleRow, Heartbeat, Instrument, Venue
from trading.practice.options import client_options
from trading.practice.settings import PracticeSettings
from trading.practice.venues import PracticeVenues
from trading.protocols import MarketData
from trading.services import market
from trading.services.market_bars import MINUTE, derive, floor
from trading.services.market_candles import HISTORY_MINUTES, CandleKeeper
from trading.services.market_publish import Publisher
from trading.services.market_watch import Listeners, MarketWatch, load_plans
from trading.types import Candle, Quote

pytestmark = pytest.mark.usefixtures("redis_client")

BTC = "BTC/USDT"
sql = sync_to_async


@dataclass
class Heard:
    quotes: list[Quote]
    candles: list[tuple[str, str, Candle]]


@pytest.fixture
async def practice() -> AsyncIterator[PracticeVenues]:
    settings = PracticeSettings(instruments=2, ticks_per_s=10, gap_every_s=0, history_minutes=330)
    async with PracticeVenues(settings, seed=5) as venues:
        yield venues


@pytest.fixture
async def watched(transactional_db: None, practice: PracticeVenues) -> AsyncIterator[Desk]:
    """A desk whose two venues are the practice ones."""

    def make() -> Desk:
        desk = make_desk(at=AT)
        ports = {"binance_port": practice.binance.port, "kraken_port": practice.kraken.port}
        for name, options in client_options(**ports).items():
            Venue.objects.filter(name=name).update(options=options)
        return desk

    yield await sql(make)()
    await sql(connections.close_all)()


@pytest.fixture
async def running(watched: Desk) -> AsyncIterator[tuple[MarketWatch, Heard]]:
    heard = Heard([], [])
    listeners = Listeners(
        on_quote=heard.quotes.append,
        on_candle=lambda venue, symbol, candle: heard.candles.append((venue, symbol, candle)),
    )
    watch = MarketWatch(publisher=Publisher(), listeners=listeners)
    task = asyncio.create_task(watch.run())
    yield watch, heard
    task.cancel()
    await asyncio.gather(task, return_exceptions=True)


async def until(condition: Callable[[], Any], *, timeout_s: float = 20.0) -> None:
    """Waits until `condition`, asked in the database thread, is true."""
    async with asyncio.timeout(timeout_s):
        while not await sql(condition)():
            await asyncio.sleep(0.05)


def are_fresh(*venues: str) -> bool:
    at = clock.now()
    quotes = [market.latest_quote(venue=venue, symbol=BTC) for venue in venues]
    return all(quote is not None and quote.age_s(at=at) < 5 for quote in quotes)


def stored(venue: str, timeframe: str) -> int:
    return CandleRow.objects.filter(instrument__venue__name=venue, timeframe=timeframe).count()


async def test_from_two_venues_to_redis_and_sql(running: tuple[MarketWatch, Heard], watched: Desk) -> None:
    watch, heard = running
    await until(lambda: are_fresh("binance", "kraken"))
    await until(lambda: min(stored("binance", "1m"), stored("kraken", "1m")) >= 300)
    await until(lambda: all(health.source == "websocket" for health in market.stream_health(at=clock.now())))

    def check() -> None:
        at = clock.now()
        for health in market.stream_health(at=at):
            assert health.is_fresh
            assert health.status in {"ok", "unknown"}
        book = market.latest_book(venue="binance", symbol=BTC)
        assert book is not None
        assert len(book.bids) == 20
        instrument = Instrument.objects.get(venue__name="kraken", symbol=BTC)
        assert str(instrument.taker_fee_ratio) == "0.004"
        assert stored("kraken", "1h") >= 4
        assert market.atr(instrument=instrument, at=at) is not None
        minutes = market.candles(instrument=instrument, timeframe="1m", before=at, limit=1000)
        for timeframe in ("5m", "1h"):
            longer = market.candles(instrument=instrument, timeframe=timeframe, before=at, limit=1000)
            assert longer == derive(minutes, timeframe=timeframe)

    await sql(check)()
    assert {quote.venue for quote in heard.quotes} == {"binance", "kraken"}
    assert {venue for venue, _, _ in heard.candles} == {"binance", "kraken"}
    assert "binance 1/1 fresh" in watch.line()


async def test_a_dead_or_misspelt_venue_never_stops_the_others(
    watched: Desk, caplog: pytest.LogCaptureFixture
) -> None:
    def break_kraken() -> None:
        Venue.objects.filter(name="kraken").update(options=client_options(kraken_port=1)["kraken"])
        Venue.objects.create(name="typo", client="binanse")
        instrument = Instrument.objects.get(venue__name="kraken", symbol=BTC)
        instrument.pk, instrument.venue = None, Venue.objects.get(name="typo")
        instrument.save(force_insert=True)

    await sql(break_kraken)()
    watch = MarketWatch(publisher=Publisher(), listeners=Listeners())
    task = asyncio.create_task(watch.run())
    try:
        await until(lambda: are_fresh("binance"))
        await until(lambda: "kraken: kraken: ExchangeNotAvailable" in caplog.text)
        assert "ccxt knows no exchange 'binanse'" in caplog.text
        assert "Traceback" not in caplog.text
        assert "kraken is down" in watch.line()
    finally:
        task.cancel()
        await asyncio.gather(task, return_exceptions=True)


async def test_maintenance_shows_as_degraded(
    running: tuple[MarketWatch, Heard], practice: PracticeVenues, monkeypatch: pytest.MonkeyPatch
) -> None:
    await until(lambda: are_fresh("binance"))
    practice.call("POST", "/binance/mode", {"mode": "maintenance"})
    data = running[0]._watches["binance"]
    asking = asyncio.create_task(data._ask_status())
    try:
        await until(lambda: market.stream_health(at=clock.now())[0].status == "degraded")
    finally:
        asking.cancel()


async def keeper(
    watched: Desk, *, on_candle: Callable[[str, Candle], None]
) -> tuple[CandleKeeper, MarketData, int]:
    plans = await sql(load_plans)()
    plan = plans["binance"]
    data = discover("trading.venues", "VENUE")[plan.driver].market_data(plan.config)
    ids = plan.instrument_ids
    made = CandleKeeper(data, venue="binance", instrument_ids=ids, on_candle=on_candle, at=clock.now())
    return made, data, ids[BTC]


async def test_a_restart_fills_the_gap_and_corrects_what_differs(watched: Desk) -> None:
    told: list[Candle] = []
    candles, data, pk = await keeper(watched, on_candle=lambda symbol, candle: told.append(candle))
    try:
        assert await candles.sync(BTC, at=clock.now()) >= 300
        end = floor(clock.now(), length=MINUTE)

        def damage() -> list[Candle]:
            rows = CandleRow.objects.filter(instrument_id=pk, timeframe="1m").order_by("open_time")
            before = [market.candle_of(row) for row in rows]
            gone = [row.pk for row in rows[100:160]]
            wrong = rows[len(before) - 4]
            CandleRow.objects.filter(pk__in=gone).delete()
            CandleRow.objects.filter(pk=wrong.pk).update(high=wrong.high * 2)
            return before

        before = await sql(damage)()
        changed = await candles.sync(BTC, at=end)
        after = await sql(
            lambda: [
                market.candle_of(row)
                for row in CandleRow.objects.filter(instrument_id=pk, timeframe="1m").order_by("open_time")
            ]
        )()
        assert changed == 61
        assert after == before
        assert [candle.open_time for candle in told] == sorted({candle.open_time for candle in told})
        assert end - after[0].open_time <= HISTORY_MINUTES * MINUTE + timedelta(minutes=1)
    finally:
        await data.close()


async def test_candles_wait_for_a_database_that_is_away(watched: Desk) -> None:
    """The streams stay up meanwhile: prices must be fresh when it comes back."""
    candles, data, _ = await keeper(watched, on_candle=lambda symbol, candle: None)
    table = CandleRow._meta.db_table

    def rename(*, old: str, new: str) -> None:
        with connection.cursor() as cursor:
            cursor.execute(f"ALTER TABLE {old} RENAME TO {new}")

    await sql(rename)(old=table, new="away")
    work = asyncio.create_task(candles.run())
    try:
        await until(lambda: work.done() or candles.is_troubled)
        await sql(rename)(old="away", new=table)
        await until(lambda: work.done() or stored("binance", "1m") >= 300)
        assert not work.done()
    finally:
        work.cancel()
        await asyncio.gather(work, return_exceptions=True)
        await data.close()


async def test_the_process_beats_and_stops_cleanly_on_sigterm(watched: Desk) -> None:
    from neuratrade.management.commands import watch_market

    process = asyncio.create_task(watch_market._run())
    await until(
        lambda: Heartbeat.objects.filter(process="watch_market", doing__contains="binance 1/1 fresh").exists()
    )
    asked = clock.now()
    os.kill(os.getpid(), signal.SIGTERM)
    await asyncio.wait_for(process, 5)
    assert (clock.now() - asked).total_seconds() < 3
