"""One account at an exchange through ccxt: places each order with exactly one call and classifies every answer.

ACCEPTED needs the order's id (and our client id where the venue repeats it); REJECTED needs the venue's own code from the table
in `rejections`; everything else is OutcomeUnknownError, which only a query resolves.
"""

import asyncio
import contextlib
import logging
from collections.abc import AsyncIterator, Awaitable, Callable, Mapping, Sequence
from contextvars import ContextVar
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any

from neuratrade.lib import ratelimit
from neuratrade.lib.clock import from_epoch_ms, now, to_epoch_ms
from neuratrade.lib.redact import redact
from trading.errors import OutcomeUnknownError, VenueRejectedError, VenueUnavailableError
from trading.protocols import AccountClient, Credentials, VenueConfig
from trading.types import Balance, OrderRequest, VenueFill, VenueOrder
from trading.venues.ccxt_exchange import wire
from trading.venues.ccxt_exchange.capabilities import traits_of
from trading.venues.ccxt_exchange.client import make_client
from trading.venues.ccxt_exchange.rejections import definite_rejection

log = logging.getLogger(__name__)

_ORDER_WAIT_S = 2.0
_CANCEL_WAIT_S = 10.0
_READ_WAIT_S = 3.0
_RECONNECT_S = 1.0
_LONGEST_RECONNECT_S = 30.0


@dataclass(frozen=True, slots=True)
class _Reply:
    status: int
    body: str


# The reply to the call of the present task: ccxt's own `last_http_response` may belong to somebody else's call.
_reply: ContextVar[_Reply | None] = ContextVar("reply", default=None)


def open_account(config: VenueConfig, *, credentials: Credentials) -> AccountClient:
    """A client of one account; nothing is sent before the first call. Raises ConfigurationError for an unknown exchange."""
    return CcxtAccount(config, credentials=credentials)


class CcxtAccount:
    def __init__(self, config: VenueConfig, *, credentials: Credentials) -> None:
        self._config = config
        self._traits = traits_of(config.client, venue=config.name)
        self.capabilities = self._traits.capabilities
        self._exchange = make_client(config, credentials)
        self._markets = asyncio.Lock()
        self._stirred = asyncio.Event()
        original = self._exchange.on_rest_response

        def remember(
            code: int, reason: str, url: str, method: str, headers: Any, body: str, *rest: Any
        ) -> Any:
            _reply.set(_Reply(status=code, body=body))
            return original(code, reason, url, method, headers, body, *rest)

        self._exchange.on_rest_response = remember
        connected = self._exchange.on_connected

        def reconnected(*arguments: Any) -> None:
            connected(*arguments)
            self._stirred.set()

        self._exchange.on_connected = reconnected

    async def place_order(self, request: OrderRequest) -> VenueOrder:
        """One call. VenueUnavailableError means that nothing was sent; see the module for the rest."""
        import ccxt

        await self._ready()
        kind, price, parameters = wire.order_arguments(request)
        parameters |= self._traits.bounds(now())
        _reply.set(None)
        try:
            with ratelimit.lane(max_wait_s=_ORDER_WAIT_S):
                raw = await self._exchange.create_order(
                    request.symbol, kind, request.side.value, wire.text(request.size_base), price, parameters
                )
        except VenueUnavailableError:
            raise  # our own rate limiter: the call never left
        except ccxt.BaseError as error:
            self._raise_if_rejected()
            raise OutcomeUnknownError(_line(error)) from error
        except (OSError, ValueError, TypeError, KeyError, AttributeError, IndexError) as error:
            # ccxt stumbles over a body it did not expect; the order may exist
            raise OutcomeUnknownError(f"the reply to a new order cannot be read ({_line(error)})") from error
        return self._accepted(raw, request=request)

    def _raise_if_rejected(self) -> None:
        reply = _reply.get()
        if reply is None:
            return
        rejection = definite_rejection(self._config.client, status=reply.status, body=reply.body)
        if rejection is not None:
            raise VenueRejectedError(f"{self._config.name}: {rejection.message}", code=rejection.code)

    def _accepted(self, raw: Any, *, request: OrderRequest) -> VenueOrder:
        self._raise_if_rejected()
        try:
            order = wire.venue_order(raw, request=request)
        except (VenueUnavailableError, AttributeError) as error:
            raise OutcomeUnknownError(f"the venue's yes cannot be read ({_line(error)})") from error
        echoed = order.client_order_id
        if echoed != request.client_order_id and (echoed is not None or self._traits.echoes_client_id):
            raise OutcomeUnknownError(
                f"the venue answered about another order: {echoed!r} in place of {request.client_order_id!r}"
            )
        return order

    async def cancel_order(self, *, symbol: str, client_order_id: str, venue_order_id: str | None) -> None:
        """Asks once. Raises OutcomeUnknownError or VenueUnavailableError when the ask may not have arrived: ask again.

        "No such order" is no error: the order may be filled, canceled, or never have come; the caller reads which.
        """
        import ccxt

        await self._ready()
        try:
            with ratelimit.lane(priority="cancel", max_wait_s=_CANCEL_WAIT_S):
                await self._exchange.cancel_order(
                    venue_order_id, symbol, {} if venue_order_id else {"clientOrderId": client_order_id}
                )
        except (ccxt.OrderNotFound, ccxt.InvalidOrder):
            return
        except ccxt.BaseError as error:
            raise OutcomeUnknownError(_line(error)) from error

    async def find_order(
        self, *, symbol: str, client_order_id: str, venue_order_id: str | None, since: datetime
    ) -> VenueOrder | None:
        """By id, then in open orders, closed orders and trades. None only when all were read and lack it."""
        found = await self._by_id(symbol, client_order_id=client_order_id, venue_order_id=venue_order_id)
        if found is not None:
            return found
        by_client_id = {"clientOrderId": client_order_id} if self._traits.filters_lists_by_client_id else {}
        exchange = self._exchange
        older = exchange.fetch_orders if self._traits.has_all_orders else exchange.fetch_closed_orders
        for read, since_ms in ((exchange.fetch_open_orders, None), (older, to_epoch_ms(since))):
            for raw in await self._read(read, symbol, since_ms, None, dict(by_client_id)):
                if raw.get("clientOrderId") == client_order_id or (
                    venue_order_id and raw.get("id") == venue_order_id
                ):
                    return wire.venue_order(raw)
        fills = await self.fills(symbol=symbol, since=since)
        if venue_order_id and any(fill.venue_order_id == venue_order_id for fill in fills):
            raise VenueUnavailableError(f"order {venue_order_id} has fills but is in no list yet; ask again")
        return None

    async def _by_id(
        self, symbol: str, *, client_order_id: str, venue_order_id: str | None
    ) -> VenueOrder | None:
        if not venue_order_id and not self._traits.can_fetch_by_client_id:
            return None
        parameters = {} if venue_order_id else {"clientOrderId": client_order_id}
        raw = await self._read(
            self._exchange.fetch_order, venue_order_id, symbol, parameters, may_be_absent=True
        )
        if raw is None:
            return None
        order = wire.venue_order(raw)
        if order.client_order_id not in {None, client_order_id}:
            raise VenueUnavailableError(f"asked for {client_order_id}, got {order.client_order_id}")
        return order

    async def open_orders(self) -> Sequence[VenueOrder]:
        # ccxt warns that Binance weighs this call; the desk asks once a minute
        self._exchange.options["warnOnFetchOpenOrdersWithoutSymbol"] = False
        return [wire.venue_order(raw) for raw in await self._read(self._exchange.fetch_open_orders)]

    async def fills(self, *, symbol: str, since: datetime) -> Sequence[VenueFill]:
        await self._ready()
        quote = str(self._exchange.market(symbol)["quote"])
        pages = self._pages_by_offset if self._traits.pages_by_offset else self._pages_by_id
        raws = [raw async for raw in pages(symbol, since_ms=to_epoch_ms(since))]
        fills = {str(raw["id"]): wire.venue_fill(raw, quote=quote) for raw in raws if raw["symbol"] == symbol}
        return sorted(fills.values(), key=lambda fill: (fill.executed_at, fill.trade_id))

    async def _pages_by_offset(self, _symbol: str, *, since_ms: int) -> AsyncIterator[Any]:
        """Newest first, every instrument in one list; the start is exclusive and in whole seconds."""
        offset = 0
        while True:
            page = await self._read(
                self._exchange.fetch_my_trades, None, since_ms - 1000, None, {"ofs": offset}
            )
            for raw in page:
                yield raw
            if len(page) < self._traits.trades_page:
                return
            offset += len(page)

    async def _pages_by_id(self, symbol: str, *, since_ms: int) -> AsyncIterator[Any]:
        """Oldest first, one instrument."""
        size = self._traits.trades_page
        page = await self._read(self._exchange.fetch_my_trades, symbol, since_ms, size)
        while True:
            for raw in page:
                yield raw
            if len(page) < size:
                return
            after = {"fromId": int(page[-1]["id"]) + 1}
            page = await self._read(self._exchange.fetch_my_trades, symbol, None, size, after)

    async def balances(self) -> Mapping[str, Balance]:
        return wire.balances(await self._read(self._exchange.fetch_balance))

    async def server_time(self) -> datetime:
        """The venue's clock; where it is cut to a step, the middle of that step."""
        epoch_ms = await self._read(self._exchange.fetch_time)
        return from_epoch_ms(int(epoch_ms)) + timedelta(seconds=self._traits.clock_step_s / 2)

    async def changes(self) -> AsyncIterator[None]:
        """From the user stream. ccxt reconnects in silence, so every new connection is a change, too."""
        streams = [
            asyncio.create_task(self._watch(self._exchange.watch_orders)),
            asyncio.create_task(self._watch(self._exchange.watch_balance)),
        ]
        try:
            while True:
                await self._stirred.wait()
                self._stirred.clear()
                yield None
        finally:
            for stream in streams:
                stream.cancel()
            await asyncio.gather(*streams, return_exceptions=True)

    async def _watch(self, watch: Callable[[], Awaitable[Any]]) -> None:
        """A stream that ends is a hint as well; it is opened again with growing patience."""
        import ccxt

        pause_s = _RECONNECT_S
        while True:
            try:
                await watch()
                pause_s = _RECONNECT_S
            except (ccxt.BaseError, VenueUnavailableError, OSError) as error:
                log.warning(
                    "%s: the account's stream ended (%s); opening it again", self._config.name, _line(error)
                )
                self._stirred.set()
                await asyncio.sleep(pause_s)
                pause_s = min(pause_s * 2, _LONGEST_RECONNECT_S)
            self._stirred.set()

    async def close(self) -> None:
        await self._exchange.close()

    async def _ready(self) -> None:
        """Loads the instruments before anything depends on them, so that an order is one call."""
        if self._exchange.markets:
            return
        async with self._markets:
            if not self._exchange.markets:
                await self._call(self._exchange.load_markets)

    async def _read(
        self, method: Callable[..., Awaitable[Any]], *arguments: Any, may_be_absent: bool = False
    ) -> Any:
        await self._ready()
        return await self._call(method, *arguments, may_be_absent=may_be_absent)

    async def _call(
        self, method: Callable[..., Awaitable[Any]], *arguments: Any, may_be_absent: bool = False
    ) -> Any:
        """What ccxt returns, or VenueUnavailableError. With `may_be_absent`, None for an order the venue does not know."""
        import ccxt

        # Kraken says "EOrder:Invalid order" for an unknown id
        absent = (ccxt.OrderNotFound, ccxt.InvalidOrder) if may_be_absent else ()
        try:
            with ratelimit.lane(max_wait_s=_READ_WAIT_S):
                return await method(*arguments)
        except absent:
            return None
        except ccxt.BaseError as error:
            raise VenueUnavailableError(_line(error)) from error
        except (ValueError, TypeError, KeyError, AttributeError, IndexError) as error:
            raise VenueUnavailableError(f"the venue's answer cannot be read ({_line(error)})") from error


def _line(error: BaseException) -> str:
    """The error on one line without secrets, short enough for the journal."""
    with contextlib.suppress(IndexError):
        return redact(f"{type(error).__name__}: {str(error).splitlines()[0]}")[:250]
    return type(error).__name__
