"""Candles from before the kept minutes: strategies that are switched on look further back than those reach.

A venue tells only its newest minutes over REST (Kraken 720), but as many of its own 5m and 1h candles, which reach back for days. Where
the desk's own minutes make a candle, it stays theirs.
"""

import logging
from collections.abc import Mapping, Sequence
from datetime import datetime

from asgiref.sync import sync_to_async
from django.conf import settings

from neuratrade.lib import ratelimit
from trading.errors import InvalidValueError
from trading.protocols import MarketData
from trading.services import market_store
from trading.services.market_bars import DERIVED, TIMEFRAMES, fill_flat, floor
from trading.types import Candle

log = logging.getLogger(__name__)

_PAGE = 1000
# The newest may be told seconds late: then one more of the old ones is looked at.
_SPARE = 2


def needed() -> dict[str, int]:
    """How many closed candles the strategies that are switched on look at, by timeframe; nothing when there are none.

    One that cannot run live is left out: the scan tells why it cannot.
    """
    if not settings.STRATEGIES:
        return {}
    from trading.services import live_strategies  # numerics, which a watcher without strategies does not load

    counts: dict[str, int] = {}
    for entry in live_strategies.switched_on():
        try:
            live = live_strategies.open_one(entry)
        except InvalidValueError as error:
            log.debug("%s: %s", entry, error)
            continue
        counts[live.timeframe] = max(counts.get(live.timeframe, 0), live.needed_candles + _SPARE)
    return counts


class Lookback:
    """One venue's longer candles. A gap that the venue itself has is asked for once."""

    def __init__(self, data: MarketData, *, instrument_ids: Mapping[str, int]) -> None:
        self._data = data
        self._ids = instrument_ids
        self._asked: dict[tuple[str, str], datetime] = {}

    async def fill(self, symbol: str, *, needs: Mapping[str, int], at: datetime) -> int:
        """Stores the venue's 5m and 1h candles where `needs` has none; returns how many. TradingError when they cannot be read."""
        filled = 0
        for timeframe in (name for name in DERIVED if name in needs):
            end = floor(at, length=TIMEFRAMES[timeframe])
            start = end - needs[timeframe] * TIMEFRAMES[timeframe]
            missing = await _sql(market_store.missing)(
                self._ids[symbol], timeframe=timeframe, start=start, end=end
            )
            if not missing or self._asked.get((symbol, timeframe)) == missing[-1]:
                continue
            candles = await self._fetch(symbol, timeframe=timeframe, since=missing[0], end=end)
            filled += await _sql(market_store.add)(self._ids[symbol], timeframe=timeframe, candles=candles)
            self._asked[symbol, timeframe] = missing[-1]
        return filled

    async def _fetch(
        self, symbol: str, *, timeframe: str, since: datetime, end: datetime
    ) -> Sequence[Candle]:
        length = TIMEFRAMES[timeframe]
        found: list[Candle] = []
        with ratelimit.lane(max_wait_s=60.0):
            while since < end:
                limit = min((end - since) // length + 1, _PAGE)
                page = await self._data.fetch_candles(symbol, timeframe=timeframe, since=since, limit=limit)
                fitting = [candle for candle in page if since <= candle.open_time < end]
                if not fitting:
                    break
                found += fitting
                since = fitting[-1].open_time + length
        return fill_flat(found, length=length)


_sql = sync_to_async  # thread-sensitive: Django's connection stays in one thread
