"""Values for the risk tests: a calm market, a rich desk, and an entry every rule agrees with."""

from dataclasses import replace
from datetime import UTC, datetime, timedelta
from decimal import Decimal
from typing import Any

from trading.risk.limits import PROFILES
from trading.types import (
    BookLevel,
    InstrumentSpec,
    Mode,
    OrderBook,
    OrderType,
    Portfolio,
    PositionView,
    ProposedOrder,
    Purpose,
    Quote,
    Review,
    Side,
    Snapshot,
    TimeInForce,
    TradeIdea,
    TradePlan,
    TradingState,
)

D = Decimal
AT = datetime(2026, 11, 20, 12, 0, tzinfo=UTC)
LIMITS = PROFILES["balanced"]
INSTRUMENT = InstrumentSpec(
    venue="binance",
    symbol="BTC/USDT",
    base="BTC",
    quote="USDT",
    price_tick=D("0.01"),
    size_step=D("0.00001"),
    min_size=D("0.00001"),
    min_notional=D(5),
    maker_fee_ratio=D("0.001"),
    taker_fee_ratio=D("0.001"),
)


def quote(*, bid: str = "49999.99", ask: str = "50000.01", age_s: float = 1, **changes: Any) -> Quote:
    then = AT - timedelta(seconds=age_s)
    fields = {
        "venue": "binance",
        "symbol": "BTC/USDT",
        "bid": D(bid),
        "ask": D(ask),
        "bid_size": D(1),
        "ask_size": D(1),
        "as_of": then,
        "received_at": then,
    }
    return Quote(**{**fields, **changes})


def book(*, bid: str = "49999.99", ask: str = "50000.01", size: str = "1", age_s: float = 1) -> OrderBook:
    then = AT - timedelta(seconds=age_s)
    steps = [D(5) * index for index in range(20)]
    return OrderBook(
        venue="binance",
        symbol="BTC/USDT",
        bids=tuple(BookLevel(D(bid) - step, D(size)) for step in steps),
        asks=tuple(BookLevel(D(ask) + step, D(size)) for step in steps),
        as_of=then,
        received_at=then,
    )


def portfolio(**changes: Any) -> Portfolio:
    fields = {
        "equity": D(20_000),
        "equity_peak_24h": D(20_000),
        "daily_realised_pnl": D(0),
        "consecutive_losses": 0,
    }
    return Portfolio(**{**fields, **changes})


def snapshot(**changes: Any) -> Snapshot:
    fields = {
        "at": AT,
        "mode": Mode.PAPER,
        "trading_state": TradingState.ACTIVE,
        "breaker_epoch": 3,
        "instrument": INSTRUMENT,
        "quote": quote(),
        "book": book(),
        "atr": D(100),
        "free_quote": D(10_000),
        "free_base": D(0),
        "portfolio": portfolio(),
        "watchdog_ok_until": AT + timedelta(seconds=10),
    }
    return Snapshot(**{**fields, **changes})


def entry(**changes: Any) -> ProposedOrder:
    """0.05 BTC at up to 50,150: notional 2,507.50; stop 600 below, target 1,800 above."""
    fields = {
        "purpose": Purpose.ENTRY,
        "side": Side.BUY,
        "type": OrderType.MARKET,
        "time_in_force": TimeInForce.IOC,
        "size_base": D("0.05"),
        "price_bound": D("50150"),
        "stop_price": D("49400"),
        "target_price": D("51800"),
        "confidence_ratio": D("0.7"),
    }
    return ProposedOrder(**{**fields, **changes})


def exit_order(**changes: Any) -> ProposedOrder:
    return replace(
        entry(),
        **{
            "purpose": Purpose.EXIT,
            "side": Side.SELL,
            "price_bound": D("49800"),
            "stop_price": None,
            "target_price": None,
            **changes,
        },
    )


def holding(size: str = "0.05", *, venue: str = "binance", base: str = "BTC") -> PositionView:
    return PositionView(
        venue=venue,
        symbol=f"{base}/USDT",
        base=base,
        size_base=D(size),
        average_cost=D(50_000),
        mark_price=D("49999.99"),
    )


def idea(**changes: Any) -> TradeIdea:
    fields = {
        "venue": "binance",
        "symbol": "BTC/USDT",
        "side": Side.BUY,
        "confidence_ratio": D("0.7"),
        "horizon_s": 3600,
        "thesis": "momentum",
    }
    return TradeIdea(**{**fields, **changes})


def plan(**changes: Any) -> TradePlan:
    fields = {
        "order_type": OrderType.MARKET,
        "stop_distance_atr": D(6),
        "target_distance_atr": D(18),
        "max_hold_s": 3600,
    }
    return TradePlan(**{**fields, **changes})


def review(**changes: Any) -> Review:
    return Review(**{"is_veto": False, "size_scale_ratio": D(1), **changes})
