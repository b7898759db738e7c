"""The limits a verdict is measured against: one frozen set per risk profile, and ceilings that nothing can raise."""

from dataclasses import dataclass, fields
from decimal import Decimal

from trading.errors import InvalidValueError
from trading.risk.digest import digest

D = Decimal

# Nothing may exceed these: no profile, no setting, no command. The desk trades spot, so it borrows nothing.
HARD_CAPS: dict[str, Decimal] = {
    "risk_per_trade_ratio": D("0.02"),
    "kelly_fraction_ratio": D("0.5"),
    "confidence_weight_ratio": D("0.5"),
    "max_leverage_ratio": D("1"),
    "max_order_notional_ratio": D("0.5"),
    "max_order_notional_quote": D("1000000"),
    "max_asset_exposure_ratio": D("0.5"),
    "max_venue_exposure_ratio": D("1"),
    "max_daily_loss_ratio": D("0.05"),
    "max_drawdown_ratio": D("0.05"),
    "max_price_deviation_ratio": D("0.05"),
    "max_exit_deviation_ratio": D("0.25"),
    "max_slippage_bps": D("200"),
    "max_spread_bps": D("200"),
    "max_depth_ratio": D("0.5"),
    "max_stop_distance_atr": D("20"),
    "max_quote_age_s": D("5"),
    "max_mark_age_s": D("60"),
    "max_blind_s": D("120"),
    "max_consecutive_losses": D("10"),
}
MIN_COOL_DOWN_S = 300
MIN_RISK_PER_TRADE_RATIO = D("0.0005")


@dataclass(frozen=True, slots=True, kw_only=True)
class RiskLimits:
    """Ratios are parts of equity unless the name says otherwise; times are seconds. Contradictory limits do not exist."""

    profile: str
    risk_per_trade_ratio: Decimal
    kelly_fraction_ratio: Decimal
    confidence_weight_ratio: Decimal
    max_leverage_ratio: Decimal
    max_order_notional_ratio: Decimal
    max_asset_exposure_ratio: Decimal
    max_venue_exposure_ratio: Decimal
    max_daily_loss_ratio: Decimal
    max_consecutive_losses: int
    max_order_notional_quote: Decimal = D("100000")
    max_drawdown_ratio: Decimal = D("0.05")
    max_price_deviation_ratio: Decimal = D("0.05")
    max_exit_deviation_ratio: Decimal = D("0.20")
    max_slippage_bps: Decimal = D("30")
    max_spread_bps: Decimal = D("30")
    max_depth_ratio: Decimal = D("0.25")
    min_stop_distance_atr: Decimal = D("0.5")
    max_stop_distance_atr: Decimal = D("10")
    max_quote_age_s: int = 5
    max_mark_age_s: int = 15
    max_blind_s: int = 120
    loss_cool_down_s: int = 3600

    def __post_init__(self) -> None:
        for item in fields(self):
            if item.name != "profile":
                self._check_range(item.name, Decimal(getattr(self, item.name)))
        for smaller, larger in _ORDERED:
            if getattr(self, smaller) > getattr(self, larger):
                raise InvalidValueError(
                    f"{smaller} ({getattr(self, smaller)}) contradicts {larger} ({getattr(self, larger)}): "
                    "it must not be larger"
                )
        if self.loss_cool_down_s < MIN_COOL_DOWN_S:
            raise InvalidValueError(f"loss_cool_down_s must be at least {MIN_COOL_DOWN_S}")

    def _check_range(self, name: str, value: Decimal) -> None:
        if not value.is_finite() or value <= 0:
            raise InvalidValueError(f"{name} must be a positive number, not {value}")
        if name in HARD_CAPS and value > HARD_CAPS[name]:
            raise InvalidValueError(
                f"{name} is {value}, above the hard cap of {HARD_CAPS[name]}; give at most that"
            )

    @property
    def policy_hash(self) -> str:
        """SHA-256 over the canonical limits: an approval names the policy it was given under."""
        return digest(self)


_ORDERED = (
    ("risk_per_trade_ratio", "max_daily_loss_ratio"),
    ("max_daily_loss_ratio", "max_drawdown_ratio"),
    ("max_order_notional_ratio", "max_asset_exposure_ratio"),
    ("max_asset_exposure_ratio", "max_venue_exposure_ratio"),
    ("max_venue_exposure_ratio", "max_leverage_ratio"),
    ("max_price_deviation_ratio", "max_exit_deviation_ratio"),
    ("min_stop_distance_atr", "max_stop_distance_atr"),
    ("max_quote_age_s", "max_mark_age_s"),
    ("max_mark_age_s", "max_blind_s"),
)

PROFILES: dict[str, RiskLimits] = {
    limits.profile: limits
    for limits in (
        RiskLimits(
            profile="defensive",
            risk_per_trade_ratio=D("0.005"),
            kelly_fraction_ratio=D("0.25"),
            confidence_weight_ratio=D("0.4"),
            max_leverage_ratio=D("0.5"),
            max_order_notional_ratio=D("0.1"),
            max_asset_exposure_ratio=D("0.2"),
            max_venue_exposure_ratio=D("0.4"),
            max_daily_loss_ratio=D("0.01"),
            max_consecutive_losses=3,
        ),
        RiskLimits(
            profile="balanced",
            risk_per_trade_ratio=D("0.01"),
            kelly_fraction_ratio=D("0.35"),
            confidence_weight_ratio=D("0.5"),
            max_leverage_ratio=D("0.8"),
            max_order_notional_ratio=D("0.2"),
            max_asset_exposure_ratio=D("0.3"),
            max_venue_exposure_ratio=D("0.6"),
            max_daily_loss_ratio=D("0.02"),
            max_consecutive_losses=4,
        ),
        RiskLimits(
            profile="aggressive",
            risk_per_trade_ratio=D("0.02"),
            kelly_fraction_ratio=D("0.5"),
            confidence_weight_ratio=D("0.5"),
            max_leverage_ratio=D("1"),
            max_order_notional_ratio=D("0.3"),
            max_asset_exposure_ratio=D("0.4"),
            max_venue_exposure_ratio=D("0.8"),
            max_daily_loss_ratio=D("0.03"),
            max_consecutive_losses=5,
        ),
    )
}


def for_profile(profile: str) -> RiskLimits:
    """The limits of a profile; raises InvalidValueError for a name that is none, because a guess would be a risk."""
    try:
        return PROFILES[profile]
    except KeyError as error:
        raise InvalidValueError(
            f"risk profile {profile!r} is unknown; give one of: {', '.join(PROFILES)}"
        ) from error


def for_exit(profile: str) -> RiskLimits:
    """The limits for what only reduces; an unknown profile stops new risk, never the way out."""
    return PROFILES.get(profile, PROFILES["defensive"])
