"""Puts a practice world together: engines, their past, fair prices, the other traders."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, replace
from decimal import Decimal

from trading.practice.clock import Clock, SkewedClock
from trading.practice.engine.exchange import Exchange
from trading.practice.engine.ledger import Ledger
from trading.practice.engine.types import FeeAsset, Rules, SelfTrade
from trading.practice.errors import PracticeError
from trading.practice.instruments import (
    QUOTE,
    Instrument,
    binance_instrument,
    kraken_instrument,
    start_prices,
)
from trading.practice.keys import DEMO_ACCOUNT
from trading.practice.prices.drivers import Driver, Generated, Path, Recorded
from trading.practice.prices.fair import FairPrices
from trading.practice.prices.flow import FlowSettings
from trading.practice.prices.history import Past
from trading.practice.prices.recorded import RecordedCandles, read_candles
from trading.practice.prices.world import World
from trading.practice.settings import PracticeSettings

# Standard fees without discounts: Binance 0.1 %; Kraken's lowest volume tier 0.25 % maker, 0.40 % taker.
BINANCE_RULES = Rules(Decimal("0.001"), Decimal("0.001"), FeeAsset.RECEIVED, SelfTrade.EXPIRE_MAKER)
KRAKEN_RULES = Rules(Decimal("0.0025"), Decimal("0.0040"), FeeAsset.QUOTE, SelfTrade.CANCEL_NEWEST)
Lister = Callable[..., Instrument]
VENUES: dict[str, tuple[Rules, Lister]] = {
    "binance": (BINANCE_RULES, binance_instrument),
    "kraken": (KRAKEN_RULES, kraken_instrument),
}


@dataclass(frozen=True)
class Built:
    """A world ready to run, and each venue's own clock."""

    world: World
    clocks: dict[str, SkewedClock]


@dataclass(frozen=True)
class _Prices:
    listed: dict[str, float]
    start: dict[str, float]
    driver: Driver
    past: Past


def build(settings: PracticeSettings, *, clock: Clock) -> Built:
    """Engines with their past, restored accounts, and opened markets. CandleFileError, JournalError on bad files."""
    ledgers = {venue: Ledger(path=settings.journal(venue)) for venue in VENUES}
    saved = next((ledger.world for ledger in ledgers.values() if ledger.world), {})
    prices = _prices(settings, saved=saved)
    clocks = {venue: SkewedClock(clock) for venue in VENUES}
    exchanges = []
    for venue, (rules, lister) in VENUES.items():
        exchange = Exchange(venue, rules=rules, clock=clock, ledger=ledgers[venue])
        for symbol, price in prices.start.items():
            instrument = _instrument(symbol, lister=lister, listed=prices.listed[symbol], price=price)
            past = prices.past.candles(instrument, start_price=price, end_ms=clock.now_ms(), venue=venue)
            exchange.list_instrument(instrument, past=past)
        if exchange.ledger.is_restored:
            exchange.restore()
        else:
            _fund(exchange, balances=settings.balances)
        exchanges.append(exchange)
    fair = FairPrices(
        prices.start,
        driver=prices.driver,
        venues=tuple(VENUES),
        seed=settings.seed,
        gap_every_s=settings.gap_every_s,
    )
    world = World(
        exchanges,
        fair=fair,
        clock=clock,
        seed=settings.seed,
        settings=FlowSettings(),
        is_flowing=settings.is_flowing,
    )
    world.open()
    return Built(world=world, clocks=clocks)


def _prices(settings: PracticeSettings, *, saved: dict[str, object]) -> _Prices:
    chosen = start_prices(count=settings.instruments, overrides=settings.start_prices)
    start = {f"{base}/{QUOTE}": float(price) for base, price in chosen.items()}
    recordings = {symbol: read_candles(path) for symbol, path in settings.candles.items()}
    unlisted = [symbol for symbol in recordings if symbol not in start]
    if unlisted:
        raise PracticeError(f"candles for {unlisted[0]}, which is not listed; listed are {', '.join(start)}")
    start_s = {symbol: _start_s(settings, candles) for symbol, candles in recordings.items()}
    paths = {symbol: (Path(candles), start_s[symbol]) for symbol, candles in recordings.items()}
    listed = start | {symbol: path.price(begin_s) for symbol, (path, begin_s) in paths.items()}
    position_s = float(str(saved.get("position_s", 0.0)))
    for symbol, (path, begin_s) in paths.items():
        paths[symbol] = (path, begin_s + position_s)
        start[symbol] = path.price(begin_s + position_s)
    start |= _saved_prices(saved, symbols=set(start) - set(paths))
    driver = _driver(settings, recordings=recordings, start=start, start_s=start_s, position_s=position_s)
    past = Past(
        minutes=settings.history_minutes, seed=settings.seed, paths=paths, volatility=settings.volatility
    )
    return _Prices(listed=listed, start=start, driver=driver, past=past)


def _driver(
    settings: PracticeSettings,
    *,
    recordings: dict[str, RecordedCandles],
    start: dict[str, float],
    start_s: dict[str, float],
    position_s: float,
) -> Driver:
    if not recordings:
        return Generated(list(start), seed=settings.seed, volatility=settings.volatility)
    recorded = Recorded(
        recordings,
        symbols=list(start),
        seed=settings.seed,
        speed=settings.speed,
        start_s=start_s,
        volatility=settings.volatility,
    )
    recorded.resume(position_s)
    return recorded


def _start_s(settings: PracticeSettings, candles: RecordedCandles) -> float:
    """Where play begins: as set, else after the part that serves as the past, which is at most half of the file."""
    if settings.start_minute is not None:
        return settings.start_minute * 60.0
    return min(settings.history_minutes * 60.0, len(candles) // 2 * candles.interval_s)


def _saved_prices(saved: dict[str, object], *, symbols: set[str]) -> dict[str, float]:
    prices = saved.get("prices")
    if not isinstance(prices, dict):
        return {}
    return {symbol: float(price) for symbol, price in prices.items() if symbol in symbols}


def _instrument(symbol: str, *, lister: Lister, listed: float, price: float) -> Instrument:
    """The instrument at ``price``; its filters follow ``listed``, so that a restart after a drift keeps them."""
    instrument = lister(symbol.partition("/")[0], start_price=Decimal(repr(listed)))
    return replace(instrument, start_price=instrument.round_price(Decimal(repr(price))))


def _fund(exchange: Exchange, *, balances: dict[str, Decimal]) -> None:
    exchange.open_account(DEMO_ACCOUNT)
    for asset, amount in balances.items():
        exchange.deposit(DEMO_ACCOUNT, asset=asset, amount=amount)
