"""What protection proposes can be sent: a way out that the venue refuses is none."""

from decimal import Decimal as D

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tests.factories import Desk
from tests.trading.risk import builders as make
from tests.trading.services import risk_desk
from trading.services import protection
from trading.types import Purpose, Side


@pytest.mark.parametrize("purpose", [Purpose.EXIT, Purpose.LIQUIDATE])
def test_a_sale_just_above_the_venues_minimum_is_large_enough_at_its_bound(
    desk: Desk, purpose: Purpose, at
) -> None:
    """0.00011 BTC at 46 000 are 5.06 USDT, the venue takes 5; two per cent lower it would refuse, again and again."""
    position = risk_desk.hold(desk, size="0.00011")
    order = protection.propose_exit(
        position=position,
        purpose=purpose,
        size_base=position.size_base,
        reason="test",
        at=at,
        exit_price=D(46_000),
    )
    assert order.price_bound is not None
    assert order.size_base * order.price_bound >= position.instrument.min_notional
    assert order.price_bound <= D(46_000)


@given(
    st.decimals("0.0001", "1000", places=4),
    st.decimals("0.01", "100000", places=2),
    st.sampled_from([Purpose.EXIT, Purpose.LIQUIDATE]),
)
def test_the_bound_never_asks_for_more_than_the_market_pays(size: D, price: D, purpose: Purpose) -> None:
    spec = make.INSTRUMENT
    bound = protection._bound(price, side=Side.SELL, purpose=purpose, spec=spec, size_base=size)
    assert spec.price_tick <= bound <= max(price, spec.price_tick)
    assert not bound % spec.price_tick
    assert bound >= price * D("0.94") - spec.price_tick
