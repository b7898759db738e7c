"""The size of a trade: what it is, that no cap is ever passed, and that a smaller wish never buys more."""

from dataclasses import replace
from decimal import Decimal as D

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from tests.trading.risk import builders as make
from trading.risk.limits import PROFILES
from trading.risk.sizing import size_entry
from trading.risk.verdict import judge
from trading.types import OrderType, Side


def size(*, idea=None, plan=None, review=None, snapshot=None, limits=make.LIMITS):
    return size_entry(
        idea=idea or make.idea(),
        plan=plan or make.plan(),
        review=review or make.review(),
        snapshot=snapshot or make.snapshot(),
        limits=limits,
    )


def test_prices_come_from_atr_and_are_rounded_the_safe_way():
    world = make.snapshot(
        quote=make.quote(bid="50000.003", ask="50000.007"), atr=D("100.0001"), portfolio=make.portfolio()
    )
    order = size(snapshot=world, plan=make.plan(stop_distance_atr=D("1.5"), target_distance_atr=D(3))).order
    assert order.price_bound == D("50150.00")  # ask + 30 bps = 50150.007021, a lower price is safer
    assert order.stop_price == D("49850.01")  # ask - 150.00015 = 49850.00685, nearer is less risk
    assert order.target_price == D("50300.00")  # ask + 300.0003 = 50300.0073, nearer is reached sooner


def test_risk_decides_when_the_stop_is_far():
    """1 % of 20,000 is 200; the loss per unit of a wide stop, fees and slippage counted, says how much that buys."""
    limits = replace(
        make.LIMITS,
        max_order_notional_ratio=D("0.5"),
        max_asset_exposure_ratio=D("0.5"),
        max_venue_exposure_ratio=D("0.8"),
    )
    world = make.snapshot(atr=D(250), free_quote=D(20_000), book=make.book(size="100"))
    found = size(
        snapshot=world, limits=limits, plan=make.plan(stop_distance_atr=D(8), target_distance_atr=D(24))
    )
    bound, stop_fill = D("50150.01"), D("48000.01") * D("0.997")
    unit = bound - stop_fill + (bound + stop_fill) * D("0.001")
    assert found.result.numbers["binding"] == "risk_per_trade"
    assert found.order.size_base == (D(200) / unit).quantize(D("0.00001"), rounding="ROUND_DOWN")


@pytest.mark.parametrize(
    ("binding", "world"),
    [
        ("max_notional", {}),
        ("balance", {"free_quote": D(100)}),
        ("liquidity", {"book": make.book(size="0.002")}),
        ("exposure_asset", {"portfolio": make.portfolio(positions=(make.holding("0.1"),))}),
        ("exposure_venue", {"portfolio": make.portfolio(positions=(make.holding("0.2", base="ETH"),))}),
        (
            "leverage",
            {"portfolio": make.portfolio(positions=(make.holding("0.3", base="ETH", venue="kraken"),))},
        ),
        ("venue_maximum", {"instrument": replace(make.INSTRUMENT, max_size=D("0.01"))}),
    ],
)
def test_the_smallest_cap_decides_and_says_so(binding, world):
    found = size(snapshot=make.snapshot(**world))
    assert found.result.numbers["binding"] == binding
    assert found.order.size_base > 0


@pytest.mark.parametrize(
    ("message", "changes"),
    [
        ("quote", {"snapshot": make.snapshot(quote=None)}),
        ("book", {"snapshot": make.snapshot(book=None)}),
        ("ATR", {"snapshot": make.snapshot(atr=None)}),
        ("not to trade", {"idea": make.idea(side=None)}),
        ("too many ATRs", {"plan": make.plan(stop_distance_atr=D(10_000))}),
    ],
)
def test_what_is_not_known_is_not_traded(message, changes):
    found = size(**changes)
    assert found.order is None
    assert not found.result.passed
    assert message in found.result.message


def test_no_edge_is_no_size():
    found = size(idea=make.idea(confidence_ratio=D("0.2")))
    assert found.order.size_base == 0
    assert found.result.numbers["binding"] == "kelly"
    assert "kelly" in {
        result.rule for result in judge(found.order, snapshot=make.snapshot(), limits=make.LIMITS).vetoes
    }


def test_fees_can_eat_the_edge():
    costly = replace(make.INSTRUMENT, taker_fee_ratio=D("0.01"))
    assert size().order.size_base > 0
    assert size(snapshot=make.snapshot(instrument=costly)).order.size_base == 0


def test_plan_and_review_only_shrink():
    whole = size().order.size_base
    half = size(plan=make.plan(size_scale_ratio=D("0.5"))).order.size_base
    tenth = size(
        plan=make.plan(size_scale_ratio=D("0.5")), review=make.review(size_scale_ratio=D("0.2"))
    ).order.size_base
    assert whole / 2 - D("0.00001") <= half <= whole / 2
    assert whole / 10 - D("0.00001") <= tenth <= whole / 10
    assert size(review=make.review(size_scale_ratio=D(0))).order.size_base == 0


def test_a_resting_order_bids_and_does_not_cross():
    order = size(plan=make.plan(order_type=OrderType.LIMIT)).order
    assert order.price_bound == D("49999.99")


def positive(low: str, high: str):
    return st.decimals(min_value=low, max_value=high, allow_nan=False, allow_infinity=False, places=6)


ratios = st.decimals(min_value=0, max_value=1, places=4)
steps = st.sampled_from([D("0.00001"), D("0.001"), D("0.5"), D("1"), D("0.00000001")])
ticks = st.sampled_from([D("0.01"), D("0.5"), D("0.00001")])


@st.composite
def situations(draw):
    price = draw(positive("0.5", "90000"))
    spread = price * draw(positive("0.000001", "0.002"))
    instrument = replace(
        make.INSTRUMENT,
        size_step=draw(steps),
        price_tick=draw(ticks),
        taker_fee_ratio=draw(positive("0", "0.01")),
        max_size=draw(st.none() | positive("0.001", "100")),
    )
    held = tuple(
        make.holding(str(draw(positive("0", "0.3"))), venue=venue, base=base)
        for venue, base in (("binance", "BTC"), ("kraken", "BTC"), ("binance", "ETH"))
    )
    world = make.snapshot(
        instrument=instrument,
        quote=make.quote(bid=str(price), ask=str(price + spread)),
        book=make.book(bid=str(price), ask=str(price + spread), size=str(draw(positive("0.01", "50")))),
        atr=price * draw(positive("0.0001", "0.02")),
        free_quote=draw(positive("0", "100000")),
        portfolio=make.portfolio(equity=draw(positive("0", "100000")), positions=held),
    )
    trade = {
        "idea": make.idea(confidence_ratio=draw(ratios), side=draw(st.sampled_from(Side))),
        "plan": make.plan(
            order_type=draw(st.sampled_from([OrderType.MARKET, OrderType.LIMIT])),
            stop_distance_atr=draw(positive("0.1", "12")),
            target_distance_atr=draw(positive("0.1", "30")),
            size_scale_ratio=draw(ratios),
        ),
        "review": make.review(size_scale_ratio=draw(ratios)),
    }
    return world, trade, PROFILES[draw(st.sampled_from(sorted(PROFILES)))]


SIZE_RULES = {
    "balance",
    "exposure_asset",
    "exposure_venue",
    "leverage",
    "max_notional",
    "risk_per_trade",
}


@settings(max_examples=400, deadline=None)
@given(situation=situations(), smaller=ratios)
def test_no_cap_is_ever_passed_and_less_wanted_is_never_more(situation, smaller):
    world, trade, limits = situation
    found = size_entry(**trade, snapshot=world, limits=limits)
    if found.order is None:
        return
    order = found.order
    assert order.size_base >= 0
    assert order.size_base % world.instrument.size_step == 0
    assert order.price_bound % world.instrument.price_tick == 0
    shrunk = replace(trade["plan"], size_scale_ratio=trade["plan"].size_scale_ratio * smaller)
    less = size_entry(**{**trade, "plan": shrunk}, snapshot=world, limits=limits).order
    assert less is not None
    assert less.size_base <= order.size_base
    if order.size_base > 0:
        vetoes = {result.rule for result in judge(order, snapshot=world, limits=limits).vetoes}
        assert not vetoes & SIZE_RULES, vetoes
        if order.side is Side.BUY and world.instrument.max_size:
            assert order.size_base <= world.instrument.max_size
