"""What goes through JSON comes back equal, and what is not valid does not come in."""

from decimal import Decimal

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tests.factories import AT
from trading.encoding import decode, encode
from trading.errors import InvalidValueError
from trading.types import BookLevel, OrderBook, OrderType, Review, Side, TradeIdea, TradePlan

ratios = st.decimals(min_value=0, max_value=1, places=6)
distances = st.decimals(min_value=Decimal("0.1"), max_value=20, places=3)

ideas = st.builds(
    TradeIdea,
    venue=st.text(min_size=1, max_size=10),
    symbol=st.just("BTC/USDT"),
    side=st.sampled_from([Side.BUY, Side.SELL, None]),
    confidence_ratio=ratios,
    horizon_s=st.integers(1, 10**6),
    thesis=st.text(max_size=50),
)
plans = st.builds(
    TradePlan,
    order_type=st.sampled_from([OrderType.MARKET, OrderType.LIMIT]),
    stop_distance_atr=distances,
    target_distance_atr=distances,
    max_hold_s=st.integers(1, 10**6),
    size_scale_ratio=ratios,
    rationale=st.text(max_size=50),
)
reviews = st.builds(
    Review,
    is_veto=st.booleans(),
    size_scale_ratio=ratios,
    reasons=st.lists(st.text(max_size=20), max_size=3).map(tuple),
)


@given(st.one_of(ideas, plans, reviews))
def test_a_value_survives_the_round_trip(value) -> None:
    assert decode(type(value), encode(value)) == value


def test_a_book_survives_with_its_levels() -> None:
    book = OrderBook(
        venue="binance",
        symbol="BTC/USDT",
        bids=(BookLevel(Decimal("99.90"), Decimal(1)),),
        asks=(BookLevel(Decimal("100.10"), Decimal("0.5")),),
        as_of=AT,
        received_at=AT,
        nonce=7,
    )
    assert decode(OrderBook, encode(book)) == book


@pytest.mark.parametrize(
    ("change", "named"),
    [
        ({"size_scale_ratio": "1.5"}, "size_scale_ratio"),
        ({"stop_distance_atr": "0"}, "stop_distance_atr"),
        ({"stop_distance_atr": "NaN"}, "stop_distance_atr"),
        ({"order_type": "stop"}, "market or a limit"),
        ({"order_type": "yolo"}, "order_type"),
        ({"size_base": "100"}, "size_base"),
        ({"max_hold_s": None}, "max_hold_s"),
    ],
)
def test_a_plan_out_of_bounds_is_refused_by_name(change: dict[str, object], named: str) -> None:
    good = encode(
        TradePlan(
            order_type=OrderType.MARKET,
            stop_distance_atr=Decimal(2),
            target_distance_atr=Decimal(3),
            max_hold_s=600,
        )
    )
    with pytest.raises(InvalidValueError, match=named):
        decode(TradePlan, {**good, **change})
