"""Strategies at the live market: which are switched on, whether they may run on an instrument, and what they say at the newest close.

Live, the same `signals()` looks at the stored candles that a backtest looks at in history. What a backtest knows and the desk does not
(news, other legs) is a reason not to run, given in words.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime, timedelta
from decimal import Decimal

import numpy as np
from django.conf import settings

from trading import indicators
from trading.backtest.capital import terms_of
from trading.errors import InvalidValueError
from trading.models import Instrument, Position
from trading.playbook import Play
from trading.protocols import Strategy
from trading.services import market, protection, strategies
from trading.services.market_bars import TIMEFRAMES
from trading.types import Candle, Mode, Quote
from trading.types.research import Bars, FloatArray, Signals

# Feature columns that the desk can fill at the newest close.
BOOK_SHARE = "bid_share_ratio"
LIVE_FEATURES = frozenset({BOOK_SHARE})
# A close is acted on this long; later its next bar has begun in earnest.
_SLACK = timedelta(seconds=15)


@dataclass(frozen=True, slots=True, kw_only=True)
class LiveStrategy:
    """A strategy that is switched on, with the numbers of its page as they stand now."""

    engine: Strategy
    play: Play
    timeframe: str
    values: Mapping[str, float]

    @property
    def needed_candles(self) -> int:
        """How many of the newest closed candles it looks at."""
        return self.engine.warmup_bars(self.values) + 1


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class Look:
    """What a strategy said about the newest closed bars."""

    bars: Bars
    signals: Signals
    closed_at: datetime

    def said(self, column: str) -> float:
        """What `column` says at the newest close."""
        values: FloatArray = getattr(self.signals, column)
        return float(values[-1])


def switched_on() -> tuple[str, ...]:
    """What the operator named in NEURATRADE_STRATEGIES, `name` or `name:timeframe` each."""
    return tuple(settings.STRATEGIES)


def open_one(entry: str) -> LiveStrategy:
    """The strategy behind `name` or `name:timeframe`; InvalidValueError in one line when it cannot run live at all."""
    name, _, timeframe = entry.partition(":")
    engine, play = strategies.find(name)
    timeframe = timeframe or next(
        (known for known in play.timeframes if known in TIMEFRAMES), play.timeframes[0]
    )
    play.require_timeframe(timeframe)
    if timeframe not in TIMEFRAMES:
        raise InvalidValueError(f"live candles are {', '.join(TIMEFRAMES)}; there are none of {timeframe}")
    if engine.is_pair:
        raise InvalidValueError(
            "it needs two legs, one of them short; the desk trades one spot leg at a time"
        )
    missing = [feature for feature in engine.features if feature not in LIVE_FEATURES]
    if missing:
        raise InvalidValueError(f"it needs {', '.join(missing)}, which nothing feeds live yet")
    return LiveStrategy(engine=engine, play=play, timeframe=timeframe, values=play.values())


def objection(live: LiveStrategy, *, instrument: Instrument, quote: Quote) -> str:
    """Why it may not trade `instrument` at these fees and this spread; empty when it may. Each fill costs half the spread."""
    terms = terms_of(instrument.spec, slippage_bps=quote.spread_bps / 2)
    return live.engine.objection(live.values, terms=(terms,))


def look(live: LiveStrategy, *, instrument: Instrument, at: datetime) -> Look:
    """What it says at the newest close. InvalidValueError in one line when there are too few candles, or the newest is old."""
    length = TIMEFRAMES[live.timeframe]
    needed = live.needed_candles
    candles = market.candles(instrument=instrument, timeframe=live.timeframe, before=at, limit=needed)
    if len(candles) < needed:
        raise InvalidValueError(f"needs {needed} closed {live.timeframe} candles, has {len(candles)}")
    missing = round((candles[-1].open_time - candles[0].open_time) / length) + 1 - needed
    if missing:
        raise InvalidValueError(
            f"{missing} {live.timeframe} candles are missing among the newest {needed + missing}"
        )
    closed_at = candles[-1].open_time + length
    age = at - closed_at
    if age >= length + _SLACK:
        raise InvalidValueError(
            f"its candles are late: the newest {live.timeframe} close is {age.total_seconds():.0f} s old"
        )
    if age > timedelta(seconds=settings.MICRO_EVERY_S) + _SLACK:
        raise InvalidValueError(f"waits for the next {live.timeframe} close")
    features = {}
    if BOOK_SHARE in (*live.engine.features, *live.engine.optional_features):
        features[BOOK_SHARE] = _only_last(_bid_share(instrument, at=at), size=len(candles))
    bars = bars_of(candles, instrument=instrument, timeframe=live.timeframe, features=features)
    return Look(bars=bars, signals=say(live.engine, bars, values=live.values), closed_at=closed_at)


def say(engine: Strategy, bars: Bars, *, values: Mapping[str, float]) -> Signals:
    return engine.signals(bars, parameters=values, indicators=indicators.provider())


def bars_of(
    candles: list[Candle],
    *,
    instrument: Instrument,
    timeframe: str,
    features: Mapping[str, FloatArray] | None = None,
) -> Bars:
    """Stored candles, oldest first, as columns."""

    def column(name: str) -> FloatArray:
        return np.array([float(getattr(candle, name)) for candle in candles], dtype=np.float64)

    return Bars(
        venue=instrument.venue.name,
        symbol=instrument.symbol,
        timeframe=timeframe,
        open_time_ms=np.array(
            [round(candle.open_time.timestamp() * 1000) for candle in candles], dtype=np.int64
        ),
        open=column("open"),
        high=column("high"),
        low=column("low"),
        close=column("close"),
        volume_base=column("volume_base"),
        features=features or {},
    )


def held_by(name: str, *, mode: Mode) -> int:
    """How many positions are open that the strategy `name` opened."""
    rows = Position.objects.filter(account__mode=mode, decision__skill_name=name).select_related("instrument")
    return sum(1 for position in rows if not protection.is_left_over(position))


def _bid_share(instrument: Instrument, *, at: datetime) -> float:
    """The bids' part of what rests within 10 bps of the middle; NaN without a fresh book."""
    book = market.latest_book(venue=instrument.venue.name, symbol=instrument.symbol)
    if book is None or book.age_s(at=at) > market.FRESH_S or not book.bids or not book.asks:
        return float("nan")
    bids, asks = book.near_depth_quote()
    return float(bids / (bids + asks)) if bids + asks else float("nan")


def _only_last(value: float, *, size: int) -> FloatArray:
    """Known at the newest close only: older books are not kept."""
    column = np.full(size, np.nan)
    column[-1] = value
    return column


def as_text(value: float) -> str:
    """A float as the plain decimal that evidence and briefs carry."""
    return format(Decimal(str(round(value, 8))).normalize(), "f")
