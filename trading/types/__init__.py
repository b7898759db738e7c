"""The desk's frozen values. They are checked when made: what exists is valid.

Prices and sizes are Decimal; sizes are in the base asset unless the name says otherwise; times are aware UTC.
"""

from trading.types.ideas import Review, TradeIdea, TradePlan
from trading.types.market import BookLevel, Candle, InstrumentSpec, OrderBook, PublicTrade, Quote
from trading.types.orders import Balance, OrderRequest, VenueFill, VenueOrder
from trading.types.risk import (
    PendingOrder,
    Portfolio,
    PositionView,
    ProposedOrder,
    RuleResult,
    Snapshot,
    Verdict,
)
from trading.types.terms import (
    ONE,
    ZERO,
    Mode,
    OrderState,
    OrderType,
    Purpose,
    Side,
    TimeInForce,
    TradingState,
    VenueOrderStatus,
    aware,
    not_negative,
    positive,
    ratio,
    round_down,
    round_up,
)

__all__ = [
    "Balance",
    "BookLevel",
    "Candle",
    "InstrumentSpec",
    "Mode",
    "ONE",
    "OrderBook",
    "OrderRequest",
    "OrderState",
    "OrderType",
    "PendingOrder",
    "Portfolio",
    "PositionView",
    "ProposedOrder",
    "PublicTrade",
    "Purpose",
    "Quote",
    "Review",
    "RuleResult",
    "Side",
    "Snapshot",
    "TimeInForce",
    "TradeIdea",
    "TradePlan",
    "TradingState",
    "VenueFill",
    "VenueOrder",
    "VenueOrderStatus",
    "Verdict",
    "ZERO",
    "aware",
    "not_negative",
    "positive",
    "ratio",
    "round_down",
    "round_up",
]
