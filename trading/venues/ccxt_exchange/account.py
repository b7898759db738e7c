"""One account at an exchange through ccxt: places each order with exactly one call and classifies every answer.

ACCEPTED needs the order's id (and our client id where the venue repeats it); REJECTED needs the venue's own code from the table
in `rejections`; everything else is OutcomeUnknownError, which only a query resolves.
"""

import asyncio
from collections.abc import AsyncIterator, Awaitable, Callable, Mapping, Sequence
from contextvars import ContextVar
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any

from neuratrade.lib import ratelimit
from neuratrade.lib.clock import from_epoch_ms, now, to_epoch_ms
from trading.errors import OutcomeUnknownError, VenueRejectedError, VenueUnavailableError
from trading.protocols import AccountClient, Credentials, VenueConfig
from trading.types import Balance, OrderRequest, VenueFill, VenueOrder
from trading.venues.ccxt_exchange import wire
from trading.venues.ccxt_exchange.capabilities import traits_of
from trading.venues.ccxt_exchange.client import make_client
from trading.venues.ccxt_exchange.rejections import definite_rejection
from trading.venues.ccxt_exchange.userstream import UserStream

_ORDER_WAIT_S = 2.0
_CANCEL_WAIT_S = 10.0
_READ_WAIT_S = 3.0
# What ccxt raises, beside its own errors, over a body it did not expect.
_UNREADABLE = (OSError, ValueError, TypeError, KeyError, AttributeError, IndexError)


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
        self._stream = UserStream(self._exchange, venue=config.name)
        original = self._exchange.on_rest_response

        def remember(
            code: int, reason: str, url: str, method: str, headers: Any, body: str, *rest: Any
        ) -> Any:
            _reply.set(_Reply(status=code, body=body))
            return original(code, reason, url, method, headers, body, *rest)

        self._exchange.on_rest_response = remember

    async def place_order(self, request: OrderRequest) -> VenueOrder:
        """One call. VenueUnavailableError means that nothing was sent; see the module for the rest."""
        import ccxt

        await self._ready()
        self._refuse_rounding(request)
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
            raise OutcomeUnknownError(wire.one_line(error)) from error
        except _UNREADABLE as error:
            # ccxt stumbles over a body it did not expect; the order may exist
            raise OutcomeUnknownError(
                f"the reply to a new order cannot be read ({wire.one_line(error)})"
            ) from error
        return self._accepted(raw, request=request)

    def _refuse_rounding(self, request: OrderRequest) -> None:
        """ccxt would cut a price or size to the venue's steps in silence; the approved order is sent as it is, or not at all."""
        import ccxt

        checks = (
            ("size", request.size_base, self._exchange.amount_to_precision),
            ("price", request.price_bound, self._exchange.price_to_precision),
            ("stop price", request.stop_price, self._exchange.price_to_precision),
        )
        for name, value, rounded in checks:
            if value is None:
                continue
            try:
                is_exact = wire.number(rounded(request.symbol, wire.text(value))) == value
            except ccxt.BaseError:
                is_exact = False
            if not is_exact:
                raise VenueRejectedError(
                    f"not sent: {name} {value} does not fit {request.symbol}", code="PRECISION"
                )

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
            raise OutcomeUnknownError(f"the venue's yes cannot be read ({wire.one_line(error)})") from error
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
        except (ccxt.BaseError, *_UNREADABLE) as error:
            raise OutcomeUnknownError(wire.one_line(error)) from error

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

    def changes(self) -> AsyncIterator[None]:
        return self._stream.changes()

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
            raise VenueUnavailableError(wire.one_line(error)) from error
        except _UNREADABLE as error:
            raise VenueUnavailableError(
                f"the venue's answer cannot be read ({wire.one_line(error)})"
            ) from error
