"""What the matching rules say about a book, without changing it. Pure."""

from __future__ import annotations

from dataclasses import dataclass
from decimal import Decimal

from trading.practice.engine.book import Book
from trading.practice.engine.types import ZERO, Kind, NewOrder, Order, SelfTrade, Side, Trigger
from trading.practice.errors import Refusal
from trading.practice.instruments import Instrument


@dataclass(frozen=True, slots=True)
class Reach:
    """How much of the book an order would take, and for how much quote."""

    size_base: Decimal
    notional_quote: Decimal


def crosses(side: Side, *, price: Decimal | None, against: Decimal | None) -> bool:
    """True when an order on ``side`` limited at ``price`` (None: any price) would trade with ``against``."""
    if against is None:
        return False
    if price is None:
        return True
    return price >= against if side is Side.BUY else price <= against


def reach(
    book: Book,
    *,
    instrument: Instrument,
    side: Side,
    account: str,
    self_trade: SelfTrade,
    price: Decimal | None = None,
    size_base: Decimal | None = None,
    size_quote: Decimal | None = None,
) -> Reach:
    """Walk the book as a taker would: up to ``size_base``, or up to spending ``size_quote``, within ``price``."""
    taken, spent = ZERO, ZERO
    for maker in book.resting(side.opposite):
        assert maker.price is not None
        if not crosses(side, price=price, against=maker.price):
            break
        if maker.account == account:
            if self_trade is SelfTrade.CANCEL_NEWEST:
                break
            continue
        size = maker.remaining_base
        if size_base is not None:
            size = min(size, size_base - taken)
        if size_quote is not None:
            size = min(size, instrument.floor_size((size_quote - spent) / maker.price))
        if size <= 0:
            break
        taken += size
        spent += size * maker.price
    return Reach(taken, spent)


def is_triggered(order: Order | NewOrder, *, last_price: Decimal) -> bool:
    """True when ``last_price`` wakes the conditional order: a stop on the losing side, a take-profit on the winning."""
    if order.trigger_price is None:
        return False
    wakes_above = (order.side is Side.BUY) == (order.trigger is Trigger.STOP_LOSS)
    return last_price >= order.trigger_price if wakes_above else last_price <= order.trigger_price


def check_filters(request: NewOrder, *, instrument: Instrument, last_price: Decimal) -> None:
    """Refuse a request that breaks the instrument's tick, step, size or notional filter."""
    for price in (request.price, request.trigger_price):
        if price is not None:
            if price <= 0:
                raise Refusal("price_range")
            if price % instrument.tick:
                raise Refusal("price_tick", detail=f"tick {instrument.tick}")
    size = request.size_base
    if size is not None:
        if size % instrument.step_base:
            raise Refusal("size_step", detail=f"step {instrument.step_base}")
        if not instrument.min_size_base <= size <= instrument.max_size_base:
            raise Refusal("size_range", detail=f"minimum {instrument.min_size_base}")
    notional = _notional(request, last_price=last_price)
    if not instrument.min_notional_quote <= notional <= instrument.max_notional_quote:
        raise Refusal("notional", detail=f"minimum {instrument.min_notional_quote}")


def _notional(request: NewOrder, *, last_price: Decimal) -> Decimal:
    if request.size_quote is not None:
        return request.size_quote
    price = request.price if request.kind is Kind.LIMIT else request.trigger_price or last_price
    assert price is not None
    assert request.size_base is not None
    return price * request.size_base
