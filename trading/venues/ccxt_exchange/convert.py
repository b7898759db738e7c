"""ccxt's structures to the desk's values, and ccxt's exceptions to the desk's errors."""

from collections.abc import Mapping, Sequence
from datetime import datetime
from decimal import Decimal, InvalidOperation
from functools import lru_cache
from typing import Any

from neuratrade.lib.clock import from_epoch_ms
from trading.errors import InvalidValueError, RateLimitedError, VenueError, VenueUnavailableError
from trading.types import BookLevel, Candle, InstrumentSpec, OrderBook, PublicTrade, Quote, Side
from trading.types.research import TIMEFRAME_S

TIMEFRAME_MS = {timeframe: length_s * 1000 for timeframe, length_s in TIMEFRAME_S.items()}
_DECIMAL_PLACES = 2
_TICK_SIZE = 4


@lru_cache(maxsize=1 << 16)
def exact(value: float | str) -> Decimal:
    """The shortest decimal that is this number: what the venue wrote, for floats of up to 15 digits and for text."""
    try:
        return Decimal(value if isinstance(value, str) else repr(value))
    except InvalidOperation as error:
        raise InvalidValueError(f"{value!r} is not a number") from error


def optional(value: float | str | None) -> Decimal | None:
    return None if value is None else exact(value)


def instrument_of(market: Mapping[str, Any], *, venue: str, precision_mode: int) -> InstrumentSpec:
    """Raises InvalidValueError when the venue does not say what an order needs to respect."""
    precision, limits = market["precision"], market["limits"]
    tick, step = precision.get("price"), precision.get("amount")
    if tick is None or step is None or market.get("taker") is None or market.get("maker") is None:
        raise InvalidValueError(
            f"{venue} {market['symbol']}: the venue names no tick, step or fee; it cannot be traded"
        )
    size_step = _step(step, precision_mode=precision_mode)
    return InstrumentSpec(
        venue=venue,
        symbol=market["symbol"],
        base=market["base"],
        quote=market["quote"],
        price_tick=_step(tick, precision_mode=precision_mode),
        size_step=size_step,
        min_size=optional(limits["amount"].get("min")) or size_step,
        max_size=optional(limits["amount"].get("max")) or None,
        min_notional=optional(limits["cost"].get("min")) or Decimal(0),
        maker_fee_ratio=exact(market["maker"]),
        taker_fee_ratio=exact(market["taker"]),
        is_active=market.get("active") is not False,
    )


def _step(value: float | str, *, precision_mode: int) -> Decimal:
    if precision_mode == _TICK_SIZE:
        return exact(value)
    if precision_mode == _DECIMAL_PLACES:
        return Decimal(1).scaleb(-int(exact(value)))
    raise InvalidValueError(
        "the exchange counts significant digits, which have no fixed tick; it cannot be traded"
    )


def quote_of(
    *, venue: str, symbol: str, bid: Sequence[float], ask: Sequence[float], as_of_ms: int, received_ms: int
) -> Quote:
    return Quote(
        venue=venue,
        symbol=symbol,
        bid=exact(bid[0]),
        ask=exact(ask[0]),
        bid_size=exact(bid[1]),
        ask_size=exact(ask[1]),
        as_of=from_epoch_ms(as_of_ms),
        received_at=from_epoch_ms(received_ms),
    )


def book_of(
    book: Mapping[str, Any], *, venue: str, symbol: str, depth: int, as_of_ms: int, received_ms: int
) -> OrderBook:
    """A copy of the best `depth` levels; ccxt goes on changing the object it handed out."""
    nonce = book.get("nonce")
    return OrderBook(
        venue=venue,
        symbol=symbol,
        bids=tuple(BookLevel(exact(level[0]), exact(level[1])) for level in book["bids"][:depth]),
        asks=tuple(BookLevel(exact(level[0]), exact(level[1])) for level in book["asks"][:depth]),
        as_of=from_epoch_ms(as_of_ms),
        received_at=from_epoch_ms(received_ms),
        nonce=None if nonce is None else int(nonce),
    )


def trade_of(trade: Mapping[str, Any], *, venue: str) -> PublicTrade:
    """Raises InvalidValueError when price, size or time is missing or unusable."""
    price, size, at_ms = trade.get("price"), trade.get("amount"), trade.get("timestamp")
    if not price or size is None or not at_ms:
        raise InvalidValueError(f"{venue} {trade.get('symbol')}: a trade without price, size or time")
    side = trade.get("side")
    return PublicTrade(
        venue=venue,
        symbol=trade["symbol"],
        trade_id=str(trade.get("id") or ""),
        price=exact(price),
        size=exact(size),
        side=Side(side) if side in {"buy", "sell"} else None,
        as_of=from_epoch_ms(int(at_ms)),
    )


def candles_of(rows: Sequence[Sequence[Any]], *, timeframe: str, at: datetime) -> list[Candle]:
    """Only bars that were closed at `at`, oldest first; a bar with an empty price is left out."""
    duration_ms, at_ms = TIMEFRAME_MS[timeframe], at.timestamp() * 1000
    return [
        Candle(
            open_time=from_epoch_ms(int(row[0])),
            open=exact(row[1]),
            high=exact(row[2]),
            low=exact(row[3]),
            close=exact(row[4]),
            volume_base=exact(row[5] or 0.0),
        )
        for row in sorted(rows, key=lambda row: int(row[0]))
        if int(row[0]) + duration_ms <= at_ms and all(row[1:5])
    ]


def venue_error(error: Exception, *, venue: str) -> VenueError:
    """A failed read in the desk's words; `RateLimitedError` when the venue says "too much"."""
    import ccxt

    if isinstance(error, VenueError):
        return error
    text = f"{venue}: {type(error).__name__}: {' '.join(str(error).split())[:200]}"
    if isinstance(error, ccxt.DDoSProtection | ccxt.RateLimitExceeded):
        return RateLimitedError(text, retry_after_s=10.0)
    return VenueUnavailableError(text)
