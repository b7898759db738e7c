"""Circuit breakers on paths of equity, against a second, naive computation."""

from dataclasses import replace
from datetime import timedelta
from decimal import Decimal as D

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from tests.trading.risk.builders import AT, LIMITS
from trading.risk.breakers import Action, BreakerKind, NavPoint, Observation, daily_loss_ratio, evaluate
from trading.types import TradingState


def path(*navs: str, every_s: int = 10, stale: tuple[int, ...] = ()) -> list[NavPoint]:
    """Marks `every_s` apart that end at AT."""
    count = len(navs)
    return [
        NavPoint(
            at=AT - timedelta(seconds=every_s * (count - 1 - index)), nav=D(nav), is_fresh=index not in stale
        )
        for index, nav in enumerate(navs)
    ]


def seen(**changes) -> Observation:
    fields = {
        "at": AT,
        "state": TradingState.ACTIVE,
        "cause_kind": "",
        "is_liquidating": False,
        "points": path("1", "1"),
        "equity": D(20_000),
        "daily_realised_pnl": D(0),
        "stale_s": 0.0,
    }
    return Observation(**{**fields, **changes})


def trip(**changes):
    found = evaluate(seen(**changes), limits=LIMITS)
    return found and (found.kind, found.action)


LIQUIDATED = (BreakerKind.DRAWDOWN, Action.LIQUIDATE)


@pytest.mark.parametrize(
    ("points", "expected"),
    [
        (path("1", "0.95", "0.95"), LIQUIDATED),  # exactly 5.000 %
        (path("1", "0.9500001", "0.95"), None),
        (path("1", "0.95"), None),  # one sample is no proof
        (path("1", "0.94", "0.94", every_s=4), None),  # nor are two within 5 s
        (path("1", "0.94", "0.94", "0.94", every_s=4), LIQUIDATED),
        (path("1", "0.94", "0.96", "0.94"), None),  # it recovered in between
        (path("1", "0.94", "0.94", stale=(2,)), None),
        (path("1", "0.94", "0.5", "0.94", stale=(2,)), LIQUIDATED),
        (path("2", "1", "1", stale=(0,)), None),  # a peak nobody could see is none
        ([], None),
    ],
)
def test_drawdown_needs_two_fresh_marks(points, expected):
    assert trip(points=points) == expected


def test_an_old_drawdown_says_nothing_about_now():
    old = [replace(point, at=point.at - timedelta(minutes=5)) for point in path("1", "0.9", "0.9")]
    assert trip(points=old) is None


@pytest.mark.parametrize(
    ("changes", "expected"),
    [
        ({"daily_realised_pnl": D(-400), "equity": D(19_600)}, (BreakerKind.DAILY_LOSS, Action.REDUCE)),
        ({"daily_realised_pnl": D("-399.99"), "equity": D("19600.01")}, None),
        ({"stale_s": 1.0}, (BreakerKind.STALE_PRICES, Action.REDUCE)),
        ({"stale_s": 120.0}, (BreakerKind.STALE_PRICES, Action.REDUCE)),
        ({"stale_s": 120.1}, (BreakerKind.BLIND, Action.HALT)),
        ({"unexplained_quote": D("-200.01")}, (BreakerKind.UNEXPLAINED_EQUITY, Action.REDUCE)),
        ({"unexplained_quote": D("200.01")}, (BreakerKind.UNEXPLAINED_EQUITY, Action.REDUCE)),
        ({"unexplained_quote": D(200)}, None),
        ({"jumps": ("binance BTC/USDT",)}, (BreakerKind.PRICE_JUMP, Action.REDUCE)),
        ({"points": path("1", "0.9", "0.9"), "stale_s": 500.0}, LIQUIDATED),
    ],
)
def test_each_breaker_on_both_sides(changes, expected):
    assert trip(**changes) == expected


@pytest.mark.parametrize("changes", [{"state": TradingState.HALTED}, {"is_liquidating": True}])
def test_what_is_in_force_does_not_trip_again(changes):
    assert trip(points=path("1", "0.9", "0.9"), stale_s=999.0, **changes) is None


@pytest.mark.parametrize(
    ("cause_kind", "stale_s", "expected"),
    [
        ("stale_prices", 0.0, (BreakerKind.STALE_PRICES, Action.RECOVER)),
        ("stale_prices", 1.0, None),
        ("stale_prices", 121.0, (BreakerKind.BLIND, Action.HALT)),
        ("daily_loss", 0.0, None),
        ("", 0.0, None),
    ],
)
def test_only_staleness_ends_by_itself(cause_kind, stale_s, expected):
    assert trip(state=TradingState.REDUCING, cause_kind=cause_kind, stale_s=stale_s) == expected


def test_reducing_does_not_hide_a_drawdown():
    assert trip(state=TradingState.REDUCING, points=path("1", "0.9", "0.9")) == LIQUIDATED


@pytest.mark.parametrize(
    ("equity", "pnl", "expected"),
    [("90", "-10", "0.1"), ("110", "10", "0"), ("0", "-10", "1"), ("-5", "-1", "1")],
)
def test_daily_loss_is_measured_from_the_morning(equity, pnl, expected):
    assert daily_loss_ratio(equity=D(equity), realised_pnl=D(pnl)) == D(expected)


@settings(max_examples=500, deadline=None)
@given(
    steps=st.lists(
        st.tuples(st.integers(1, 20), st.decimals("0.8", "1.1", places=4), st.booleans()),
        min_size=1,
        max_size=60,
    )
)
def test_agrees_with_a_naive_reference(steps):
    """Walks the path forward and asks after each mark, as the guard does; a trip must come exactly when the reference says."""
    points: list[NavPoint] = []
    at = AT
    for gap_s, nav, is_fresh in steps:
        at += timedelta(seconds=gap_s)
        points.append(NavPoint(at=at, nav=nav, is_fresh=is_fresh))
        fresh = [point for point in points if point.is_fresh]
        peak = max((point.nav for point in fresh), default=D(0))
        low_since = None
        for point in fresh:
            is_low = peak - point.nav >= peak * D("0.05")
            low_since = (low_since or point.at) if is_low else None
        recent = bool(fresh) and (at - fresh[-1].at).total_seconds() <= 120
        expected = recent and low_since is not None and fresh[-1].at - low_since >= timedelta(seconds=5)
        found = evaluate(seen(points=points, at=at), limits=LIMITS)
        assert (found is not None) == expected
