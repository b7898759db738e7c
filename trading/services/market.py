"""The market as the rest of the desk reads it: newest values from Redis, closed candles from SQL.

`watch_market` writes all of it (trading/services/market_watch.py). Whoever decides checks the age of what it gets.
"""

from dataclasses import dataclass
from datetime import datetime, timedelta
from decimal import Decimal
from typing import Any

import orjson

from neuratrade.lib import redis as bus
from neuratrade.lib.clock import from_epoch_ms, to_epoch_ms
from trading import indicators
from trading.errors import StaleDataError
from trading.models import CandleRow, Instrument
from trading.services import market_wire
from trading.services.market_bars import TIMEFRAMES
from trading.types import Candle, OrderBook, PublicTrade, Quote

FRESH_S = 5.0
ATR_PERIOD = 14
_ATR_TIMEFRAME = "5m"
_ATR_CANDLES = 100
_ATR_MAX_AGE = timedelta(minutes=20)


@dataclass(frozen=True, slots=True, kw_only=True)
class StreamHealth:
    """One watched instrument's stream. `age_s` None: never seen. `source` is websocket, rest or none; `status` is the venue's:
    ok, degraded (maintenance, or data over REST only) or unknown.
    """

    venue: str
    symbol: str
    age_s: float | None
    is_fresh: bool
    source: str
    messages_per_s: float
    status: str


def latest_quote(*, venue: str, symbol: str) -> Quote | None:
    """The newest quote, however old; None when none was ever seen. Raises StaleDataError when Redis is away."""
    raw = _ask("get", bus.latest_key(venue=venue, symbol=symbol, kind="quote"))
    return None if raw is None else market_wire.load_quote(raw)


def latest_book(*, venue: str, symbol: str) -> OrderBook | None:
    """The newest book (best 20 levels), however old; None when none was ever seen. Raises StaleDataError when Redis is away."""
    raw = _ask("get", bus.latest_key(venue=venue, symbol=symbol, kind="book"))
    return None if raw is None else market_wire.load_book(raw)


def recent_trades(*, venue: str, symbol: str, since: datetime) -> list[PublicTrade]:
    """The venue's trades after `since`, oldest first, as far as the last thousand reach. Raises StaleDataError."""
    rows = _ask("lrange", bus.trades_key(venue=venue, symbol=symbol), 0, -1)
    trades = [market_wire.load_trade(row, venue=venue, symbol=symbol) for row in reversed(rows)]
    return [trade for trade in trades if trade.as_of > since]


def recent_prices(*, venue: str, symbol: str, since: datetime) -> list[tuple[datetime, Decimal]]:
    """Mid prices from `since` on, oldest first, at most one a second, for up to two hours. Raises StaleDataError."""
    key = bus.prices_key(venue=venue, symbol=symbol)
    rows = _ask("zrangebyscore", key, to_epoch_ms(since), "+inf")
    prices = []
    for row in rows:
        epoch_ms, _, price = row.partition(":")
        prices.append((from_epoch_ms(int(epoch_ms)), Decimal(price)))
    return prices


def candles(*, instrument: Instrument, timeframe: str, before: datetime, limit: int) -> list[Candle]:
    """The last `limit` candles that were closed at `before`, oldest first. Timeframes: 1m, 5m, 1h."""
    rows = CandleRow.objects.filter(
        instrument=instrument, timeframe=timeframe, open_time__lte=before - TIMEFRAMES[timeframe]
    ).order_by("-open_time")[:limit]
    return [candle_of(row) for row in reversed(rows)]


def candle_of(row: CandleRow) -> Candle:
    return Candle(
        open_time=row.open_time,
        open=row.open,
        high=row.high,
        low=row.low,
        close=row.close,
        volume_base=row.volume_base,
    )


def atr(*, instrument: Instrument, at: datetime) -> Decimal | None:
    """Wilder's ATR(14) over 5m candles, in price units; None when there are too few or the newest is older than 20 minutes."""
    bars = candles(instrument=instrument, timeframe=_ATR_TIMEFRAME, before=at, limit=_ATR_CANDLES)
    if len(bars) <= ATR_PERIOD or at - bars[-1].open_time > _ATR_MAX_AGE:
        return None
    high = [float(bar.high) for bar in bars]
    low = [float(bar.low) for bar in bars]
    close = [float(bar.close) for bar in bars]
    value = indicators.atr(high, low, close, period=ATR_PERIOD)[-1]
    return Decimal(str(float(value)))


def stream_health(*, at: datetime) -> list[StreamHealth]:
    """Every watched instrument of every enabled venue, in order. Raises StaleDataError when Redis is away."""
    watched = list(
        Instrument.objects.filter(venue__is_enabled=True, is_watched=True)
        .order_by("venue__name", "symbol")
        .values_list("venue__name", "symbol")
    )
    if not watched:
        return []
    keys = [bus.latest_key(venue=venue, symbol=symbol, kind="health") for venue, symbol in watched]
    raws = _ask("mget", keys)
    return [
        _health(venue, symbol, raw=raw, at=at) for (venue, symbol), raw in zip(watched, raws, strict=True)
    ]


def _health(venue: str, symbol: str, *, raw: str | None, at: datetime) -> StreamHealth:
    data: dict[str, Any] = {} if raw is None else orjson.loads(raw)
    seen_ms = data.get("seen_ms")
    age_s = None if seen_ms is None else max((at - from_epoch_ms(seen_ms)).total_seconds(), 0.0)
    # the numbers are those of the last report; a watcher that died reports nothing
    is_reported = raw is not None and to_epoch_ms(at) - data["reported_ms"] < FRESH_S * 1000
    return StreamHealth(
        venue=venue,
        symbol=symbol,
        age_s=age_s,
        is_fresh=age_s is not None and age_s <= FRESH_S,
        source=data["source"] if is_reported else "none",
        messages_per_s=data["messages_per_s"] if is_reported else 0.0,
        status=data["status"] if is_reported else "unknown",
    )


def _ask(command: str, *arguments: Any) -> Any:
    import redis

    try:
        return bus.ask(command, *arguments)
    except redis.RedisError as error:
        raise StaleDataError(f"market data is out of reach, Redis is away ({error})") from error
