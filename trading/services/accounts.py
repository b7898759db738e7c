"""Opens the desk's venue accounts: paper over the live market, live with keys from the vault."""

import asyncio
import logging
import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from decimal import Decimal
from typing import Any

from django.conf import settings

from neuratrade.lib import plugins
from neuratrade.lib.clock import now
from neuratrade.lib.vault import VaultError
from trading.errors import ConfigurationError, InvalidValueError, StaleDataError, VenueError
from trading.models import Account, Instrument, Order, Venue
from trading.protocols import AccountClient, Credentials, MarketData, VenueConfig, VenueDriver
from trading.services import credentials, market
from trading.types import Mode, OrderBook, OrderState, PublicTrade, Quote

log = logging.getLogger(__name__)

_FRESH = timedelta(seconds=4)
_REST_TIMEOUT_S = 3.0
_REST_EVERY_S = 3.0
_REST_PAUSE_S = 5.0


class LiveBooks:
    """The live market as the executor sees it: the stream's book from Redis, else one fetched over REST.

    The second way keeps exits, the paper venue and liquidation working while Redis or `watch_market` is away.
    """

    def __init__(
        self, *, venue: str, open_market: Callable[[], MarketData], rest_every_s: float = _REST_EVERY_S
    ) -> None:
        self._venue, self._open_market, self._rest_every_s = venue, open_market, rest_every_s
        self._market: MarketData | None = None
        self._fetched: dict[str, OrderBook] = {}
        self._next_fetch: dict[str, float] = {}

    async def book(self, symbol: str) -> OrderBook | None:
        """The newest book known, fresh or not; None when there is none."""
        streamed = await self._streamed(symbol)
        if streamed is not None and now() - streamed.received_at <= _FRESH:
            return streamed
        await self._fetch(symbol)
        known = [book for book in (streamed, self._fetched.get(symbol)) if book is not None]
        return max(known, key=lambda book: book.received_at, default=None)

    async def quote(self, symbol: str) -> Quote | None:
        """The newest best prices, fresh or not; None when there are none."""
        try:
            quote = await asyncio.to_thread(market.latest_quote, venue=self._venue, symbol=symbol)
        except (StaleDataError, InvalidValueError):
            quote = None
        if quote is not None and now() - quote.received_at <= _FRESH:
            return quote
        book = await self.book(symbol)
        if book is None or not book.bids or not book.asks:
            return quote
        return Quote(
            venue=book.venue,
            symbol=book.symbol,
            bid=book.bids[0].price,
            ask=book.asks[0].price,
            bid_size=book.bids[0].size,
            ask_size=book.asks[0].size,
            as_of=book.as_of,
            received_at=book.received_at,
        )

    async def trades_since(self, symbol: str, *, since: datetime) -> Sequence[PublicTrade]:
        """Public trades of the stream; none while it is away."""
        try:
            return await asyncio.to_thread(
                market.recent_trades, venue=self._venue, symbol=symbol, since=since
            )
        except StaleDataError:
            return []

    async def close(self) -> None:
        if self._market is not None:
            await self._market.close()

    async def _streamed(self, symbol: str) -> OrderBook | None:
        try:
            return await asyncio.to_thread(market.latest_book, venue=self._venue, symbol=symbol)
        except (StaleDataError, InvalidValueError):
            return None

    async def _fetch(self, symbol: str) -> None:
        """At most every few seconds per symbol, and less often while the venue does not answer."""
        if time.monotonic() < self._next_fetch.get(symbol, 0.0):
            return
        self._next_fetch[symbol] = time.monotonic() + self._rest_every_s
        if self._market is None:
            self._market = self._open_market()
        try:
            self._fetched[symbol] = await asyncio.wait_for(
                self._market.fetch_book(symbol), timeout=_REST_TIMEOUT_S
            )
        except (VenueError, InvalidValueError, TimeoutError) as error:
            log.warning("no stream and no book over REST for %s %s: %s", self._venue, symbol, error)
            self._next_fetch[symbol] = time.monotonic() + _REST_PAUSE_S


@dataclass(frozen=True, slots=True, kw_only=True)
class OpenAccount:
    account: Account
    client: AccountClient
    books: LiveBooks

    async def close(self) -> None:
        await self.client.close()
        await self.books.close()


def working_accounts(mode: Mode) -> list[Account]:
    """The accounts a desk in `mode` looks after: the enabled ones, and any other that still holds or orders something.

    Switching an account off stops new entries; what is open there is still protected and still closed. Shadow watches the live
    accounts and sends nothing.
    """
    kind = Mode.PAPER if mode is Mode.PAPER else Mode.LIVE
    rows = Account.objects.select_related("operator", "venue", "credential").filter(mode=kind).order_by("pk")
    return [row for row in rows if (row.is_enabled and row.venue.is_enabled) or _is_busy(row)]


def _is_busy(account: Account) -> bool:
    ended = [state.value for state in OrderState if state.is_terminal]
    return Order.objects.filter(account=account).exclude(state__in=ended).exists() or any(
        abs(position.size_base) >= position.instrument.dust_base
        for position in account.positions.select_related("instrument")
    )


def opener(account: Account) -> Callable[[], OpenAccount]:
    """Reads all that one account needs; the returned function opens it, inside the event loop that will use it.

    Raises ConfigurationError when the venue's driver is unknown or a live account has no usable keys.
    """
    drivers: dict[str, VenueDriver] = plugins.discover("trading.venues", "VENUE")
    venue = account.venue
    if venue.driver not in drivers:
        raise ConfigurationError(
            f"venue {venue.name}: there is no driver {venue.driver!r}; use one of {', '.join(drivers)}"
        )
    driver = drivers[venue.driver]
    instruments = list(Instrument.objects.filter(venue=venue).select_related("venue"))
    config = _config(venue, instruments=instruments, options=venue.options)
    keys = _credentials(account) if account.mode == Mode.LIVE else None

    def open_now() -> OpenAccount:
        books = LiveBooks(venue=venue.name, open_market=lambda: driver.market_data(config))
        if keys is not None:
            client = driver.account(config, credentials=keys)
        else:
            options = paper_options(account, instruments=instruments, books=books)
            paper = _config(venue, instruments=instruments, options=options)
            client = drivers["paper"].account(paper, credentials=Credentials("", ""))
        return OpenAccount(account=account, client=client, books=books)

    return open_now


def paper_options(account: Account, *, instruments: Sequence[Instrument], books: LiveBooks) -> dict[str, Any]:
    """What the paper venue is told: its file, the real venue's filters and fees, and where the live market is."""
    quotes = sorted({instrument.quote for instrument in instruments})
    return {
        "path": settings.HOME / f"paper-{account.pk}.sqlite3",
        "instruments": {instrument.symbol: instrument.spec for instrument in instruments},
        "books": books,
        "start_balances": {asset: Decimal(settings.PAPER_START_BALANCE) for asset in quotes},
        "fee_in_received": account.venue.client == "binance",
        "seed": account.pk,
    }


def _config(venue: Venue, *, instruments: Sequence[Instrument], options: dict[str, Any]) -> VenueConfig:
    return VenueConfig(
        name=venue.name,
        client=venue.client,
        symbols=tuple(instrument.symbol for instrument in instruments),
        options=options,
    )


def _credentials(account: Account) -> Credentials:
    if account.credential is None:
        raise ConfigurationError(
            f"account {account} has no keys; add them with `neuratrade onboard` or use paper mode"
        )
    try:
        return credentials.reveal(account.credential)
    except VaultError as error:
        raise ConfigurationError(f"account {account}: {error}") from error
