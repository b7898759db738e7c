"""Practice venues on real sockets, and market data clients that lose patience quickly."""

from collections.abc import AsyncIterator, Callable

import pytest

from trading.practice.options import client_options
from trading.practice.settings import PracticeSettings
from trading.practice.venues import PracticeVenues
from trading.protocols import VenueConfig
from trading.venues.ccxt_exchange.feed import Patience
from trading.venues.ccxt_exchange.market import CcxtMarketData

SYMBOLS = ("BTC/USDT", "ETH/USDT", "SOL/USDT")

Watch = Callable[..., CcxtMarketData]


@pytest.fixture
async def practice() -> AsyncIterator[PracticeVenues]:
    settings = PracticeSettings(instruments=3, ticks_per_s=10, gap_every_s=0, history_minutes=330)
    async with PracticeVenues(settings, seed=11) as venues:
        yield venues


@pytest.fixture
async def watch(practice: PracticeVenues) -> AsyncIterator[Watch]:
    """Makes market data clients of a practice venue; closes them at the end."""
    made: list[CcxtMarketData] = []

    def make(venue: str, *, symbols: tuple[str, ...] = SYMBOLS, silent_s: float = 30.0) -> CcxtMarketData:
        options = client_options(binance_port=practice.binance.port, kraken_port=practice.kraken.port)[venue]
        config = VenueConfig(name=venue, client=venue, symbols=symbols, options=options)
        patience = Patience(silent_s=silent_s, keep_s=0.05)
        made.append(CcxtMarketData(config, patience=patience, rest_after_s=silent_s))
        return made[-1]

    yield make
    for data in made:
        await data.close()
