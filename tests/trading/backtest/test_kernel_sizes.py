"""The kernel's size of an entry is the live desk's, on a book deep enough not to matter."""

from dataclasses import replace
from decimal import Decimal as D

import numpy as np
from hypothesis import given, settings
from hypothesis import strategies as st

from tests.trading.risk import builders as make
from trading.backtest.capital import from_limits, terms_of
from trading.backtest.run import run
from trading.risk.limits import PROFILES
from trading.risk.sizing import size_entry
from trading.types import PositionView
from trading.types.research import Bars, Signals

STEP, HAIR = D("0.0001"), D("1e-12")
PLACES = (("alpha", "ETH/USDT"), ("beta", "BTC/USDT"), ("alpha", "BTC/USDT"))


def exact(value) -> D:
    return D(repr(float(value)))


def spec(place, *, fee):
    venue, symbol = place
    return replace(
        make.INSTRUMENT,
        venue=venue,
        symbol=symbol,
        base=symbol.partition("/")[0],
        price_tick=HAIR,
        size_step=STEP,
        min_size=D(0),
        min_notional=D(0),
        taker_fee_ratio=exact(fee),
    )


def still_bars(place, *, price):
    column = np.full(4, price)
    prices = dict.fromkeys(("open", "high", "low", "close", "volume_base"), column)
    return Bars(venue=place[0], symbol=place[1], timeframe="1m", open_time_ms=np.arange(4) * 60_000, **prices)


def entering(bar, *, stop, target, claim):
    return Signals(
        enter=np.arange(4) == bar,
        exit=np.zeros(4, dtype=np.bool_),
        stop_ratio=np.array([stop]),
        target_ratio=np.array([target]),
        trailing_ratio=np.array([np.nan]),
        confidence_ratio=np.array([claim]),
    )


def desk_before_last(done, *, specs, prices):
    """Cash and positions at the open of the last entry: the other instruments', bought one bar before."""
    cash, positions = exact(done.capital.start_equity), []
    for trade in done.trades[done.trades["instrument"] < 2]:
        one, size = specs[trade["instrument"]], exact(trade["size_base"])
        cash -= size * exact(trade["entry_price"]) + exact(trade["entry_fee"])
        positions.append(
            PositionView(
                venue=one.venue,
                symbol=one.symbol,
                base=one.base,
                size_base=size,
                average_cost=exact(trade["entry_price"]),
                mark_price=exact(prices[trade["instrument"]]),
            )
        )
    return cash, tuple(positions)


def live(done, *, limits, specs, prices, stop, target, claim, slippage_bps):
    cash, positions = desk_before_last(done, specs=specs, prices=prices)
    equity = cash + sum(position.notional_quote for position in positions)
    ask = exact(prices[2]) * (1 + exact(slippage_bps) / 10_000)  # half the spread is what an entry slips
    world = make.snapshot(
        instrument=specs[2],
        quote=make.quote(bid=str(ask - HAIR), ask=str(ask)),
        book=make.book(bid=str(ask - HAIR), ask=str(ask), size="1e15"),
        atr=D(1),
        free_quote=cash,
        portfolio=make.portfolio(equity=equity, positions=positions),
    )
    plan = make.plan(stop_distance_atr=ask * exact(stop), target_distance_atr=ask * exact(target))
    idea = make.idea(confidence_ratio=exact(claim))
    return size_entry(idea=idea, plan=plan, review=make.review(), snapshot=world, limits=limits)


@settings(max_examples=100, deadline=None)
@given(
    profile=st.sampled_from(sorted(PROFILES)),
    tight=st.floats(0.1, 1.0),
    prices=st.tuples(*[st.integers(200, 90_000)] * 3),
    stop=st.floats(0.004, 0.2),
    reward=st.floats(0.5, 6.0),
    claim=st.floats(0.0, 1.0),
    fee=st.sampled_from([0.0, 0.0002, 0.001]),
    slippage_bps=st.sampled_from([0.0, 5.0, 25.0]),
)
def test_the_size_is_the_live_desks(profile, tight, prices, stop, reward, claim, fee, slippage_bps):
    limits = PROFILES[profile]
    # Each asset and the venue may already be half full, so that other caps than the notional decide too.
    limits = replace(
        limits, max_asset_exposure_ratio=limits.max_order_notional_ratio * (1 + exact(tight) / 2)
    )
    target = min(stop * reward, 0.9)
    specs = [spec(place, fee=fee) for place in PLACES]
    said = {"stop": stop, "target": target, "claim": claim}
    done = run(
        [still_bars(place, price=float(price)) for place, price in zip(PLACES, prices, strict=True)],
        [entering(bar, **said) for bar in (0, 0, 1)],
        terms=[terms_of(one, slippage_bps=slippage_bps) for one in specs],
        capital=from_limits(limits, start_equity=250_000.0),
    )
    sizing = live(done, limits=limits, specs=specs, prices=prices, slippage_bps=slippage_bps, **said)
    ours = done.trades[done.trades["instrument"] == 2]
    assert sizing.order is not None
    assert abs((exact(ours["size_base"][0]) if ours.size else D(0)) - sizing.order.size_base) <= STEP
    if not ours.size:
        assert sum(done.refusals.values()) > 0
        assert sizing.result.numbers["binding"] in done.refusals
