"""Matching: price first, then time; settlement of each match; and the triggers a trade pulls."""

from __future__ import annotations

from decimal import Decimal

from trading.practice.engine.fees import Settlement, settle
from trading.practice.engine.matching import Reach, crosses, is_triggered, reach
from trading.practice.engine.state import Market, State
from trading.practice.engine.types import (
    ZERO,
    Fill,
    Kind,
    Order,
    SelfTrade,
    Side,
    Status,
    TimeInForce,
    Trade,
)


def reach_of(state: State, order: Order, *, market: Market) -> Reach:
    """How far the order would reach into the book now."""
    return reach(
        market.book,
        instrument=market.instrument,
        side=order.side,
        account=order.account,
        self_trade=state.rules.self_trade,
        price=order.price,
        size_base=order.size_base,
    )


def hold(state: State, order: Order, *, market: Market) -> None:
    """Lock what the order may spend: for a market purchase exactly what the book would charge now. May refuse."""
    if order.side is Side.BUY and order.price is None and not order.is_waiting:
        price, size = reach_of(state, order, market=market).notional_quote, Decimal(1)
    else:
        price, size = order.price or order.trigger_price or ZERO, order.size_base
    amount = state.lock_needed(order, price=price, size_base=size)
    state.accounts[order.account].lock(state.locked_asset(order), amount=amount)
    order.locked = amount


def execute(state: State, order: Order, *, market: Market) -> None:
    """Match the order, then rest what is left of it or end it, as its kind and time in force say."""
    is_fok = order.time_in_force is TimeInForce.FOK and order.kind is Kind.LIMIT
    if is_fok and reach_of(state, order, market=market).size_base < order.size_base:
        state.finish(order, status=Status.EXPIRED, reason="fill or kill")
        return
    _match(state, order, market=market)
    if not order.is_open:
        return
    if order.kind is Kind.LIMIT and order.time_in_force is TimeInForce.GTC:
        market.book.add(order)
        state.note_balances(order.account, assets=(state.locked_asset(order),), cause="order")
    else:
        state.finish(order, status=Status.EXPIRED, reason="no more liquidity")


def fire_triggers(state: State, market: Market) -> None:
    """Wake every conditional order the last trade reached, oldest first; their own trades may wake more."""
    while market.waiting:
        due = [one for one in market.waiting.values() if is_triggered(one, last_price=market.last_price)]
        if not due:
            return
        _wake(state, due[0], market=market)


def _wake(state: State, order: Order, *, market: Market) -> None:
    del market.waiting[order.id]
    order.is_waiting = False
    order.updated_ms = state.clock.now_ms()
    state.emit(order, event="triggered")
    if order.side is Side.BUY and order.price is None:
        state.release(order)
        needed = state.lock_needed(
            order, price=reach_of(state, order, market=market).notional_quote, size_base=Decimal(1)
        )
        if needed > state.accounts[order.account].balance(state.locked_asset(order)).free:
            state.finish(order, status=Status.EXPIRED, reason="insufficient funds when triggered")
            return
        hold(state, order, market=market)
    execute(state, order, market=market)


def _match(state: State, taker: Order, *, market: Market) -> None:
    book = market.book
    while taker.remaining_base > 0:
        maker = book.best(taker.side.opposite)
        if maker is None or not crosses(taker.side, price=taker.price, against=maker.price):
            return
        if maker.account == taker.account:
            if state.rules.self_trade is SelfTrade.CANCEL_NEWEST:
                state.finish(taker, status=Status.CANCELED, reason="Self trade prevention")
                return
            book.remove(maker)
            state.finish(maker, status=Status.EXPIRED, reason="self trade prevention")
            continue
        _trade(state, taker=taker, maker=maker, market=market)


def _trade(state: State, *, taker: Order, maker: Order, market: Market) -> None:
    assert maker.price is not None
    size = min(taker.remaining_base, maker.remaining_base)
    trade = Trade(
        id=state.next_trade_id,
        symbol=taker.symbol,
        price=maker.price,
        size_base=size,
        taker_side=taker.side,
        taker_kind=taker.kind,
        maker_order_id=maker.id,
        taker_order_id=taker.id,
        at_ms=state.clock.now_ms(),
    )
    state.next_trade_id += 1
    if size == maker.remaining_base:
        market.book.drop_filled(maker)
    market.book.shrink(maker, by_base=size)
    market.last_price = trade.price
    market.tape.append(trade)
    market.candles.add(trade)
    for listener in state.listeners:
        listener.on_trade(trade)
    _settle_side(state, taker, trade=trade, market=market, is_maker=False)
    _settle_side(state, maker, trade=trade, market=market, is_maker=True)


def _settle_side(state: State, order: Order, *, trade: Trade, market: Market, is_maker: bool) -> None:
    """Move one side's money, shrink its lock, and put a client's fill on record."""
    money = _pay(state, order, trade=trade, market=market, is_maker=is_maker)
    is_filled = order.remaining_base == 0
    if is_filled:
        state.release(order)
        state.close(order, status=Status.FILLED)
    if state.accounts[order.account].is_house:
        return
    order.status = Status.FILLED if is_filled else Status.PARTIALLY_FILLED
    order.updated_ms = trade.at_ms
    order.fee += money.fee
    order.fee_asset = money.fee_asset
    order.trade_ids.append(trade.id)
    state.fees_collected[money.fee_asset] = state.fees_collected.get(money.fee_asset, ZERO) + money.fee
    fill = Fill(
        trade_id=trade.id,
        order_id=order.id,
        account=order.account,
        symbol=order.symbol,
        side=order.side,
        price=trade.price,
        size_base=trade.size_base,
        fee=money.fee,
        fee_asset=money.fee_asset,
        is_maker=is_maker,
        at_ms=trade.at_ms,
    )
    state.ledger.note_fill(fill)
    state.emit(order, event="trade", fill=fill)
    state.note_balances(
        order.account, assets=(market.instrument.base, market.instrument.quote), cause="order"
    )


def _pay(state: State, order: Order, *, trade: Trade, market: Market, is_maker: bool) -> Settlement:
    account, rules = state.accounts[order.account], state.rules
    ratio = ZERO if account.is_house else rules.maker_fee_ratio if is_maker else rules.taker_fee_ratio
    money = settle(
        market.instrument,
        side=order.side,
        price=trade.price,
        size_base=trade.size_base,
        fee_ratio=ratio,
        rules=rules,
    )
    order.filled_base += trade.size_base
    order.filled_quote += trade.notional_quote
    account.spend_locked(money.paid_asset, amount=money.paid)
    account.credit(money.received_asset, amount=money.received)
    order.locked -= money.paid
    if order.price is not None:
        needed = state.lock_needed(order, price=order.price, size_base=order.remaining_base)
        account.unlock(money.paid_asset, amount=order.locked - needed)
        order.locked = needed
    return money
