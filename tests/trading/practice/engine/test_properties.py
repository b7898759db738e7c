"""Whatever clients do: money is conserved, nothing goes below zero, the book never crosses, priority holds."""

from __future__ import annotations

from decimal import Decimal

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from tests.trading.practice.engine.worlds import INSTRUMENT, SYMBOL, engine
from trading.practice.engine.exchange import Exchange
from trading.practice.engine.types import (
    ZERO,
    FeeAsset,
    Kind,
    NewOrder,
    SelfTrade,
    Side,
    TimeInForce,
    Trade,
    Trigger,
)
from trading.practice.errors import Refusal

ACCOUNTS = ("ann", "bob", "cat")
prices = st.integers(180, 220).map(lambda ticks: ticks * INSTRUMENT.tick)
sizes = st.integers(1, 40_000).map(lambda steps: steps * INSTRUMENT.step_base)
accounts = st.sampled_from(ACCOUNTS)
sides = st.sampled_from(Side)


@st.composite
def requests(draw: st.DrawFn) -> NewOrder:
    """Any order a client may send."""
    kind = draw(st.sampled_from(Kind))
    by_quote = kind is Kind.MARKET and draw(st.booleans())
    trigger = None if by_quote else draw(st.sampled_from([None, None, None, *Trigger]))
    return NewOrder(
        symbol=SYMBOL,
        side=draw(sides),
        kind=kind,
        size_base=None if by_quote else draw(sizes),
        size_quote=draw(st.integers(5, 5_000).map(Decimal)) if by_quote else None,
        price=draw(prices) if kind is Kind.LIMIT else None,
        time_in_force=draw(st.sampled_from(TimeInForce)),
        post_only=kind is Kind.LIMIT and trigger is None and draw(st.integers(0, 5)) == 0,
        trigger=trigger,
        trigger_price=draw(prices) if trigger else None,
        client_id=draw(st.sampled_from(["", "", "a", "b"])),
    )


actions = st.lists(
    st.one_of(
        st.tuples(st.just("place"), accounts, requests()),
        st.tuples(st.just("cancel"), accounts, st.integers(0, 50)),
    ),
    max_size=60,
)


class PriorityWatch:
    """Checks at every match that no order was passed over, looking at the book as it was."""

    def __init__(self, exchange: Exchange) -> None:
        self._exchange = exchange

    def on_trade(self, trade: Trade) -> None:
        """Nobody better or older on the maker's side may be left behind."""
        side = trade.taker_side.opposite
        book = self._exchange.markets[SYMBOL].book
        best = book.best_price(side)
        if best is not None:
            assert best <= trade.price if side is Side.BUY else best >= trade.price
        for order in book.resting(side):
            if order.price == trade.price:
                assert order.id >= trade.maker_order_id or order.trigger is not None

    def on_order(self, order, *, event, fill) -> None:
        """Not of interest."""

    def on_balance(self, account, *, assets, cause) -> None:
        """Not of interest."""


def _check(exchange: Exchange, deposited: dict[str, Decimal]) -> None:
    book = exchange.markets[SYMBOL].book
    bid, ask = book.best_price(Side.BUY), book.best_price(Side.SELL)
    assert bid is None or ask is None or bid < ask
    for asset, total in deposited.items():
        held = sum((exchange.accounts[name].balance(asset).total for name in ACCOUNTS), ZERO)
        assert held + exchange.fees_collected.get(asset, ZERO) == total
        for name in ACCOUNTS:
            balance = exchange.accounts[name].balance(asset)
            assert balance.free >= 0
            mine = [one for one in exchange.orders_of(name) if exchange.locked_asset(one) == asset]
            assert balance.locked == sum((one.locked for one in mine), ZERO) >= 0
    for side in Side:
        queue = list(book.resting(side))
        prices_in_queue = [one.price or ZERO for one in queue]
        assert prices_in_queue == sorted(prices_in_queue, reverse=side is Side.BUY)
        assert all(one.remaining_base > 0 and one.is_open for one in queue)
        for price, size in book.levels(side, limit=1_000):
            assert size == sum((one.remaining_base for one in queue if one.price == price), ZERO)


@pytest.mark.parametrize("fee_asset", FeeAsset)
@pytest.mark.parametrize("self_trade", SelfTrade)
@settings(max_examples=60, deadline=None)
@given(steps=actions)
def test_invariants_hold_after_every_operation(fee_asset, self_trade, steps):
    exchange = engine(fee_asset=fee_asset, self_trade=self_trade)
    exchange.listeners.append(PriorityWatch(exchange))
    deposited = {"BTC": Decimal(300), "USDT": Decimal(30_000)}
    for what, account, value in steps:
        try:
            if what == "place":
                exchange.place(account, value)
            else:
                mine = exchange.orders_of(account)
                if mine:
                    exchange.cancel(mine[value % len(mine)])
        except Refusal:
            pass
        _check(exchange, deposited)


@settings(max_examples=60, deadline=None)
@given(queue=st.lists(st.tuples(prices, sizes), min_size=1, max_size=12), size=sizes, bound=prices)
def test_matches_go_by_price_then_time(queue, size, bound):
    exchange = engine()
    exchange.deposit("ann", asset="BTC", amount=Decimal(1_000_000))
    exchange.deposit("bob", asset="USDT", amount=Decimal(1_000_000))
    makers = []
    for price, made in queue:
        try:
            makers.append(
                exchange.place("ann", NewOrder(SYMBOL, Side.SELL, Kind.LIMIT, size_base=made, price=price))
            )
        except Refusal:
            continue
    try:
        exchange.place("bob", NewOrder(SYMBOL, Side.BUY, Kind.LIMIT, size_base=size, price=bound))
    except Refusal:
        return
    wanted, expected = size, []
    for maker in sorted(makers, key=lambda one: (one.price, one.id)):
        if maker.price > bound or wanted <= 0:
            break
        expected.append((maker.id, min(wanted, maker.size_base)))
        wanted -= min(wanted, maker.size_base)
    assert [(one.maker_order_id, one.size_base) for one in exchange.markets[SYMBOL].tape] == expected


@settings(max_examples=40, deadline=None)
@given(steps=actions)
def test_a_journal_brings_the_same_state_back(tmp_path_factory, steps):
    from trading.practice.engine.ledger import Ledger

    path = tmp_path_factory.mktemp("journal") / "state.jsonl"
    before = engine(ledger=Ledger(path=path))
    for what, account, value in steps:
        try:
            if what == "place":
                before.place(account, value)
            else:
                mine = before.orders_of(account)
                if mine:
                    before.cancel(mine[value % len(mine)])
        except Refusal:
            pass
    before.ledger.close()
    after = engine(ledger=Ledger(path=path))
    after.ledger.close()
    for name in ACCOUNTS:
        for asset in ("BTC", "USDT"):
            assert after.accounts[name].balance(asset) == before.accounts[name].balance(asset)
    assert after.ledger.fills == before.ledger.fills
    assert after.ledger.orders == before.ledger.orders
    assert after.fees_collected == before.fees_collected
    for side in Side:
        levels = after.markets[SYMBOL].book.levels(side, limit=1_000)
        assert levels == before.markets[SYMBOL].book.levels(side, limit=1_000)
