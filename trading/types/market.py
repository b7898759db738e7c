"""What a venue shows to everybody: instruments, quotes, order books, trades, candles."""

from dataclasses import dataclass
from datetime import datetime
from decimal import Decimal

from trading.errors import InvalidValueError
from trading.types.terms import Side, aware, not_negative, positive


@dataclass(frozen=True, slots=True, kw_only=True)
class InstrumentSpec:
    """What may be traded, and in which steps. `max_size` None: the venue names no upper bound."""

    venue: str
    symbol: str
    base: str
    quote: str
    price_tick: Decimal
    size_step: Decimal
    min_size: Decimal
    min_notional: Decimal
    maker_fee_ratio: Decimal
    taker_fee_ratio: Decimal
    max_size: Decimal | None = None
    is_active: bool = True

    def __post_init__(self) -> None:
        positive("price_tick", self.price_tick)
        positive("size_step", self.size_step)
        not_negative("min_size", self.min_size)
        not_negative("min_notional", self.min_notional)


@dataclass(frozen=True, slots=True, kw_only=True)
class Quote:
    """Best bid and ask. `as_of` is the venue's time, `received_at` ours."""

    venue: str
    symbol: str
    bid: Decimal
    ask: Decimal
    bid_size: Decimal
    ask_size: Decimal
    as_of: datetime
    received_at: datetime

    def __post_init__(self) -> None:
        positive("bid", self.bid)
        positive("ask", self.ask)
        not_negative("bid_size", self.bid_size)
        not_negative("ask_size", self.ask_size)
        aware("as_of", self.as_of)
        aware("received_at", self.received_at)
        if self.bid >= self.ask:
            raise InvalidValueError(
                f"crossed quote on {self.venue} {self.symbol}: bid {self.bid}, ask {self.ask}"
            )

    @property
    def mid(self) -> Decimal:
        return (self.bid + self.ask) / 2

    @property
    def spread_bps(self) -> Decimal:
        return (self.ask - self.bid) / self.mid * 10_000

    def age_s(self, *, at: datetime) -> float:
        """Seconds since the older of the venue's time and our receipt; never negative."""
        return max((at - min(self.as_of, self.received_at)).total_seconds(), 0.0)


@dataclass(frozen=True, slots=True)
class BookLevel:
    price: Decimal
    size: Decimal


@dataclass(frozen=True, slots=True, kw_only=True)
class OrderBook:
    """A copy of a book: bids from the highest, asks from the lowest. `nonce` None: the venue gives no sequence."""

    venue: str
    symbol: str
    bids: tuple[BookLevel, ...]
    asks: tuple[BookLevel, ...]
    as_of: datetime
    received_at: datetime
    nonce: int | None = None

    def __post_init__(self) -> None:
        aware("as_of", self.as_of)
        aware("received_at", self.received_at)
        if self.bids and self.asks and self.bids[0].price >= self.asks[0].price:
            raise InvalidValueError(f"crossed book on {self.venue} {self.symbol}")

    def side(self, side: Side) -> tuple[BookLevel, ...]:
        """The levels that an order of `side` takes from."""
        return self.asks if side is Side.BUY else self.bids

    def near_depth_quote(self, *, within_bps: Decimal = Decimal(10)) -> tuple[Decimal, Decimal]:
        """Quote value of the bids and of the asks that rest within `within_bps` of the middle; zeros while a side is empty."""
        if not self.bids or not self.asks:
            return Decimal(0), Decimal(0)
        mid = (self.bids[0].price + self.asks[0].price) / 2
        reach = mid * within_bps / 10_000
        bids, asks = (
            sum((level.price * level.size for level in side if abs(level.price - mid) <= reach), Decimal(0))
            for side in (self.bids, self.asks)
        )
        return bids, asks

    def age_s(self, *, at: datetime) -> float:
        return max((at - min(self.as_of, self.received_at)).total_seconds(), 0.0)


@dataclass(frozen=True, slots=True, kw_only=True)
class PublicTrade:
    venue: str
    symbol: str
    trade_id: str
    price: Decimal
    size: Decimal
    side: Side | None
    as_of: datetime


@dataclass(frozen=True, slots=True, kw_only=True)
class Candle:
    """One bar. `open_time` is its first instant; only closed bars reach indicators."""

    open_time: datetime
    open: Decimal
    high: Decimal
    low: Decimal
    close: Decimal
    volume_base: Decimal

    def __post_init__(self) -> None:
        aware("open_time", self.open_time)
        for name, value in (
            ("open", self.open),
            ("high", self.high),
            ("low", self.low),
            ("close", self.close),
        ):
            positive(name, value)
        not_negative("volume_base", self.volume_base)
        if not self.low <= min(self.open, self.close) or not max(self.open, self.close) <= self.high:
            raise InvalidValueError(
                f"candle at {self.open_time.isoformat()}: open and close must lie inside low..high"
            )
