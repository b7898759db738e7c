"""What a backtest has at stake: the desk's own limits and instruments, as the floats the kernel counts with."""

from decimal import Decimal

from trading.errors import InvalidValueError
from trading.risk.limits import RiskLimits
from trading.types import InstrumentSpec
from trading.types.research import Capital, MarketTerms

_RATIOS = (
    "risk_per_trade_ratio",
    "kelly_fraction_ratio",
    "confidence_weight_ratio",
    "max_order_notional_ratio",
    "max_order_notional_quote",
    "max_asset_exposure_ratio",
    "max_venue_exposure_ratio",
    "max_leverage_ratio",
    "max_slippage_bps",
)


def from_limits(limits: RiskLimits, *, start_equity: float, max_open_positions: int = 0) -> Capital:
    """The limits of a risk profile over `start_equity` quote. Raises InvalidValueError for equity that is not positive."""
    _check(start_equity, max_open_positions=max_open_positions)
    return Capital(
        start_equity=float(start_equity),
        max_open_positions=max_open_positions,
        **{name: float(getattr(limits, name)) for name in _RATIOS},
    )


def unlimited(*, start_equity: float, max_slippage_bps: float = 0.0) -> Capital:
    """All the cash into every trade, as other engines do by default: for comparing engines, not for judging a strategy."""
    _check(start_equity, max_open_positions=0)
    none = float("inf")
    return Capital(
        start_equity=float(start_equity),
        risk_per_trade_ratio=none,
        kelly_fraction_ratio=none,
        confidence_weight_ratio=0.0,
        max_order_notional_ratio=none,
        max_order_notional_quote=none,
        max_asset_exposure_ratio=none,
        max_venue_exposure_ratio=none,
        max_leverage_ratio=none,
        max_slippage_bps=max_slippage_bps,
    )


def terms_of(spec: InstrumentSpec, *, slippage_bps: float | Decimal = 0.0) -> MarketTerms:
    """An instrument's fees and steps. The venue's largest order size is left out: the notional caps bind long before it."""
    return MarketTerms(
        venue=spec.venue,
        symbol=spec.symbol,
        maker_fee_ratio=float(spec.maker_fee_ratio),
        taker_fee_ratio=float(spec.taker_fee_ratio),
        slippage_bps=float(slippage_bps),
        price_tick=float(spec.price_tick),
        size_step=float(spec.size_step),
        min_size=float(spec.min_size),
        min_notional=float(spec.min_notional),
    )


def _check(start_equity: float, *, max_open_positions: int) -> None:
    if not 0 < start_equity < float("inf"):
        raise InvalidValueError(f"start_equity must be a positive number, not {start_equity}")
    if max_open_positions < 0:
        raise InvalidValueError(f"max_open_positions must be zero or more, not {max_open_positions}")
