"""Small engines for the engine's tests."""

from __future__ import annotations

from decimal import Decimal

from trading.practice.clock import VirtualClock
from trading.practice.engine.exchange import Exchange
from trading.practice.engine.ledger import Ledger
from trading.practice.engine.types import FeeAsset, Kind, NewOrder, Rules, SelfTrade, Side
from trading.practice.instruments import Instrument

SYMBOL = "BTC/USDT"
INSTRUMENT = Instrument(
    symbol=SYMBOL,
    base="BTC",
    quote="USDT",
    tick=Decimal("0.5"),
    step_base=Decimal("0.001"),
    min_size_base=Decimal("0.001"),
    max_size_base=Decimal(1000),
    min_notional_quote=Decimal(5),
    max_notional_quote=Decimal(10_000_000),
    start_price=Decimal(100),
)


def rules(fee_asset: FeeAsset = FeeAsset.RECEIVED, self_trade: SelfTrade = SelfTrade.EXPIRE_MAKER) -> Rules:
    """Fees of 0.1 % maker and 0.2 % taker."""
    return Rules(Decimal("0.001"), Decimal("0.002"), fee_asset, self_trade)


def engine(
    *,
    fee_asset: FeeAsset = FeeAsset.RECEIVED,
    self_trade: SelfTrade = SelfTrade.EXPIRE_MAKER,
    ledger: Ledger | None = None,
    accounts: tuple[str, ...] = ("ann", "bob", "cat"),
) -> Exchange:
    """One market, three clients with 10,000 USDT and 100 BTC each (none of it when the ledger restores)."""
    exchange = Exchange("test", rules=rules(fee_asset, self_trade), clock=VirtualClock(), ledger=ledger)
    exchange.list_instrument(INSTRUMENT)
    if exchange.ledger.is_restored:
        exchange.restore()
        return exchange
    for name in accounts:
        exchange.deposit(name, asset="USDT", amount=Decimal(10_000))
        exchange.deposit(name, asset="BTC", amount=Decimal(100))
    return exchange


def limit(side: str, size: str, price: str, **extra: object) -> NewOrder:
    """A limit order."""
    return NewOrder(
        symbol=SYMBOL,
        side=Side(side),
        kind=Kind.LIMIT,
        size_base=Decimal(size),
        price=Decimal(price),
        **extra,  # type: ignore[arg-type]
    )


def market(side: str, size: str | None = None, **extra: object) -> NewOrder:
    """A market order by base size, or by ``size_quote``."""
    return NewOrder(
        symbol=SYMBOL,
        side=Side(side),
        kind=Kind.MARKET,
        size_base=None if size is None else Decimal(size),
        **extra,  # type: ignore[arg-type]
    )


def free(exchange: Exchange, account: str, asset: str) -> Decimal:
    """Free balance."""
    return exchange.accounts[account].balance(asset).free


def locked(exchange: Exchange, account: str, asset: str) -> Decimal:
    """Locked balance."""
    return exchange.accounts[account].balance(asset).locked
