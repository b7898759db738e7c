"""What the engine holds: markets, accounts, open orders; and the few moves every operation is made of."""

from __future__ import annotations

from collections import deque
from collections.abc import Iterable
from decimal import Decimal

from trading.practice.clock import Clock
from trading.practice.engine.accounts import Account
from trading.practice.engine.book import Book
from trading.practice.engine.candles import Candle, Candles
from trading.practice.engine.fees import lock_amount
from trading.practice.engine.ledger import Ledger
from trading.practice.engine.types import ZERO, Fill, Listener, Order, Rules, Side, Status, Trade
from trading.practice.instruments import Instrument

TAPE_LENGTH = 2_000


class Market:
    """All the engine keeps about one instrument. ``waiting`` holds conditional orders not yet triggered."""

    def __init__(self, instrument: Instrument, *, past: Iterable[Candle], at_ms: int) -> None:
        self.instrument = instrument
        self.book = Book()
        self.candles = Candles(past=past, start_price=instrument.start_price, at_ms=at_ms)
        self.tape: deque[Trade] = deque(maxlen=TAPE_LENGTH)
        self.last_price = instrument.start_price
        self.waiting: dict[int, Order] = {}


class State:
    """The engine's state, and how an order enters, changes and leaves it."""

    def __init__(self, name: str, *, rules: Rules, clock: Clock, ledger: Ledger | None = None) -> None:
        self.name = name
        self.rules = rules
        self.clock = clock
        self.ledger = ledger or Ledger()
        self.markets: dict[str, Market] = {}
        self.accounts: dict[str, Account] = {}
        self.listeners: list[Listener] = []
        self.fees_collected: dict[str, Decimal] = {}
        self.open_orders: dict[int, Order] = {}
        self.open_client_ids: dict[tuple[str, str], Order] = {}
        self.next_order_id = 1_000_001
        self.next_trade_id = 1_000_001

    def locked_asset(self, order: Order) -> str:
        """Which asset the order holds back."""
        instrument = self.markets[order.symbol].instrument
        return instrument.quote if order.side is Side.BUY else instrument.base

    def lock_needed(self, order: Order, *, price: Decimal, size_base: Decimal) -> Decimal:
        """What an order of this account holds back for ``size_base`` at ``price``."""
        is_house = self.accounts[order.account].is_house
        ratio = ZERO if is_house else self.rules.taker_fee_ratio
        return lock_amount(
            side=order.side, price=price, size_base=size_base, fee_ratio=ratio, rules=self.rules
        )

    def open(self, order: Order) -> None:
        """Enter an accepted order."""
        self.open_orders[order.id] = order
        if order.client_id:
            self.open_client_ids[order.account, order.client_id] = order

    def release(self, order: Order) -> None:
        """Give back what the order still holds."""
        if order.locked:
            self.accounts[order.account].unlock(self.locked_asset(order), amount=order.locked)
            order.locked = ZERO

    def finish(self, order: Order, *, status: Status, reason: str = "") -> None:
        """End an order that is in no book any more: give back its lock and say so."""
        self.release(order)
        order.reason = reason
        self.close(order, status=status)
        event = "canceled" if status is Status.CANCELED else "expired"
        self.emit(order, event=event)
        self.note_balances(order.account, assets=(self.locked_asset(order),), cause="order")

    def close(self, order: Order, *, status: Status) -> None:
        """Drop an order from the open ones."""
        order.status = status
        order.updated_ms = self.clock.now_ms()
        del self.open_orders[order.id]
        if order.client_id:
            del self.open_client_ids[order.account, order.client_id]

    def emit(self, order: Order, *, event: str, fill: Fill | None = None) -> None:
        """Record a client's order and tell the listeners; nothing for a house order."""
        if self.accounts[order.account].is_house:
            return
        self.ledger.note_order(order)
        for listener in self.listeners:
            listener.on_order(order, event=event, fill=fill)

    def note_balances(self, account_name: str, *, assets: tuple[str, ...], cause: str) -> None:
        """Record a client's balances and tell the listeners; nothing for a house account."""
        account = self.accounts[account_name]
        if account.is_house:
            return
        for asset in assets:
            balance = account.balance(asset)
            self.ledger.note_balance(account_name, asset=asset, free=balance.free, locked=balance.locked)
        for listener in self.listeners:
            listener.on_balance(account_name, assets=assets, cause=cause)
