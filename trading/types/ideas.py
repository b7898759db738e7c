"""What the debate passes on: typed fields, never prose."""

from dataclasses import dataclass
from decimal import Decimal

from trading.errors import InvalidValueError
from trading.types.terms import ONE, OrderType, Side, positive, ratio


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
