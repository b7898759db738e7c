"""On real sockets: what strategies look back on is there after the first sync, and nothing is asked for without them."""

from collections.abc import AsyncIterator, Sequence
from datetime import datetime, timedelta
from typing import Any

import pytest
from asgiref.sync import sync_to_async
from django.db import connections

from neuratrade.lib import clock
from neuratrade.lib.plugins import discover
from tests.factories import AT, make_desk
from trading.errors import VenueUnavailableError
from trading.models import CandleRow, Instrument, Venue
from trading.practice.options import client_options
from trading.practice.settings import PracticeSettings
from trading.practice.venues import PracticeVenues
from trading.protocols import MarketData
from trading.services import live_strategies, market, market_lookback
from trading.services.market_bars import MINUTE, floor
from trading.services.market_candles import HISTORY_MINUTES, CandleKeeper
from trading.services.market_watch import load_plans
from trading.types import Candle

BTC = "BTC/USDT"
VENUES = ("binance", "kraken")
sql = sync_to_async


class Asked:
    """A venue's candles, and which timeframes were asked for; those in `refused` the venue does not give."""

    def __init__(self, data: MarketData) -> None:
        self._data = data
        self.timeframes: list[str] = []
        self.refused: set[str] = set()

    async def fetch_candles(
        self, symbol: str, *, timeframe: str, since: datetime | None, limit: int
    ) -> Sequence[Candle]:
        self.timeframes.append(timeframe)
        if timeframe in self.refused:
            raise VenueUnavailableError("no answer")
        return await self._data.fetch_candles(symbol, timeframe=timeframe, since=since, limit=limit)

    def __getattr__(self, name: str) -> Any:
        return getattr(self._data, name)


@pytest.fixture
async def practice(transactional_db: None) -> AsyncIterator[PracticeVenues]:
    settings = PracticeSettings(instruments=2, ticks_per_s=1, gap_every_s=0, history_minutes=1_500)
    async with PracticeVenues(settings, seed=5) as venues:

        def make() -> None:
            make_desk(at=AT)
            ports = {"binance_port": venues.binance.port, "kraken_port": venues.kraken.port}
            for name, options in client_options(**ports).items():
                Venue.objects.filter(name=name).update(options=options)

        await sql(make)()
        yield venues
    await sql(connections.close_all)()


@pytest.fixture(params=VENUES)
async def keeper(
    practice: PracticeVenues, request: pytest.FixtureRequest
) -> AsyncIterator[tuple[CandleKeeper, Asked, Instrument]]:
    plan = (await sql(load_plans)())[request.param]
    asked = Asked(discover("trading.venues", "VENUE")[plan.driver].market_data(plan.config))
    made = CandleKeeper(
        asked,
        venue=request.param,
        instrument_ids=plan.instrument_ids,
        on_candle=lambda symbol, candle: None,
        at=clock.now(),
    )
    instrument = await sql(Instrument.objects.select_related("venue").get)(pk=plan.instrument_ids[BTC])
    yield made, asked, instrument
    await asked.close()


def candles(instrument: Instrument, timeframe: str, *, at: datetime) -> list[Candle]:
    return market.candles(instrument=instrument, timeframe=timeframe, before=at, limit=5_000)


async def test_a_5m_strategy_has_its_candles_after_the_first_sync(
    keeper: tuple[CandleKeeper, Asked, Instrument], settings: Any
) -> None:
    settings.STRATEGIES = ("mean-reversion", "sentiment-momentum")
    made, asked, instrument = keeper
    at = clock.now()
    await made.sync(BTC, at=at)

    def check() -> None:
        live = live_strategies.open_one("mean-reversion")
        assert live.needed_candles == 283
        found = candles(instrument, "5m", at=at)
        assert len(found) >= live.needed_candles > HISTORY_MINUTES // 5
        assert found[-1].open_time == floor(at, length=timedelta(minutes=5)) - timedelta(minutes=5)
        assert len(candles(instrument, "1m", at=at)) <= HISTORY_MINUTES
        look = live_strategies.look(live, instrument=instrument, at=found[-1].open_time + 5 * MINUTE)
        assert len(look.bars) == live.needed_candles

    await sql(check)()
    asked.timeframes.clear()
    await made.sync(BTC, at=at)
    assert asked.timeframes == ["1m"]


async def test_candles_that_the_desks_minutes_made_stay_theirs(
    keeper: tuple[CandleKeeper, Asked, Instrument], settings: Any
) -> None:
    made, asked, instrument = keeper
    at = clock.now()
    await made.sync(BTC, at=at)
    assert set(asked.timeframes) == {"1m"}
    before = await sql(candles)(instrument, "5m", at=at)
    await sql(CandleRow.objects.filter(open_time=before[50].open_time, timeframe="5m").update)(volume_base=7)
    settings.STRATEGIES = ("mean-reversion",)
    await made.sync(BTC, at=at)
    after = {candle.open_time: candle for candle in await sql(candles)(instrument, "5m", at=at)}
    assert after[before[50].open_time].volume_base == 7
    assert len(after) > len(before)
    assert all(after[candle.open_time] == candle for candle in before if candle != before[50])


async def test_a_venue_that_does_not_give_them_costs_no_minute(
    keeper: tuple[CandleKeeper, Asked, Instrument], settings: Any, caplog: pytest.LogCaptureFixture
) -> None:
    settings.STRATEGIES = ("mean-reversion",)
    made, asked, _ = keeper
    asked.refused = {"5m"}
    assert await made.sync(BTC, at=clock.now()) >= HISTORY_MINUTES - 1
    assert "the longer candles that strategies need are not read (no answer)" in caplog.text
    assert not made.is_troubled
    asked.refused = set()
    await made.sync(BTC, at=clock.now())
    assert asked.timeframes[-1] == "5m"


@pytest.mark.parametrize(
    ("named", "expected"),
    [
        ((), {}),
        (("mean-reversion", "mean-reversion:1h", "scalping"), {"5m": 285, "1h": 285, "1m": 321}),
        (("mean-reversion:7m", "funding-arbitrage", "nothing-like-it"), {}),
    ],
)
def test_what_is_needed_follows_the_strategies_that_can_run(
    settings: Any, named: tuple[str, ...], expected: dict[str, int]
) -> None:
    settings.STRATEGIES = named
    assert market_lookback.needed() == expected
