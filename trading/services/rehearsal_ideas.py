"""What a strategy says at a close, as the typed values that a debate would pass to the gate: idea, plan, review. Rule-based, always alike."""

from decimal import Decimal

import numpy as np

from trading.types import (
    ONE,
    InstrumentSpec,
    OrderType,
    Quote,
    Review,
    Side,
    TradeIdea,
    TradePlan,
)
from trading.types.research import FloatArray, Signals

# No target: one so many times the price away that no market gets there.
NO_TARGET_RATIO = 10.0
_NO_TIME_STOP_S = 10 * 365 * 24 * 3600
_BY_RULE = "the strategy's signal, taken as it is"
REVIEW = Review(is_veto=False, size_scale_ratio=ONE, reasons=("rule-based: taken as it is",))


def propose(
    signals: Signals, *, bar: int, step_ms: int, spec: InstrumentSpec, quote: Quote, atr: Decimal | None
) -> tuple[TradeIdea, TradePlan]:
    """The signal of `bar`, its distances in ATRs of now. Raises InvalidValueError for numbers no plan can hold (a stop of NaN)."""
    max_hold_s = signals.max_hold_bars * step_ms // 1000 or _NO_TIME_STOP_S
    target_ratio = said(signals.target_ratio, bar)

    def distance_atr(ratio: float) -> Decimal:
        # Without a volatility the gate refuses, whatever the distance.
        return quote.ask * Decimal(str(ratio)) / atr if atr else ONE

    idea = TradeIdea(
        venue=spec.venue,
        symbol=spec.symbol,
        side=Side.BUY,
        confidence_ratio=Decimal(str(said(signals.confidence_ratio, bar))),
        horizon_s=max_hold_s,
        thesis=_BY_RULE,
    )
    plan = TradePlan(
        order_type=OrderType.MARKET,
        stop_distance_atr=distance_atr(said(signals.stop_ratio, bar)),
        target_distance_atr=distance_atr(NO_TARGET_RATIO if np.isnan(target_ratio) else target_ratio),
        max_hold_s=max_hold_s,
        rationale=_BY_RULE,
    )
    return idea, plan


def said(column: FloatArray, bar: int) -> float:
    """What a column of signals says at `bar`: one value per bar, or one for all."""
    return float(column[bar] if column.size > 1 else column[0])
