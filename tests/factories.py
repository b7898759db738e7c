"""Builds rows for tests with sensible defaults."""

from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from decimal import Decimal

from trading.models import Account, DeskState, Instrument, Operator, Posting, Venue
from trading.types import Mode, TradingState

AT = datetime(2026, 11, 20, 12, 0, tzinfo=UTC)


@dataclass(frozen=True)
class Desk:
    operator: Operator
    state: DeskState
    accounts: dict[str, Account]
    instruments: dict[str, Instrument]

    def account(self, venue: str = "binance") -> Account:
        return self.accounts[venue]

    def instrument(self, venue: str = "binance", symbol: str = "BTC/USDT") -> Instrument:
        return self.instruments[f"{venue} {symbol}"]


def make_desk(
    *,
    at: datetime,
    mode: Mode = Mode.PAPER,
    venues: tuple[str, ...] = ("binance", "kraken"),
    symbols: tuple[str, ...] = ("BTC/USDT",),
    balance: Decimal = Decimal(10_000),
) -> Desk:
    """Every account starts with `balance` USDT as a deposit."""
    operator = Operator.objects.create(name="operator", created_at=at)
    state = DeskState.objects.create(
        operator=operator,
        mode=mode,
        state=TradingState.ACTIVE,
        ok_until=at + timedelta(seconds=20),
        changed_at=at,
    )
    accounts: dict[str, Account] = {}
    instruments: dict[str, Instrument] = {}
    for name in venues:
        venue = Venue.objects.create(name=name, client=name)
        accounts[name] = Account.objects.create(operator=operator, venue=venue, mode=mode)
        Posting.objects.create(
            account=accounts[name],
            asset="USDT",
            amount=balance,
            kind=Posting.Kind.DEPOSIT,
            reference="start",
            at=at,
        )
        for symbol in symbols:
            instruments[f"{name} {symbol}"] = make_instrument(venue=venue, symbol=symbol)
    return Desk(operator=operator, state=state, accounts=accounts, instruments=instruments)


def make_instrument(*, venue: Venue, symbol: str) -> Instrument:
    base, quote = symbol.split("/")
    return Instrument.objects.create(
        venue=venue,
        symbol=symbol,
        base=base,
        quote=quote,
        price_tick=Decimal("0.01"),
        size_step=Decimal("0.00001"),
        min_size=Decimal("0.00001"),
        min_notional=Decimal(5),
        maker_fee_ratio=Decimal("0.001"),
        taker_fee_ratio=Decimal("0.001"),
    )
