"""A desk the gate can judge: market in Redis, candles in SQL, keys on disk, equity marked, a reviewed decision."""

from dataclasses import replace
from datetime import datetime, timedelta
from decimal import Decimal
from typing import Any

from neuratrade.lib import redis as bus
from tests.factories import AT, Desk
from tests.trading.risk import builders as make
from trading.encoding import encode
from trading.models import CandleRow, Decision, Instrument, Order, Position
from trading.services import equity, gate, journal, keys, leases, ledger, market_wire
from trading.services.approvals import lease_name
from trading.types import (
    OrderState,
    OrderType,
    Purpose,
    Quote,
    Side,
    TimeInForce,
    VenueFill,
)

D = Decimal
OWNER = "executor-test"


def put_market(
    *, venue: str = "binance", bid: str = "49999.99", at: datetime = AT, age_s: float = 1, size: str = "1"
) -> Quote:
    """A quote two cents wide and a book of 20 levels, as `watch_market` leaves them."""
    then = at - timedelta(seconds=age_s)
    ask = str(D(bid) + D("0.02"))
    quote = make.quote(bid=bid, ask=ask, venue=venue, as_of=then, received_at=then)
    book = replace(make.book(bid=bid, ask=ask, size=size), venue=venue, as_of=then, received_at=then)
    place = {"venue": venue, "symbol": "BTC/USDT"}
    bus.client().set(bus.latest_key(**place, kind="quote"), market_wire.dump_quote(quote))
    bus.client().set(bus.latest_key(**place, kind="book"), market_wire.dump_book(book))
    return quote


def put_candles(instrument: Instrument, *, at: datetime = AT, reach: int = 50) -> None:
    """Enough closed 5m candles for an ATR of twice `reach`."""
    for index in range(1, 60):
        CandleRow.objects.create(
            instrument=instrument,
            timeframe="5m",
            open_time=at - timedelta(minutes=5) * index,
            open=D(50_000),
            high=D(50_000 + reach),
            low=D(50_000 - reach),
            close=D(50_000),
            volume_base=D(10),
        )


def ready(desk: Desk, *, at: datetime = AT) -> None:
    """Everything an entry needs."""
    keys.create_if_absent()
    for venue in desk.accounts:
        put_market(venue=venue, at=at)
        put_candles(desk.instrument(venue), at=at)
    mark(desk, at=at)


def mark(desk: Desk, *, at: datetime = AT) -> equity.Marked:
    return equity.mark(operator=desk.operator, mode=desk.state.mode, max_age_s=15, at=at)


def reviewed(desk: Desk, *, venue: str = "binance", **changes: Any) -> Decision:
    fields = {
        "operator": desk.operator,
        "instrument": desk.instrument(venue),
        "account": desk.account(venue),
        "mode": desk.account(venue).mode,
        "status": Decision.Status.REVIEWED,
        "source": "test",
        "idea": encode(make.idea(venue=venue)),
        "plan": encode(make.plan()),
        "review": encode(make.review()),
        "skill_name": "momentum",
        "skill_hash": "ab" * 32,
        "opened_at": AT,
        "changed_at": AT,
    }
    return Decision.objects.create(**{**fields, **changes})


def approved(desk: Desk, *, venue: str = "binance", at: datetime = AT) -> Order:
    """An APPROVED entry by the gate itself."""
    decision = reviewed(desk, venue=venue)
    verdict = gate.check_decision(decision_id=decision.pk, at=at)
    assert verdict is not None
    assert verdict.is_approved, verdict.vetoes
    return decision.orders.get()


def lease(desk: Desk, *, venue: str = "binance", at: datetime = AT) -> tuple[str, str, int]:
    name = lease_name(desk.account(venue).pk)
    epoch = leases.acquire(name=name, owner=OWNER, ttl_s=30, at=at)
    assert epoch is not None
    return name, OWNER, epoch


def hold(desk: Desk, *, size: str = "0.1", price: str = "50000", at: datetime = AT) -> Position:
    """A position bought through the books."""
    order = order_row(desk, size=size, purpose=Purpose.ENTRY, side=Side.BUY, state=OrderState.ACKED, at=at)
    trade(desk, order=order, price=price, at=at)
    journal.move(
        order_id=order.pk,
        from_states=(OrderState.ACKED,),
        to_state=OrderState.FILLED,
        reason="filled",
        at=at,
    )
    return Position.objects.get(account=desk.account(), instrument=desk.instrument())


def trade(desk: Desk, *, order: Order, price: str, at: datetime = AT) -> None:
    ledger.book_fill(
        account=order.account,
        instrument=order.instrument,
        fill=VenueFill(
            trade_id=str(order.pk),
            venue_order_id="1",
            client_order_id=order.client_order_id,
            symbol="BTC/USDT",
            side=Side(order.side),
            price=D(price),
            size_base=order.size_base,
            fee=D(0),
            fee_asset="USDT",
            is_maker=False,
            executed_at=at,
        ),
        at=at,
    )


def order_row(
    desk: Desk,
    *,
    size: str = "0.1",
    purpose: Purpose = Purpose.EXIT,
    side: Side = Side.SELL,
    state: OrderState = OrderState.PROPOSED,
    at: datetime = AT,
    **changes: Any,
) -> Order:
    is_stop = purpose is Purpose.PROTECT
    order = Order(
        account=desk.account(),
        instrument=desk.instrument(),
        purpose=purpose,
        mode=desk.account().mode,
        side=side,
        type=OrderType.STOP if is_stop else OrderType.MARKET,
        time_in_force=TimeInForce.GTC if is_stop else TimeInForce.IOC,
        size_base=D(size),
        price_bound=None if is_stop else D("49500"),
        stop_price=D("49000") if is_stop or purpose is Purpose.ENTRY else None,
        reduce_only=purpose is not Purpose.ENTRY,
        state=state,
        created_at=at,
        changed_at=at,
    )
    for name, value in changes.items():
        setattr(order, name, value)
    order.client_order_id = journal.client_order_id(order_id=order.pk, leg=order.leg)
    order.save(force_insert=True)
    return order
