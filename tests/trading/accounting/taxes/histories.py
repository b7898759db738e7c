"""Short ways to tell a history, and generated ones."""

import random
from collections.abc import Sequence
from datetime import UTC, datetime, timedelta
from decimal import Decimal
from typing import Any

from hypothesis import strategies as st

from trading.accounting.taxes.engine import compute
from trading.accounting.taxes.events import Event, Kind, checked
from trading.accounting.taxes.lots import Method
from trading.accounting.taxes.stock import History, Options
from trading.accounting.taxes.valuation import PriceSource, Valuer

START = datetime(2024, 1, 1, tzinfo=UTC)
WALLETS = ("kraken", "ledger")
COINS = ("BTC", "ETH")


def day(number: float) -> datetime:
    return START + timedelta(days=number)


def event(kind: Kind, size: str, asset: str = "BTC", *, on: float, id: str = "", **more: Any) -> Event:
    """An event in `kraken`; amounts in `more` may be text."""
    amounts = {"total", "fee", "fee_total", "value"}
    given = {name: Decimal(str(value)) if name in amounts else value for name, value in more.items()}
    told: dict[str, Any] = {"wallet": "kraken", **given}
    return checked(
        Event(id=id or f"{kind}-{on}", at=day(on), kind=kind, asset=asset, size=Decimal(size), **told)
    )


def buy(size: str, total: str, asset: str = "BTC", *, on: float, **more: Any) -> Event:
    return event(Kind.BUY, size, asset, on=on, total=total, **{"quote": "USD", **more})


def sell(size: str, total: str, asset: str = "BTC", *, on: float, **more: Any) -> Event:
    return event(Kind.SELL, size, asset, on=on, total=total, **{"quote": "USD", **more})


def booked(
    events: Sequence[Event],
    *,
    method: Method = Method.FIFO,
    is_universal: bool = False,
    currency: str = "USD",
    sources: Sequence[PriceSource] = (),
) -> History:
    options = Options(method=method, is_universal=is_universal)
    return compute(
        events, options=options, valuer=Valuer(currency=currency, stable=["USDT"], sources=sources)
    )


def closed(events: Sequence[Event], *, on: float) -> list[Event]:
    """With a last sale of everything that is left, in each wallet."""
    from trading.accounting.taxes.pairing import changes

    left: dict[tuple[str, str], Decimal] = {}
    for told in events:
        for wallet, asset, change in changes(told):
            if asset in COINS:
                left[wallet, asset] = left.get((wallet, asset), Decimal(0)) + change
    last = [
        sell(f"{size:f}", "1000", asset, on=on, wallet=wallet, id=f"last-{wallet}-{asset}")
        for (wallet, asset), size in left.items()
        if size > 0
    ]
    return [*events, *last]


@st.composite
def histories(draw: st.DrawFn, *, is_covered: bool = True) -> list[Event]:
    """Trades, swaps, incomes and transfers of two coins in two wallets; covered: never more goes than there is."""
    seed, count = draw(st.integers(0, 2**32)), draw(st.integers(1, 40))
    return generated(seed=seed, count=count, is_covered=is_covered)


def generated(*, seed: int, count: int, is_covered: bool = True) -> list[Event]:
    dice = random.Random(seed)
    held: dict[tuple[str, str], Decimal] = {}
    found: list[Event] = []
    for number in range(count):
        wallet, coin = dice.choice(WALLETS), dice.choice(COINS)
        there = held.get((wallet, coin), Decimal(0))
        size = Decimal(dice.randint(1, 10**9)).scaleb(-dice.choice((3, 6, 8)))
        kind = dice.choice((Kind.BUY, Kind.BUY, Kind.SELL, Kind.SELL, Kind.TRANSFER, Kind.INCOME))
        takes = kind in {Kind.SELL, Kind.TRANSFER}
        if takes and is_covered and size > there:
            if not there:
                kind, takes = Kind.BUY, False
            else:
                size = there if dice.random() < 0.5 else there / 2
        sign = -1 if takes else 1
        held[wallet, coin] = there + sign * size
        more: dict[str, Any] = {"wallet": wallet, "id": f"e{number}"}
        if kind in {Kind.BUY, Kind.SELL}:
            more |= {"quote": "USD", "total": Decimal(dice.randint(0, 10**8)).scaleb(-4)}
            more |= {"fee": Decimal(dice.randint(0, 999)).scaleb(-2), "fee_asset": "USD"}
        elif kind is Kind.TRANSFER:
            other = WALLETS[1 - WALLETS.index(wallet)]
            more["to_wallet"] = other
            held[other, coin] = held.get((other, coin), Decimal(0)) + size
        else:
            more |= {"value": dice.randint(0, 10**6), "value_asset": "USD"}
        # Some events share their moment: the order of ties must not matter to what is conserved.
        found.append(
            event(
                kind, f"{size:f}", coin, on=number // dice.choice((1, 1, 2)) if not takes else number, **more
            )
        )
    return found
