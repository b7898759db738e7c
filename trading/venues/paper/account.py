"""One paper account: the venue's side of the wire, with delays, around the matching rules and the ledger."""

import asyncio
import contextlib
import logging
import random
from collections.abc import AsyncIterator, Awaitable, Callable, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from decimal import Decimal
from pathlib import Path

from neuratrade.lib.clock import now
from trading.errors import StaleDataError, VenueError, VenueRejectedError
from trading.protocols import BookSource, VenueCapabilities, VenueConfig
from trading.types import (
    Balance,
    InstrumentSpec,
    OrderBook,
    OrderRequest,
    OrderType,
    PublicTrade,
    TimeInForce,
    VenueFill,
    VenueOrder,
    VenueOrderStatus,
)
from trading.venues.paper import filters, matching
from trading.venues.paper.ledger import PaperLedger
from trading.venues.paper.records import PaperOrder

log = logging.getLogger(__name__)

CAPABILITIES = VenueCapabilities(has_stop_orders=True, has_client_order_id=True, lateness_bound_s=2.0)
_POLL_S = 0.2
_OLDEST_BOOK_S = 10.0
_TRADES_OVERLAP = timedelta(seconds=2)


@dataclass(frozen=True, slots=True, kw_only=True)
class PaperOptions:
    """`latency_ms`: one way, varied by half, from `seed`. `fee_in_received`: see PaperLedger.

    `is_self_matching` False: whoever plays the market calls `match` after each of its steps.
    """

    path: Path
    instruments: Mapping[str, InstrumentSpec]
    books: BookSource
    start_balances: Mapping[str, Decimal]
    fee_in_received: bool = True
    latency_ms: float = 40.0
    is_self_matching: bool = True
    seed: int = 0
    clock: Callable[[], datetime] = now
    sleep: Callable[[float], Awaitable[None]] = asyncio.sleep


class PaperAccount:
    capabilities = CAPABILITIES

    def __init__(self, config: VenueConfig, *, options: PaperOptions) -> None:
        self._name, self._options = config.name, options
        self._ledger = PaperLedger(
            options.path, start_balances=options.start_balances, fee_in_received=options.fee_in_received
        )
        self._liquidity = matching.Liquidity()
        self._random = random.Random(options.seed)
        self._stirred = asyncio.Event()
        self._seen: dict[str, dict[str, datetime]] = {}
        self._matching: asyncio.Task[None] | None = None
        self._end_interrupted()

    def _end_interrupted(self) -> None:
        """An immediate order that is still open was cut off by the end of the process, before it could take anything."""
        for order in self._ledger.open_orders():
            if _is_immediate(order):
                spec = self._options.instruments[order.symbol]
                self._ledger.settle(
                    order, [], spec=spec, at=self._options.clock(), end=VenueOrderStatus.CANCELED
                )

    # --- orders -------------------------------------------------------------------------------------------------------

    async def place_order(self, request: OrderRequest) -> VenueOrder:
        await self._travel()
        book = await self._book(request.symbol)
        spec = self._options.instruments.get(request.symbol)
        filters.check(request, spec=spec, book=book)
        assert spec is not None  # the filters refused an unknown symbol
        if book is None and _is_immediate(request):
            raise VenueRejectedError("paper venue: there is no live market to fill against", code="NO_MARKET")
        order = self._ledger.accept(request, spec=spec, at=self._options.clock())
        if request.type is not OrderType.STOP and book is not None:
            self._arrive(order, book=book, spec=spec)
        self._stirred.set()
        self._run_matching()
        seen = order.seen()
        await self._travel()
        return seen

    def _arrive(self, order: PaperOrder, *, book: OrderBook, spec: InstrumentSpec) -> None:
        """The taking part of a new order; the rest is canceled or joins the queue."""
        is_all_or_nothing = order.time_in_force is TimeInForce.FOK
        within = matching.available_within(
            book=book, side=order.side, limit=order.price, liquidity=self._liquidity
        )
        executions = []
        if not is_all_or_nothing or within >= order.size:
            executions = self._walk(order, book=book)
        may_rest = not _is_immediate(order)
        if may_rest and order.price is not None:
            order.queue_ahead = matching.queue_at(book=book, side=order.side, price=order.price)
        end = None if may_rest else VenueOrderStatus.CANCELED
        self._ledger.settle(order, executions, spec=spec, at=self._options.clock(), end=end)

    def _walk(self, order: PaperOrder, *, book: OrderBook) -> list[matching.Execution]:
        return matching.walk(
            book=book,
            side=order.side,
            size_base=order.remaining,
            limit=order.price,
            liquidity=self._liquidity,
        )

    async def cancel_order(self, *, symbol: str, client_order_id: str, venue_order_id: str | None) -> None:
        await self._travel()
        order = self._ledger.order(client_order_id)
        if order is not None and order.status is VenueOrderStatus.OPEN:
            spec = self._options.instruments[order.symbol]
            self._ledger.settle(order, [], spec=spec, at=self._options.clock(), end=VenueOrderStatus.CANCELED)
            self._stirred.set()
        await self._travel()

    # --- reading ------------------------------------------------------------------------------------------------------

    async def find_order(
        self, *, symbol: str, client_order_id: str, venue_order_id: str | None, since: datetime
    ) -> VenueOrder | None:
        await self._travel()
        self._run_matching()
        order = self._ledger.order(client_order_id)
        return order.seen() if order else None

    async def open_orders(self) -> Sequence[VenueOrder]:
        await self._travel()
        return [order.seen() for order in self._ledger.open_orders()]

    async def fills(self, *, symbol: str, since: datetime) -> Sequence[VenueFill]:
        await self._travel()
        return self._ledger.fills(symbol=symbol, since=since)

    async def balances(self) -> Mapping[str, Balance]:
        await self._travel()
        return self._ledger.balances()

    async def server_time(self) -> datetime:
        return self._options.clock()

    async def changes(self) -> AsyncIterator[None]:
        self._run_matching()
        while True:
            await self._stirred.wait()
            self._stirred.clear()
            yield None

    async def close(self) -> None:
        if self._matching is not None:
            self._matching.cancel()
            with contextlib.suppress(asyncio.CancelledError):
                await self._matching
        self._ledger.close()

    # --- the market goes on -------------------------------------------------------------------------------------------

    def _run_matching(self) -> None:
        if self._matching is None and self._options.is_self_matching:
            self._matching = asyncio.create_task(self._match_forever())

    async def _match_forever(self) -> None:
        while True:
            await self._options.sleep(_POLL_S)
            try:
                await self.match()
            except (StaleDataError, VenueError) as error:
                log.debug("paper venue %s: the live market is away (%s); orders rest", self._name, error)
            except Exception:
                log.exception("paper venue %s: matching failed; trying again", self._name)

    async def match(self) -> None:
        """Lets the live market act on every open order once."""
        orders = self._ledger.open_orders()
        for symbol in sorted({order.symbol for order in orders}):
            mine = [order for order in orders if order.symbol == symbol]
            trades = await self._new_trades(symbol, since=min(order.accepted_at for order in mine))
            book = await self._book(symbol)
            # the book was read after an await: what was canceled meanwhile must not fill
            still_open = {order.id for order in self._ledger.open_orders()}
            volumes = matching.volumes(trades)
            for order in mine:
                if order.id in still_open:
                    later = [trade.as_of > order.accepted_at for trade in trades]
                    self._meet(
                        order,
                        book=book,
                        trades=[trade for trade, is_later in zip(trades, later, strict=True) if is_later],
                        volumes=[volume for volume, is_later in zip(volumes, later, strict=True) if is_later],
                    )

    def _meet(
        self,
        order: PaperOrder,
        *,
        book: OrderBook | None,
        trades: Sequence[PublicTrade],
        volumes: Sequence[matching.TradeVolume],
    ) -> None:
        before = (order.queue_ahead, order.is_triggered)
        if order.type is OrderType.STOP:
            executions = self._stop_executions(order, book=book, trades=trades)
        else:
            executions = self._resting_executions(order, book=book, volumes=volumes)
        if executions or before != (order.queue_ahead, order.is_triggered):
            spec = self._options.instruments[order.symbol]
            self._ledger.settle(order, executions, spec=spec, at=self._options.clock())
            if executions:
                self._stirred.set()

    def _stop_executions(
        self, order: PaperOrder, *, book: OrderBook | None, trades: Sequence[PublicTrade]
    ) -> list[matching.Execution]:
        if not order.is_triggered and order.stop_price is not None:
            order.is_triggered = matching.is_triggered(
                side=order.side, stop_price=order.stop_price, trades=trades, book=book
            )
        return self._walk(order, book=book) if order.is_triggered and book is not None else []

    def _resting_executions(
        self, order: PaperOrder, *, book: OrderBook | None, volumes: Sequence[matching.TradeVolume]
    ) -> list[matching.Execution]:
        if order.price is None:
            return []
        result = matching.meet_trades(
            side=order.side,
            price=order.price,
            remaining=order.remaining,
            queue_ahead=order.queue_ahead,
            trades=volumes,
        )
        order.queue_ahead = result.queue_ahead
        executions = result.executions
        left = order.remaining - sum((part.size_base for part in executions), Decimal(0))
        if book is not None and left > 0:
            order.queue_ahead = matching.shrink_queue(
                order.queue_ahead, book=book, side=order.side, price=order.price
            )
            executions += matching.cross(
                book=book, side=order.side, price=order.price, remaining=left, liquidity=self._liquidity
            )
        return executions

    async def _new_trades(self, symbol: str, *, since: datetime) -> list[PublicTrade]:
        """Public trades not looked at before. Late ones are caught by reading a little of the past again."""
        seen = self._seen.setdefault(symbol, {})
        start = max(seen.values(), default=since) - _TRADES_OVERLAP
        trades = await self._options.books.trades_since(symbol, since=max(start, since))
        fresh = [trade for trade in trades if trade.trade_id not in seen]
        seen.update({trade.trade_id: trade.as_of for trade in fresh})
        self._seen[symbol] = {
            trade_id: as_of for trade_id, as_of in seen.items() if as_of >= start - _TRADES_OVERLAP
        }
        return fresh

    async def _book(self, symbol: str) -> OrderBook | None:
        """The live book; None when there is none or it is too old to trade on."""
        try:
            book = await self._options.books.book(symbol)
        except (StaleDataError, VenueError):
            return None
        if book is None or book.age_s(at=self._options.clock()) > _OLDEST_BOOK_S:
            return None
        return book

    async def _travel(self) -> None:
        delay_s = self._options.latency_ms / 1000 * self._random.uniform(0.5, 1.5)
        if delay_s > 0:
            await self._options.sleep(delay_s)


def _is_immediate(order: OrderRequest | PaperOrder) -> bool:
    """True for an order that never rests."""
    if order.type is OrderType.LIMIT:
        return order.time_in_force is not TimeInForce.GTC
    return order.type is OrderType.MARKET
