"""The matching engine: priority, time in force, stops, fees, locks, filters."""

from __future__ import annotations

from decimal import Decimal

import pytest

from tests.trading.practice.engine.worlds import SYMBOL, engine, free, limit, locked, market
from trading.practice.engine.types import FeeAsset, SelfTrade, Side, Status, TimeInForce, Trigger
from trading.practice.errors import Refusal

D = Decimal


def test_better_price_first_then_older_order():
    exchange = engine()
    late_best = exchange.place("ann", limit("sell", "1", "101"))
    first = exchange.place("bob", limit("sell", "1", "100.5"))
    second = exchange.place("ann", limit("sell", "1", "100.5"))
    taker = exchange.place("cat", limit("buy", "1.5", "101"))
    assert (first.status, second.status, late_best.status) == (
        Status.FILLED,
        Status.PARTIALLY_FILLED,
        Status.NEW,
    )
    assert second.filled_base == D("0.5")
    assert taker.status is Status.FILLED
    assert taker.filled_quote == D("150.75")


def test_taker_gets_the_resting_price_and_the_rest_of_its_lock_back():
    exchange = engine()
    exchange.place("ann", limit("sell", "1", "100"))
    exchange.place("bob", limit("buy", "1", "110"))
    assert free(exchange, "bob", "USDT") == D(9_900)
    assert locked(exchange, "bob", "USDT") == 0


def test_fee_in_the_asset_received():
    exchange = engine(fee_asset=FeeAsset.RECEIVED)
    exchange.place("ann", limit("sell", "1", "100"))
    exchange.place("bob", market("buy", "1"))
    assert free(exchange, "bob", "BTC") == D("100.998")
    assert free(exchange, "bob", "USDT") == D(9_900)
    assert free(exchange, "ann", "USDT") == D("10099.9")
    assert exchange.fees_collected == {"BTC": D("0.002"), "USDT": D("0.1")}


def test_fee_in_quote_on_top_of_the_price():
    exchange = engine(fee_asset=FeeAsset.QUOTE)
    exchange.place("ann", limit("sell", "1", "100"))
    exchange.place("bob", limit("buy", "1", "100"))
    assert free(exchange, "bob", "BTC") == D(101)
    assert free(exchange, "bob", "USDT") == D("9899.8")
    assert free(exchange, "ann", "USDT") == D("10099.9")


def test_resting_purchase_locks_its_fee_too_where_the_fee_is_in_quote():
    exchange = engine(fee_asset=FeeAsset.QUOTE)
    order = exchange.place("ann", limit("buy", "1", "50"))
    assert locked(exchange, "ann", "USDT") == D("50.1")
    exchange.cancel(order)
    assert free(exchange, "ann", "USDT") == D(10_000)
    with pytest.raises(Refusal, match="unknown_order"):
        exchange.cancel(order)


def test_time_in_force():
    exchange = engine()
    exchange.place("ann", limit("sell", "1", "100"))
    kill = exchange.place("bob", limit("buy", "2", "100", time_in_force=TimeInForce.FOK))
    assert (kill.status, kill.filled_base) == (Status.EXPIRED, D(0))
    part = exchange.place("bob", limit("buy", "2", "100", time_in_force=TimeInForce.IOC))
    assert (part.status, part.filled_base) == (Status.EXPIRED, D(1))
    assert locked(exchange, "bob", "USDT") == 0
    assert not exchange.open_orders


def test_market_order_by_quote_amount_spends_no_more():
    exchange = engine()
    exchange.place("ann", limit("sell", "1", "100"))
    exchange.place("ann", limit("sell", "1", "101"))
    order = exchange.place("bob", market("buy", size_quote=D("150.3")))
    assert order.status is Status.FILLED
    assert order.filled_base == D("1.498")
    assert D("150.3") - D("0.101") < order.filled_quote <= D("150.3")


def test_market_order_beyond_the_book_expires_with_what_it_got():
    exchange = engine()
    exchange.place("ann", limit("sell", "1", "100"))
    order = exchange.place("bob", market("buy", "3"))
    assert (order.status, order.filled_base) == (Status.EXPIRED, D(1))
    assert locked(exchange, "bob", "USDT") == 0


def test_market_purchase_without_the_money_changes_nothing():
    exchange = engine()
    exchange.place("ann", limit("sell", "100", "200"))
    with pytest.raises(Refusal, match="insufficient_funds"):
        exchange.place("bob", market("buy", "60"))
    assert free(exchange, "bob", "USDT") == D(10_000)
    assert not exchange.ledger.fills


def test_post_only_never_takes():
    exchange = engine()
    exchange.place("ann", limit("sell", "1", "100"))
    with pytest.raises(Refusal, match="would_take"):
        exchange.place("bob", limit("buy", "1", "100", post_only=True))
    order = exchange.place("bob", limit("buy", "1", "99.5", post_only=True))
    assert order.status is Status.NEW


def test_client_id_is_unique_among_open_orders_only():
    exchange = engine()
    first = exchange.place("ann", limit("buy", "1", "90", client_id="x"))
    with pytest.raises(Refusal, match="duplicate_client_id"):
        exchange.place("ann", limit("buy", "1", "90", client_id="x"))
    exchange.place("bob", limit("buy", "1", "90", client_id="x"))
    exchange.cancel(first)
    again = exchange.place("ann", limit("buy", "1", "90", client_id="x"))
    assert exchange.ledger.by_client_id("ann", "x") is again


def test_self_trade_expires_the_resting_order():
    exchange = engine(self_trade=SelfTrade.EXPIRE_MAKER)
    mine = exchange.place("ann", limit("sell", "1", "100"))
    theirs = exchange.place("bob", limit("sell", "1", "100.5"))
    taker = exchange.place("ann", limit("buy", "1", "101"))
    assert (mine.status, theirs.status, taker.status) == (Status.EXPIRED, Status.FILLED, Status.FILLED)
    assert locked(exchange, "ann", "BTC") == 0


def test_self_trade_cancels_the_newest():
    exchange = engine(self_trade=SelfTrade.CANCEL_NEWEST)
    mine = exchange.place("ann", limit("sell", "1", "100"))
    taker = exchange.place("ann", limit("buy", "1", "101"))
    assert (mine.status, taker.status) == (Status.NEW, Status.CANCELED)
    assert locked(exchange, "ann", "USDT") == 0


def test_stop_loss_sells_at_market_when_the_last_trade_reaches_it():
    exchange = engine()
    exchange.place("ann", limit("buy", "5", "95"))
    exchange.place("cat", limit("buy", "1", "98"))
    stop = exchange.place("bob", market("sell", "2", trigger=Trigger.STOP_LOSS, trigger_price=D(98)))
    assert stop.is_waiting
    assert locked(exchange, "bob", "BTC") == D(2)
    exchange.place("ann", limit("sell", "1", "98"))
    assert (stop.status, stop.filled_quote) == (Status.FILLED, D(190))


def test_a_stop_that_would_trigger_at_once_is_refused():
    exchange = engine()
    with pytest.raises(Refusal, match="would_trigger"):
        exchange.place("bob", market("sell", "1", trigger=Trigger.STOP_LOSS, trigger_price=D(100)))


def test_stops_can_pull_one_another():
    exchange = engine()
    for price in ("98", "96", "94"):
        exchange.place("ann", limit("buy", "1", price))
    stops = [
        exchange.place("bob", market("sell", "1", trigger=Trigger.STOP_LOSS, trigger_price=D(price)))
        for price in ("98", "96")
    ]
    exchange.place("cat", market("sell", "1"))
    assert [stop.filled_quote for stop in stops] == [D(96), D(94)]


def test_a_bought_stop_without_the_money_any_more_expires():
    exchange = engine()
    exchange.place("ann", limit("sell", "1", "101"))
    exchange.place("ann", limit("sell", "99", "150"))
    stop = exchange.place("bob", market("buy", "90", trigger=Trigger.STOP_LOSS, trigger_price=D(101)))
    exchange.place("cat", market("buy", "1"))
    assert (stop.status, stop.filled_base) == (Status.EXPIRED, D(0))
    assert free(exchange, "bob", "USDT") == D(10_000)


@pytest.mark.parametrize(
    ("request_", "reason"),
    [
        (limit("buy", "1", "100.3"), "price_tick"),
        (limit("buy", "1.0005", "100"), "size_step"),
        (limit("buy", "0.001", "100"), "notional"),
        (limit("buy", "2000", "100"), "size_range"),
        (limit("buy", "1", "-1"), "price_range"),
        (limit("buy", "101", "100"), "insufficient_funds"),
        (limit("sell", "101", "100"), "insufficient_funds"),
    ],
)
def test_filters(request_, reason):
    exchange = engine()
    with pytest.raises(Refusal) as caught:
        exchange.place("ann", request_)
    assert caught.value.reason == reason
    assert not exchange.open_orders
    assert not exchange.ledger.orders


def test_depth_changes_replay_to_the_book():
    exchange = engine()
    book = exchange.markets[SYMBOL].book
    book.drain()
    copy: dict[tuple[str, Decimal], Decimal] = {}
    orders = [exchange.place("ann", limit("buy", "1", price)) for price in ("90", "91", "91")]
    exchange.cancel(orders[0])
    exchange.place("bob", limit("sell", "1.5", "91"))
    last_id = book.published_id
    drained = book.drain()
    assert drained is not None
    first, last, bids, asks = drained
    assert first == last_id + 1
    assert last == book.update_id
    copy.update({("b", price): size for price, size in bids} | {("a", price): size for price, size in asks})
    assert {price: size for (_, price), size in copy.items() if size} == dict(book.levels(Side.BUY, limit=9))
    assert book.drain() is None
