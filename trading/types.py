"""The desk's frozen values. They are checked when made: what exists is valid.

Prices and sizes are Decimal; sizes are in the base asset unless the name says otherwise; times are aware UTC.
"""

from dataclasses import dataclass, field
from datetime import datetime
from decimal import Decimal
from enum import StrEnum
from typing import Self

from trading.errors import InvalidValueError

ZERO = Decimal(0)
ONE = Decimal(1)


class Mode(StrEnum):
    """Paper and live differ by the venue only; shadow stops at the executor."""

    PAPER = "paper"
    SHADOW = "shadow"
    LIVE = "live"


class Side(StrEnum):
    BUY = "buy"
    SELL = "sell"

    @property
    def opposite(self) -> "Side":
        return Side.SELL if self is Side.BUY else Side.BUY


class OrderType(StrEnum):
    """STOP is a stop-market order: it rests until the last price reaches `stop_price`."""

    MARKET = "market"
    LIMIT = "limit"
    STOP = "stop"


class TimeInForce(StrEnum):
    GTC = "gtc"
    IOC = "ioc"
    FOK = "fok"


class TradingState(StrEnum):
    """REDUCING lets only reduce-only orders through; HALTED lets nothing through."""

    ACTIVE = "active"
    REDUCING = "reducing"
    HALTED = "halted"


class Purpose(StrEnum):
    """Why an order exists. Everything but ENTRY is reduce-only and computed by code."""

    ENTRY = "entry"
    EXIT = "exit"
    PROTECT = "protect"
    LIQUIDATE = "liquidate"


class OrderState(StrEnum):
    """The journal's states (ARCHITECTURE, "Rules that money depends on")."""

    PROPOSED = "proposed"
    APPROVED = "approved"
    SENDING = "sending"
    ACKED = "acked"
    UNKNOWN = "unknown"
    PARTIAL = "partial"
    FILLED = "filled"
    CANCELED = "canceled"
    REJECTED = "rejected"
    NOT_PLACED = "not_placed"
    ABORTED = "aborted"

    @property
    def is_terminal(self) -> bool:
        return self in _TERMINAL

    @property
    def may_rest_at_venue(self) -> bool:
        """True while the order exists, or may exist, at the venue."""
        return self in {OrderState.SENDING, OrderState.ACKED, OrderState.UNKNOWN, OrderState.PARTIAL}


_TERMINAL = frozenset(
    {OrderState.FILLED, OrderState.CANCELED, OrderState.REJECTED, OrderState.NOT_PLACED, OrderState.ABORTED}
)


class VenueOrderStatus(StrEnum):
    OPEN = "open"
    FILLED = "filled"
    CANCELED = "canceled"
    REJECTED = "rejected"


def positive(name: str, value: Decimal) -> None:
    if not value.is_finite() or value <= 0:
        raise InvalidValueError(f"{name} must be a positive number, not {value}")


def not_negative(name: str, value: Decimal) -> None:
    if not value.is_finite() or value < 0:
        raise InvalidValueError(f"{name} must be zero or more, not {value}")


def ratio(name: str, value: Decimal) -> None:
    if not value.is_finite() or not ZERO <= value <= ONE:
        raise InvalidValueError(f"{name} must lie between 0 and 1, not {value}")


def aware(name: str, value: datetime) -> None:
    if value.tzinfo is None:
        raise InvalidValueError(f"{name} must be an aware UTC time")


def round_down(value: Decimal, *, step: Decimal) -> Decimal:
    """The largest multiple of `step` that is not above `value`; exact."""
    rest = value % step  # has the sign of `value`
    return value - rest if rest >= 0 else value - rest - step


def round_up(value: Decimal, *, step: Decimal) -> Decimal:
    """The smallest multiple of `step` that is not below `value`; exact."""
    return -round_down(-value, step=step)


# --- market -----------------------------------------------------------------------------------------------------------


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


# --- orders, as a venue sees them -------------------------------------------------------------------------------------


@dataclass(frozen=True, slots=True, kw_only=True)
class OrderRequest:
    """One order to a venue. MARKET needs `price_bound` too: it is sent as a marketable limit IOC where the venue can.

    `price_bound` is the worst acceptable price; for LIMIT it is the limit. `stop_price` belongs to STOP only.
    """

    client_order_id: str
    symbol: str
    side: Side
    type: OrderType
    time_in_force: TimeInForce
    size_base: Decimal
    price_bound: Decimal | None = None
    stop_price: Decimal | None = None
    reduce_only: bool = False
    post_only: bool = False

    def __post_init__(self) -> None:
        positive("size_base", self.size_base)
        if (self.type is OrderType.STOP) != (self.stop_price is not None):
            raise InvalidValueError("a stop order needs a stop price, and no other order has one")
        if self.type is not OrderType.STOP and self.price_bound is None:
            raise InvalidValueError("an order needs a price bound: no order is sent at any price")
        for name, value in (("price_bound", self.price_bound), ("stop_price", self.stop_price)):
            if value is not None:
                positive(name, value)


@dataclass(frozen=True, slots=True, kw_only=True)
class VenueOrder:
    """An order as the venue reports it. `client_order_id` None: the venue did not say."""

    venue_order_id: str
    client_order_id: str | None
    symbol: str
    side: Side
    status: VenueOrderStatus
    size_base: Decimal
    filled_base: Decimal
    average_price: Decimal | None
    as_of: datetime


@dataclass(frozen=True, slots=True, kw_only=True)
class VenueFill:
    """An execution as the venue reports it; `trade_id` is unique per venue account and symbol."""

    trade_id: str
    venue_order_id: str
    client_order_id: str | None
    symbol: str
    side: Side
    price: Decimal
    size_base: Decimal
    fee: Decimal
    fee_asset: str
    is_maker: bool
    executed_at: datetime

    def __post_init__(self) -> None:
        positive("price", self.price)
        positive("size_base", self.size_base)
        aware("executed_at", self.executed_at)


@dataclass(frozen=True, slots=True, kw_only=True)
class Balance:
    asset: str
    free: Decimal
    locked: Decimal

    @property
    def total(self) -> Decimal:
        return self.free + self.locked


# --- ideas, as the debate passes them: typed fields, never prose ------------------------------------------------------


@dataclass(frozen=True, slots=True, kw_only=True)
class TradeIdea:
    """What the analyst proposes. `side` None means NO_TRADE, with the reason in `thesis`."""

    venue: str
    symbol: str
    side: Side | None
    confidence_ratio: Decimal
    horizon_s: int
    thesis: str

    def __post_init__(self) -> None:
        ratio("confidence_ratio", self.confidence_ratio)
        if self.horizon_s <= 0:
            raise InvalidValueError("horizon_s must be positive")


@dataclass(frozen=True, slots=True, kw_only=True)
class TradePlan:
    """How the trader would do it. Stop and target are distances in ATRs: code turns them into prices.

    `size_scale_ratio` can only shrink what code sizes.
    """

    order_type: OrderType
    stop_distance_atr: Decimal
    target_distance_atr: Decimal
    max_hold_s: int
    size_scale_ratio: Decimal = ONE
    rationale: str = ""

    def __post_init__(self) -> None:
        if self.order_type is OrderType.STOP:
            raise InvalidValueError("an entry is a market or a limit order")
        positive("stop_distance_atr", self.stop_distance_atr)
        positive("target_distance_atr", self.target_distance_atr)
        ratio("size_scale_ratio", self.size_scale_ratio)
        if self.max_hold_s <= 0:
            raise InvalidValueError("max_hold_s must be positive")


@dataclass(frozen=True, slots=True, kw_only=True)
class Review:
    """The risk manager's answer: it may refuse or shrink, never enlarge."""

    is_veto: bool
    size_scale_ratio: Decimal
    reasons: tuple[str, ...] = ()

    def __post_init__(self) -> None:
        ratio("size_scale_ratio", self.size_scale_ratio)


# --- risk -------------------------------------------------------------------------------------------------------------


@dataclass(frozen=True, slots=True, kw_only=True)
class PositionView:
    """An open position at liquidation value: `mark_price` is the bid for a long."""

    venue: str
    symbol: str
    base: str
    size_base: Decimal
    average_cost: Decimal
    mark_price: Decimal
    strategy: str = ""

    @property
    def notional_quote(self) -> Decimal:
        return self.size_base * self.mark_price


@dataclass(frozen=True, slots=True, kw_only=True)
class PendingOrder:
    """An entry that exists or may exist at a venue; it counts as filled until proved otherwise."""

    venue: str
    symbol: str
    base: str
    side: Side
    remaining_base: Decimal
    price: Decimal

    @property
    def notional_quote(self) -> Decimal:
        return self.remaining_base * self.price


@dataclass(frozen=True, slots=True, kw_only=True)
class Portfolio:
    """The account book in the reporting currency at one instant. `daily_realised_pnl` is since 00:00 UTC.

    `last_loss_at` is when the last losing round trip closed; None: no loss yet.
    """

    equity: Decimal
    equity_peak_24h: Decimal
    daily_realised_pnl: Decimal
    consecutive_losses: int
    last_loss_at: datetime | None = None
    positions: tuple[PositionView, ...] = ()
    pending: tuple[PendingOrder, ...] = ()

    @property
    def gross_exposure(self) -> Decimal:
        return sum((p.notional_quote for p in self.positions), ZERO) + sum(
            (o.notional_quote for o in self.pending if o.side is Side.BUY), ZERO
        )

    @property
    def drawdown_ratio(self) -> Decimal:
        """How far equity stands below its 24 h peak; 0 when there is no peak yet."""
        if self.equity_peak_24h <= 0:
            return ZERO
        return max(ZERO, ONE - self.equity / self.equity_peak_24h)


@dataclass(frozen=True, slots=True, kw_only=True)
class Snapshot:
    """Everything the rules may look at, frozen at one instant. None means not known, and not known means no trade."""

    at: datetime
    mode: Mode
    trading_state: TradingState
    breaker_epoch: int
    instrument: InstrumentSpec
    quote: Quote | None
    book: OrderBook | None
    atr: Decimal | None
    free_quote: Decimal
    free_base: Decimal
    portfolio: Portfolio
    watchdog_ok_until: datetime | None
    blacklist: frozenset[str] = frozenset()


@dataclass(frozen=True, slots=True, kw_only=True)
class ProposedOrder:
    """A sized order before the rules: what the verdict is about."""

    purpose: Purpose
    side: Side
    type: OrderType
    time_in_force: TimeInForce
    size_base: Decimal
    price_bound: Decimal
    stop_price: Decimal | None
    target_price: Decimal | None
    confidence_ratio: Decimal
    strategy: str = ""

    @property
    def notional_quote(self) -> Decimal:
        return self.size_base * self.price_bound


@dataclass(frozen=True, slots=True, kw_only=True)
class RuleResult:
    """One rule's answer. `numbers` holds what was compared, as text, so the verdict explains itself."""

    rule: str
    passed: bool
    message: str
    numbers: dict[str, str] = field(default_factory=dict)


@dataclass(frozen=True, slots=True, kw_only=True)
class Verdict:
    """All rules' answers; approved only if every one passed."""

    results: tuple[RuleResult, ...]

    @property
    def is_approved(self) -> bool:
        return bool(self.results) and all(result.passed for result in self.results)

    @property
    def vetoes(self) -> tuple[RuleResult, ...]:
        return tuple(result for result in self.results if not result.passed)

    def plus(self, result: RuleResult) -> Self:
        return type(self)(results=(*self.results, result))
