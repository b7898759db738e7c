"""Closed sets, the exact helpers that values are checked and rounded with, and the numbers zero and one."""

from datetime import datetime
from decimal import Decimal
from enum import StrEnum

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
