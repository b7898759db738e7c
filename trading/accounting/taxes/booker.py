"""What each event does to the lots: trades, transfers, income and fees.

Costs of a trade: a fee in what was paid adds to the basis; a fee in what was sold or received lowers the proceeds or what came; a fee
in a third asset is a disposal of that asset at its worth, which adds to the basis of a purchase or lowers the proceeds of a sale. Where
one coin is exchanged for another, all costs belong to the one given away (26 CFR 1.1001-7(b)(2)(ii)), and both sides are worth
what was received (1.1001-7(b)(1), 1.1012-1(h)). A transfer between own accounts is no disposal: lots keep date and basis; the coins that
pay for it are disposed of at their worth and add to no basis.
"""

from collections import deque
from collections.abc import Callable, Mapping
from decimal import Decimal
from typing import TypeAlias

from trading.accounting.fifo import share
from trading.accounting.taxes.events import Event, Kind
from trading.accounting.taxes.flags import Flag, Note
from trading.accounting.taxes.lots import Lot
from trading.accounting.taxes.stock import Receipt, Sale, Stock
from trading.accounting.taxes.valuation import Valuer

Handler: TypeAlias = Callable[[Event], None]


class Booker:
    def __init__(self, stock: Stock, *, valuer: Valuer) -> None:
        self.stock, self.history = stock, stock.history
        self.pool, self.sell = stock.pool, stock.sell
        self.worth, self.money = valuer.worth, valuer.money
        self._currency = valuer.currency

    def handlers(self) -> Mapping[Kind, Handler]:
        """What to call for each kind of event."""
        return {
            Kind.BUY: self._buy,
            Kind.SELL: self._sell,
            Kind.TRANSFER: self._transfer,
            Kind.DEPOSIT: self._deposit,
            Kind.WITHDRAWAL: self._withdrawal,
            Kind.INCOME: self._income,
            Kind.FEE: self._fee,
        }

    def acquire(
        self, event: Event, asset: str, size: Decimal, cost: Decimal | None, fee: Decimal | None = None
    ) -> None:
        """A lot bought now; positional, because it is called for every purchase there ever was."""
        at, wallet = event.at, event.wallet
        self.pool(wallet, asset).put(Lot(event.id, wallet, size, cost, at, at, fee))
        if event.note and not asset.isalnum():  # a ticker needs no other name
            self.history.names.setdefault(asset, event.note)

    def dispose(
        self,
        event: Event,
        asset: str,
        size: Decimal,
        proceeds: Decimal | None,
        fee: Decimal | None = None,
        flags: tuple[Flag, ...] = (),
    ) -> None:
        """A sale, or anything that counts as one; positional as `acquire`."""
        self.sell(Sale(event.id, event.at, event.wallet, asset, size, proceeds, fee, event.note, flags))

    def note(self, flag: Flag, event: Event, *, asset: str, text: str) -> None:
        self.history.notes.append(Note(flag, event.id, event.at, event.wallet, asset, text))

    def priced(self, event: Event, asset: str, size: Decimal) -> Decimal | None:
        """The worth of `size` at the event's time; a missing price is noted."""
        value = self.worth(asset, size, event.at)
        if value is None:
            self._note_price(event, asset)
        return value

    def _note_price(self, event: Event, asset: str) -> None:
        text = f"no price of {asset} in {self._currency} within the day before"
        self.note(Flag.MISSING_PRICE, event, asset=asset, text=text)

    def _buy(self, event: Event) -> None:
        if event.quote in self.money and event.asset not in self.money:
            self._purchase(event, event.quote, event.total, event.asset, event.size)
        else:
            self._exchange(event, event.quote, event.total, event.asset, event.size)

    def _sell(self, event: Event) -> None:
        if event.quote in self.money and event.asset not in self.money:
            self._sale(event, event.asset, event.size, event.quote, event.total)
        else:
            self._exchange(event, event.asset, event.size, event.quote, event.total)

    def _exchange(self, event: Event, given: str, gave: Decimal, got: str, came: Decimal) -> None:
        """The rarer ways: money for money, coins priced in coins, and what is bought with the quote turned round."""
        if given in self.money and got in self.money:
            self.side_fee(event)
        elif given in self.money:
            self._purchase(event, given, gave, got, came)
        elif got in self.money:
            self._sale(event, given, gave, got, came)
        else:
            self._swap(event, given, gave, got, came)

    def _purchase(self, event: Event, given: str, gave: Decimal, got: str, came: Decimal) -> None:
        fee, charge = event.fee, None
        cost = self.worth(given, gave, event.at)
        if cost is None:
            self._note_price(event, given)
        if fee:
            if event.fee_asset == given:
                charge = self.worth(given, fee, event.at)
            elif event.fee_asset == got:
                charge = None if cost is None else share(cost, part=fee, whole=came)
                came -= fee
            else:
                charge = self.third_fee(event)[0]
            if cost is not None and charge is not None and event.fee_asset != got:
                cost += charge
        self.acquire(event, got, came, cost, charge)

    def _sale(self, event: Event, given: str, gave: Decimal, got: str, came: Decimal) -> None:
        fee, charge = event.fee, None
        flags: tuple[Flag, ...] = ()
        proceeds = self.worth(got, came, event.at)
        if proceeds is None:
            self._note_price(event, got)
        if fee:
            if event.fee_asset == got:
                charge = self.worth(got, fee, event.at)
            elif event.fee_asset == given:
                gave += fee
                charge = None if proceeds is None else share(proceeds, part=fee, whole=gave)
            else:
                charge, flags = self.third_fee(event)
            if proceeds is not None and charge is not None and event.fee_asset != given:
                proceeds -= charge
        self.dispose(event, given, gave, proceeds, charge, flags)

    def _swap(self, event: Event, given: str, gave: Decimal, got: str, came: Decimal) -> None:
        """One coin for another: both are worth what came, or, without a price of that, what was given."""
        value = self.worth(got, came, event.at)
        if value is None:
            value = self.worth(given, gave, event.at)
        if value is None:
            text = f"neither {got} nor {given} has a price in {self._currency} within the day before"
            self.note(Flag.MISSING_PRICE, event, asset=got, text=text)
        basis = proceeds = value
        fee, charge = event.fee, None
        flags: tuple[Flag, ...] = ()
        if fee and event.fee_asset == got:
            charge = None if value is None else share(value, part=fee, whole=came)
            came -= fee
            basis = proceeds = None if value is None or charge is None else value - charge
        elif fee and event.fee_asset == given:
            gave += fee
            charge = None if value is None else share(value, part=fee, whole=gave)
        elif fee:
            charge, flags = self.third_fee(event)
            proceeds = value if value is None or charge is None else value - charge
        self.dispose(event, given, gave, proceeds, charge, flags)
        if came > 0:
            self.acquire(event, got, came, basis)

    def third_fee(self, event: Event) -> tuple[Decimal | None, tuple[Flag, ...]]:
        """The worth of a fee in neither asset of the trade, which disposes of it; None and a flag without a price."""
        asset, fee = event.fee_asset, event.fee
        value = None
        if event.fee_total is not None and event.quote:
            value = self.worth(event.quote, event.fee_total, event.at)
        if value is None:
            value = self.worth(asset, fee, event.at)
        if value is None:
            text = f"fee of {fee:f} {asset}: no price of {asset} in {self._currency} within the day before"
            self.note(Flag.FEE_WITHOUT_PRICE, event, asset=asset, text=text)
        if asset not in self.money:
            if fee > 0:
                self.dispose(event, asset, fee, value, flags=(Flag.FEE_PAID_IN_KIND,))
            else:
                self.acquire(event, asset, -fee, None if value is None else -value)
        return value, (Flag.FEE_WITHOUT_PRICE,) if value is None else ()

    def side_fee(self, event: Event) -> None:
        """A fee of what is no trade of coins: a cost, and a disposal of the coins that paid it."""
        if event.fee:
            value, _ = self.third_fee(event)
            self.history.costs.append(_receipt(event, event.fee_asset, event.fee, value))

    def _transfer(self, event: Event) -> None:
        if event.asset not in self.money:
            self.stock.move(event)
        self.side_fee(event)

    def _deposit(self, event: Event) -> None:
        """Known by its value and date, or a lot that nobody knows the price of. Money has no lots."""
        if event.asset not in self.money:
            cost = None if event.value is None else self.priced(event, event.value_asset, event.value)
            bought_at = event.acquired_at or (None if event.value is None else event.at)
            lot = Lot(event.id, event.wallet, event.size, cost, bought_at or event.at, bought_at, None)
            self.pool(event.wallet, event.asset).put(lot)
        self.side_fee(event)

    def _withdrawal(self, event: Event) -> None:
        if event.asset not in self.money:
            deque(self.stock.take(event.wallet, event.asset, event.size), maxlen=0)
            text = f"{event.size:f} {event.asset} left {event.wallet}"
            self.note(Flag.LEFT, event, asset=event.asset, text=text)
        self.side_fee(event)

    def _income(self, event: Event) -> None:
        """Income at its worth when received, which is also the basis of the coins (Notice 2014-21, A-8; Rev. Rul. 2023-14)."""
        if event.value is None:
            value = self.priced(event, event.asset, event.size)
        else:
            value = self.priced(event, event.value_asset, event.value)
        self.history.income.append(_receipt(event, event.asset, event.size, value))
        if event.asset not in self.money:
            self.acquire(event, event.asset, event.size, value)
        self.side_fee(event)

    def _fee(self, event: Event) -> None:
        value = self.priced(event, event.asset, event.size)
        self.history.costs.append(_receipt(event, event.asset, event.size, value))
        if event.asset not in self.money:
            self.dispose(event, event.asset, event.size, value, flags=(Flag.FEE_PAID_IN_KIND,))


def _receipt(event: Event, asset: str, size: Decimal, value: Decimal | None) -> Receipt:
    return Receipt(event.id, event.at, event.wallet, asset, size, value, event.note or event.kind.value)
