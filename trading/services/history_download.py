"""Fetches candles of any venue into the stored history, page by page. What is stored is the state: any run goes on from there."""

import asyncio
import logging
from collections.abc import Awaitable, Callable, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import TypeVar

import numpy as np

from neuratrade.lib import dates, ratelimit
from neuratrade.lib.clock import from_epoch_ms, to_epoch_ms
from neuratrade.lib.plugins import discover
from trading.errors import (
    ConfigurationError,
    InvalidValueError,
    RateLimitedError,
    VenueError,
    VenueUnavailableError,
)
from trading.history import store
from trading.history.store import SaveReport
from trading.models import Venue
from trading.protocols import MarketData, VenueConfig, VenueDriver
from trading.services.history import closest, root
from trading.types import Candle
from trading.types.research import TIMEFRAME_S, Bars, FloatArray, IntArray

log = logging.getLogger(__name__)

FIRST_DAYS = 30
_PAGE = 1000
_DRIVER = "ccxt_exchange"
_TRIES = 8
# While nothing came yet it is likelier that there is no network, or no such address, than that the venue rests.
_FIRST_TRIES = 4
_MAX_PAUSE_S = 60.0
_LANE_S = 120.0
_DAY_MS = 86_400_000
# How far an empty answer is believed: no venue gives pages shorter than this.
_SHORTEST_PAGE = 100

# ccxt's errors that the same request will meet again
_FINAL = {
    *("BadSymbol", "BadRequest", "NotSupported", "ArgumentsRequired"),
    *("AuthenticationError", "PermissionDenied"),
}

Progress = Callable[[int, int], None]  # (bars passed, bars in the period)
_T = TypeVar("_T")


@dataclass(frozen=True, slots=True, kw_only=True)
class Download:
    """What one run brought. `unusable`: candles of the venue that are none (a high below the low), left out.

    `earliest` is the first bar of the period, which lies after `since` where the venue does not reach back so far; None: no bar at all.
    """

    since: datetime
    until: datetime
    added: int
    replaced: int
    unusable: int
    earliest: datetime | None


def download(
    *,
    venue: str,
    symbol: str,
    timeframe: str,
    since: datetime | None,
    until: datetime | None,
    at: datetime,
    first_pause_s: float = 1.0,
    on_progress: Progress | None = None,
) -> Download:
    """Stores what the venue has from `since` to before `until` and is not stored yet; the bar that runs at `at` never.

    Without `since` it goes on after the newest stored bar, or starts 30 days ago. Temporary errors are tried again with growing
    pauses from `first_pause_s`. Raises ConfigurationError for a venue or an instrument that does not exist, VenueError when the
    venue does not answer for long; all that came before is stored then.
    """
    config, driver = _config(venue, symbol=symbol)
    if timeframe not in TIMEFRAME_S:
        raise InvalidValueError(f"timeframe {timeframe!r} is unknown; give one of: {', '.join(TIMEFRAME_S)}")
    known = store.times(root(), venue=venue, symbol=symbol, timeframe=timeframe)
    step = timedelta(seconds=TIMEFRAME_S[timeframe])
    if since is None:
        since = from_epoch_ms(int(known[-1])) + step if known.size else at - timedelta(days=FIRST_DAYS)
    _refuse_empty(since, until=until, at=at)
    first, last = _on_grid(since, step=step), at - (at - dates.EARLIEST) % step
    last = last if until is None else min(last, _on_grid(until, step=step))
    return asyncio.run(
        _fetch(
            config,
            driver,
            timeframe=timeframe,
            period=range(
                to_epoch_ms(first), max(to_epoch_ms(last), to_epoch_ms(first)), TIMEFRAME_S[timeframe] * 1000
            ),
            known=known,
            first_pause_s=first_pause_s,
            on_progress=on_progress or (lambda _done, _total: None),
        )
    )


def _refuse_empty(since: datetime, *, until: datetime | None, at: datetime) -> None:
    if since > at:
        raise InvalidValueError(f"{dates.show(since)} lies in the future; give a start that has passed")
    try:
        dates.period(since, until)
    except dates.DateError as error:
        raise InvalidValueError(str(error)) from error


def _on_grid(at: datetime, *, step: timedelta) -> datetime:
    """The first open time from `at` on."""
    return at + (dates.EARLIEST - at) % step


def _config(venue: str, *, symbol: str) -> tuple[VenueConfig, VenueDriver]:
    """The desk's own venue of that name, else the exchange that ccxt knows by it."""
    row = Venue.objects.filter(name=venue).first()
    drivers: dict[str, VenueDriver] = discover("trading.venues", "VENUE")
    if row is not None:
        if row.driver not in drivers:
            raise ConfigurationError(
                f"there is no driver {row.driver!r}; correct the venue's driver to one of: {', '.join(sorted(drivers))}"
            )
        config = VenueConfig(name=venue, client=row.client, symbols=(symbol,), options=row.options)
        return config, drivers[row.driver]
    import ccxt.pro

    if venue not in ccxt.pro.exchanges:
        names = [*Venue.objects.values_list("name", flat=True), *ccxt.pro.exchanges]
        close = closest(venue, names)
        hint = f"did you mean {close}?" if close else "give one of the desk's, or an exchange's name in ccxt"
        raise ConfigurationError(f"there is no venue {venue!r}; {hint}")
    return VenueConfig(name=venue, client=venue, symbols=(symbol,)), drivers[_DRIVER]


@dataclass(slots=True, kw_only=True)
class _Source:
    """One instrument's candles at its venue, asked for with patience."""

    data: MarketData
    config: VenueConfig
    timeframe: str
    first_pause_s: float
    unusable: int = 0
    has_answered: bool = False

    @property
    def symbol(self) -> str:
        return self.config.symbols[0]

    @property
    def step_ms(self) -> int:
        return TIMEFRAME_S[self.timeframe] * 1000

    async def check_symbol(self) -> None:
        """Raises ConfigurationError when the venue does not list the instrument."""
        listed = await self._patiently(self.data.symbols)
        if self.symbol not in listed:
            close = closest(self.symbol, listed)
            hint = f"did you mean {close}?" if close else f"it lists {len(listed)} others"
            raise ConfigurationError(f"{self.config.name} lists no {self.symbol}; {hint}")

    async def page(self, cursor_ms: int, *, end_ms: int) -> tuple[list[Candle], int]:
        """Closed candles from `cursor_ms` to before `end_ms`, as many as the venue gives at once, and where to go on.

        Where one of them is none (open above the high), shorter pages are asked for up to it, and it alone is passed over.
        """
        for limit in (_PAGE, 100, 10, 1):
            try:
                candles = await self._candles(self.timeframe, since_ms=cursor_ms, limit=limit)
            except InvalidValueError as error:
                log.debug("%s: %s", self.config.name, error)
                continue
            fitting = [one for one in candles if cursor_ms <= to_epoch_ms(one.open_time) < end_ms]
            if fitting:
                return fitting, to_epoch_ms(fitting[-1].open_time) + self.step_ms
            is_past_end = any(to_epoch_ms(one.open_time) >= end_ms for one in candles)
            return [], end_ms if is_past_end else await self._after_nothing(cursor_ms)
        self.unusable += 1
        return [], cursor_ms + self.step_ms

    async def _after_nothing(self, cursor_ms: int) -> int:
        """Where to go on after an empty answer: the next day that has any candle, so that years before a listing cost little."""
        nearby_ms = cursor_ms + _SHORTEST_PAGE * self.step_ms
        if self.step_ms >= _DAY_MS:
            return nearby_ms
        days = await self._candles("1d", since_ms=cursor_ms - cursor_ms % _DAY_MS, limit=_PAGE)
        times = [to_epoch_ms(one.open_time) for one in days]
        following = [time_ms for time_ms in times if time_ms + _DAY_MS > cursor_ms]
        if not following:
            return nearby_ms
        return max(nearby_ms, min(following))

    async def _candles(self, timeframe: str, *, since_ms: int, limit: int) -> Sequence[Candle]:
        return await self._patiently(
            lambda: self.data.fetch_candles(
                self.symbol, timeframe=timeframe, since=from_epoch_ms(since_ms), limit=limit
            )
        )

    async def _patiently(self, read: Callable[[], Awaitable[Sequence[_T]]]) -> Sequence[_T]:
        """The answer, asked for again after temporary errors with doubling pauses, and after as long as a venue demands."""
        pause_s, tries = self.first_pause_s, 0
        while True:
            try:
                answer = await read()
            except VenueError as error:
                tries += 1
                most = _TRIES if self.has_answered else _FIRST_TRIES
                if tries == most or type(error.__cause__).__name__ in _FINAL:
                    raise VenueUnavailableError(f"{error}; {self._remedy()}") from error
                wait_s = max(pause_s, error.retry_after_s if isinstance(error, RateLimitedError) else 0.0)
                log.info("%s; trying again in %.0f s", error, wait_s)
                await asyncio.sleep(wait_s)
                pause_s = min(pause_s * 2, _MAX_PAUSE_S)
            else:
                self.has_answered = True
                return answer

    def _remedy(self) -> str:
        if self.has_answered:
            return "what came before is stored: the same command goes on from there"
        return f"it never answered: see whether this machine reaches {self.config.name}, then give the same command again"


async def _fetch(
    config: VenueConfig,
    driver: VenueDriver,
    *,
    timeframe: str,
    period: range,
    known: IntArray,
    first_pause_s: float,
    on_progress: Progress,
) -> Download:
    """Page after page over what is missing of the open times `period`, each stored before the next is asked for."""
    data = driver.market_data(config)
    source = _Source(data=data, config=config, timeframe=timeframe, first_pause_s=first_pause_s)
    merged, cursor_ms, earliest_ms = SaveReport(added=0, replaced=0, unchanged=0), period.start, None
    try:
        with ratelimit.lane(max_wait_s=_LANE_S):
            await source.check_symbol()
            while True:
                passed_ms = _next_missing(known, cursor_ms, step_ms=period.step)
                if earliest_ms is None and passed_ms > cursor_ms:
                    earliest_ms = cursor_ms
                cursor_ms = min(passed_ms, period.stop)
                on_progress((cursor_ms - period.start) // period.step, len(period))
                if cursor_ms >= period.stop:
                    break
                candles, cursor_ms = await source.page(cursor_ms, end_ms=period.stop)
                if candles:
                    merged += store.save(root(), _bars(candles, config=config, timeframe=timeframe))
                    earliest_ms = earliest_ms or to_epoch_ms(candles[0].open_time)
    finally:
        await data.close()
    return Download(
        since=from_epoch_ms(period.start),
        until=from_epoch_ms(period.stop),
        added=merged.added,
        replaced=merged.replaced,
        unusable=source.unusable,
        earliest=None if earliest_ms is None else from_epoch_ms(earliest_ms),
    )


def _next_missing(known: IntArray, cursor_ms: int, *, step_ms: int) -> int:
    """The first open time from `cursor_ms` on that is not stored."""
    rest = known[np.searchsorted(known, cursor_ms) :]
    if not rest.size or rest[0] != cursor_ms:
        return cursor_ms
    breaks = np.flatnonzero(np.diff(rest) != step_ms)
    return int(rest[breaks[0]] if breaks.size else rest[-1]) + step_ms


def _bars(candles: Sequence[Candle], *, config: VenueConfig, timeframe: str) -> Bars:
    def column(name: str) -> FloatArray:
        return np.array([float(getattr(candle, name)) for candle in candles])

    return Bars(
        venue=config.name,
        symbol=config.symbols[0],
        timeframe=timeframe,
        open_time_ms=np.array([to_epoch_ms(candle.open_time) for candle in candles], np.int64),
        open=column("open"),
        high=column("high"),
        low=column("low"),
        close=column("close"),
        volume_base=column("volume_base"),
    )
