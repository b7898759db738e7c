"""Limits: the profiles are ordered, the caps hold, contradictions are refused."""

from dataclasses import fields, replace
from decimal import Decimal as D

import pytest

from trading.errors import InvalidValueError
from trading.risk.limits import HARD_CAPS, PROFILES, RiskLimits, for_profile


def test_profiles_are_ordered_by_daring():
    defensive, balanced, aggressive = (PROFILES[name] for name in ("defensive", "balanced", "aggressive"))
    for name in HARD_CAPS:
        values = [getattr(limits, name) for limits in (defensive, balanced, aggressive)]
        assert values == sorted(values), name
    assert D("0.005") == defensive.risk_per_trade_ratio
    assert D("0.02") == aggressive.risk_per_trade_ratio
    assert {limits.max_drawdown_ratio for limits in PROFILES.values()} == {D("0.05")}


@pytest.mark.parametrize("name", sorted(HARD_CAPS))
def test_nothing_raises_a_hard_cap(name):
    with pytest.raises(InvalidValueError, match=name):
        replace(PROFILES["aggressive"], **{name: HARD_CAPS[name] + D("0.001")})  # type: ignore[arg-type]


@pytest.mark.parametrize("name", [item.name for item in fields(RiskLimits) if item.name != "profile"])
@pytest.mark.parametrize("bad", [D(0), D(-1), D("NaN"), D("Infinity")])
def test_only_positive_numbers_are_limits(name, bad):
    with pytest.raises(InvalidValueError, match=name):
        replace(PROFILES["balanced"], **{name: bad})


@pytest.mark.parametrize(
    "changes",
    [
        {"risk_per_trade_ratio": D("0.02"), "max_daily_loss_ratio": D("0.01")},
        {"max_order_notional_ratio": D("0.4"), "max_asset_exposure_ratio": D("0.3")},
        {"max_venue_exposure_ratio": D("0.9"), "max_leverage_ratio": D("0.8")},
        {"max_price_deviation_ratio": D("0.05"), "max_exit_deviation_ratio": D("0.04")},
        {"min_stop_distance_atr": D(11)},
        {"loss_cool_down_s": 10},
    ],
)
def test_contradictory_limits_are_refused(changes):
    with pytest.raises(InvalidValueError):
        replace(PROFILES["balanced"], **changes)


def test_an_unknown_profile_is_refused_not_guessed():
    with pytest.raises(InvalidValueError, match="defensive, balanced, aggressive"):
        for_profile("yolo")


def test_the_policy_hash_knows_every_limit():
    base = PROFILES["balanced"]
    assert base.policy_hash == replace(base).policy_hash
    smaller = {
        item.name: replace(base, **{item.name: getattr(base, item.name) * D("0.99999")}).policy_hash
        for item in fields(base)
        if isinstance(getattr(base, item.name), D)
        and item.name != "min_stop_distance_atr"
        and item.name not in {"max_daily_loss_ratio", "max_leverage_ratio"}
    }
    assert len({base.policy_hash, *smaller.values()}) == len(smaller) + 1
