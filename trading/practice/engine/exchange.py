"""The exchange: what its clients and its other traders can ask of it. Every public call is one whole operation."""

from __future__ import annotations

from collections.abc import Iterable
from decimal import Decimal

from trading.practice.engine.accounts import Account
from trading.practice.engine.candles import Candle
from trading.practice.engine.execution import execute, fire_triggers, hold
from trading.practice.engine.matching import check_filters, crosses, is_triggered, reach
from trading.practice.engine.state import Market, State
from trading.practice.engine.types import ZERO, NewOrder, Order, Status
from trading.practice.errors import Refusal
from trading.practice.instruments import Instrument

RESTART_ID_GAP = 1_000_000


class Exchange(State):
    """One venue's engine. Not thread-safe: everything runs on one event loop."""

    def list_instrument(self, instrument: Instrument, *, past: Iterable[Candle] = ()) -> None:
        """Open a market with a past of minute candles."""
        self.markets[instrument.symbol] = Market(instrument, past=past, at_ms=self.clock.now_ms())

    def open_account(self, name: str, *, is_house: bool = False) -> Account:
        """The account, made when new."""
        account = self.accounts.get(name)
        if account is None:
            account = self.accounts[name] = Account(name, is_house=is_house)
        return account

    def deposit(self, name: str, *, asset: str, amount: Decimal) -> None:
        """Credit ``amount`` (negative: debit) to the free balance; Refusal(insufficient_funds) below zero."""
        account = self.open_account(name)
        if account.balance(asset).free + amount < 0:
            raise Refusal("insufficient_funds", detail=asset)
        account.credit(asset, amount=amount)
        if not account.is_house:
            self.ledger.note_deposit(name, asset=asset, amount=amount, at_ms=self.clock.now_ms())
        self.note_balances(name, assets=(asset,), cause="deposit")
        self.ledger.commit()

    def restore(self) -> None:
        """Take accounts and open orders back from the ledger's journal; call after listing, before any flow."""
        for (name, asset), (free, locked) in self.ledger.balances.items():
            balance = self.open_account(name).balance(asset)
            balance.free, balance.locked = free, locked
        orders, fills = self.ledger.orders, self.ledger.fills
        for fill in fills:
            self.fees_collected[fill.fee_asset] = self.fees_collected.get(fill.fee_asset, ZERO) + fill.fee
        counter = int(str(self.ledger.world.get("next_id", 0)))
        seen = max([counter, self.next_order_id, *orders, *(fill.trade_id for fill in fills)])
        self.next_order_id = self.next_trade_id = seen + RESTART_ID_GAP
        for order in sorted(orders.values(), key=lambda one: one.id):
            if order.is_open and order.symbol in self.markets:
                self.open(order)
                market = self.markets[order.symbol]
                if order.is_waiting:
                    market.waiting[order.id] = order
                else:
                    market.book.add(order)

    def place(self, account_name: str, request: NewOrder) -> Order:
        """Accept, match and perhaps rest an order; Refusal when a rule forbids it, and then nothing has changed."""
        market = self.markets.get(request.symbol)
        if market is None:
            raise Refusal("unknown_symbol", detail=request.symbol)
        account = self.accounts[account_name]
        if not account.is_house:
            self.check(account_name, request)
        order = self.draft(account_name, request)
        hold(self, order, market=market)
        self.next_order_id += 1
        self.open(order)
        self.emit(order, event="new")
        if order.is_waiting:
            market.waiting[order.id] = order
            self.note_balances(account_name, assets=(self.locked_asset(order),), cause="order")
        else:
            execute(self, order, market=market)
            fire_triggers(self, market)
        self.ledger.commit()
        return order

    def check(self, account_name: str, request: NewOrder) -> None:
        """Refuse what the instrument's filters and the venue's rules forbid. Funds are looked at when placing."""
        market = self.markets[request.symbol]
        check_filters(request, instrument=market.instrument, last_price=market.last_price)
        if request.client_id and (account_name, request.client_id) in self.open_client_ids:
            raise Refusal("duplicate_client_id")
        if request.trigger is not None and is_triggered(request, last_price=market.last_price):
            raise Refusal("would_trigger")
        best = market.book.best_price(request.side.opposite)
        if request.post_only and crosses(request.side, price=request.price, against=best):
            raise Refusal("would_take")
        if len(self.orders_of(account_name, symbol=request.symbol)) >= self.rules.max_open_orders:
            raise Refusal("too_many_orders")

    def cancel(self, order: Order, *, reason: str = "User requested") -> Order:
        """Cancel an open order; Refusal(unknown_order) when it is no longer open."""
        if not order.is_open:
            raise Refusal("unknown_order")
        market = self.markets[order.symbol]
        if order.is_waiting:
            del market.waiting[order.id]
        else:
            market.book.remove(order)
        self.finish(order, status=Status.CANCELED, reason=reason)
        self.ledger.commit()
        return order

    def resize_house(self, order: Order, *, size_base: Decimal) -> None:
        """Change what is left of a resting house order in place: the cheapest way to move a book."""
        assert order.price is not None
        change = size_base - order.remaining_base
        order.size_base += change
        self.markets[order.symbol].book.shrink(order, by_base=-change)
        needed = self.lock_needed(order, price=order.price, size_base=size_base)
        account, asset = self.accounts[order.account], self.locked_asset(order)
        if needed > order.locked:
            account.lock(asset, amount=needed - order.locked)
        else:
            account.unlock(asset, amount=order.locked - needed)
        order.locked = needed

    def orders_of(self, account_name: str, *, symbol: str | None = None) -> list[Order]:
        """Open orders of an account, oldest first."""
        return [
            order
            for order in self.open_orders.values()
            if order.account == account_name and (symbol is None or order.symbol == symbol)
        ]

    def draft(self, account_name: str, request: NewOrder) -> Order:
        """The order ``request`` would become now; nothing is placed."""
        market, at_ms = self.markets[request.symbol], self.clock.now_ms()
        size = request.size_base
        if size is None:
            # A market order by quote amount is a base order for what that amount reaches in the book now.
            size = reach(
                market.book,
                instrument=market.instrument,
                side=request.side,
                account=account_name,
                self_trade=self.rules.self_trade,
                size_quote=request.size_quote,
            ).size_base
        return Order(
            id=self.next_order_id,
            account=account_name,
            symbol=request.symbol,
            side=request.side,
            kind=request.kind,
            size_base=size,
            size_quote=request.size_quote,
            price=request.price,
            time_in_force=request.time_in_force,
            post_only=request.post_only,
            trigger=request.trigger,
            trigger_price=request.trigger_price,
            client_id=request.client_id,
            reference=request.reference,
            created_ms=at_ms,
            updated_ms=at_ms,
            is_waiting=request.trigger is not None,
        )
