"""A live desk on practice venues, small enough to be killed a hundred times: real ccxt clients, real SQL, the real gate's keys."""

import asyncio
import uuid
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager, suppress
from dataclasses import dataclass, field, replace
from datetime import datetime, timedelta
from decimal import Decimal
from typing import Any

import pytest
from django.conf import settings as django_settings
from django.db import transaction

from neuratrade.lib import clock, crashpoints, plugins
from tests.factories import Desk, make_desk
from trading.errors import VenueError
from trading.models import Decision, Order, Position
from trading.practice.keys import DEMO_ACCOUNT
from trading.practice.settings import PracticeSettings
from trading.practice.venues import PracticeVenues
from trading.protocols import AccountClient, Credentials, VenueConfig
from trading.risk.limits import PROFILES
from trading.services import approvals, gate, journal, keys, leases, reconcile, state
from trading.services.accounts import LiveBooks
from trading.services.execution import Lane, in_db, send
from trading.types import (
    Mode,
    OrderRequest,
    OrderState,
    OrderType,
    Portfolio,
    Purpose,
    Quote,
    Side,
    Snapshot,
    TimeInForce,
    TradingState,
    round_down,
    round_up,
)

SYMBOL = "BTC/USDT"
STILL = PracticeSettings(instruments=1, history_minutes=30, is_flowing=False)


class Killed(BaseException):
    """Stands for SIGKILL: nothing in the product may catch it."""


class ShiftedBooks:
    """The live market, dated by the desk's own clock: time passes faster for the desk than for the venue."""

    def __init__(self, books: LiveBooks, *, shift: Callable[[], timedelta]) -> None:
        self._books, self._shift = books, shift

    async def quote(self, symbol: str) -> Quote | None:
        quote, shift = await self._books.quote(symbol), self._shift()
        if quote is None:
            return None
        return replace(quote, as_of=quote.as_of + shift, received_at=quote.received_at + shift)


@dataclass
class Rig:
    """One venue, one account, one lane at a time. `shift` lets time pass for the desk, not for the venue."""

    desk: Desk
    venue: str
    venues: PracticeVenues
    client: AccountClient
    books: LiveBooks
    shift: timedelta = field(default_factory=timedelta)
    generation: int = 0
    lane: Lane | None = None

    def now(self) -> datetime:
        return clock.now() + self.shift

    @property
    def account(self):
        return self.desk.account(self.venue)

    async def start(self) -> Lane:
        """A new executor takes the account over, as after a restart."""
        self.generation += 1
        owner, name = f"executor-{self.generation}", approvals.lease_name(self.account.pk)
        if self.lane is not None:
            _, former, former_epoch = self.lane.lease
            await in_db(leases.release)(name=name, owner=former, epoch=former_epoch)
        epoch = await in_db(leases.acquire)(name=name, owner=owner, ttl_s=3600, at=self.now())
        assert epoch is not None
        self.lane = Lane(
            account=self.account,
            client=self.client,
            books=ShiftedBooks(self.books, shift=lambda: self.shift),  # type: ignore[arg-type]
            lease=(name, owner, epoch),
            clock=self.now,
        )
        return self.lane

    async def entry(self, size: str = "0.001") -> Order:
        """An approved market buy, signed like the gate signs."""
        quote = await self.books.quote(SYMBOL)
        assert quote is not None
        return await in_db(self._approved)(Decimal(size), quote)

    def _approved(self, size: Decimal, quote: Quote) -> Order:
        at, instrument = self.now(), self.desk.instrument(self.venue)
        state.renew_ok(operator=self.desk.operator, mode=Mode.LIVE, until=at + timedelta(seconds=20))
        decision = Decision.objects.create(
            operator=self.desk.operator,
            instrument=instrument,
            account=self.account,
            mode=Mode.LIVE,
            status=Decision.Status.APPROVED,
            source="crash campaign",
            opened_at=at,
            changed_at=at,
        )
        order_id = uuid.uuid4()
        order = Order.objects.create(
            id=order_id,
            decision=decision,
            account=self.account,
            instrument=instrument,
            purpose=Purpose.ENTRY,
            mode=Mode.LIVE,
            client_order_id=journal.client_order_id(order_id=order_id, leg=0),
            side=Side.BUY,
            type=OrderType.MARKET,
            time_in_force=TimeInForce.IOC,
            size_base=size,
            price_bound=round_up(quote.ask * Decimal("1.001"), step=instrument.price_tick),
            stop_price=round_down(quote.bid * Decimal("0.98"), step=instrument.price_tick),
            target_price=round_up(quote.ask * Decimal("1.05"), step=instrument.price_tick),
            close_by=at + timedelta(hours=1),
            created_at=at,
            changed_at=at,
        )
        with transaction.atomic():
            journal.move(
                order_id=order.pk,
                from_states=(OrderState.PROPOSED,),
                to_state=OrderState.APPROVED,
                reason="signed",
                at=at,
            )
            approvals.issue(order=order, seen=self._seen(quote, at=at), limits=PROFILES["balanced"], at=at)
        return order

    def _seen(self, quote: Quote, *, at: datetime) -> Snapshot:
        return Snapshot(
            at=at,
            mode=Mode.LIVE,
            trading_state=TradingState.ACTIVE,
            breaker_epoch=state.current(operator=self.desk.operator, mode=Mode.LIVE).breaker_epoch,
            instrument=self.desk.instrument(self.venue).spec,
            quote=quote,
            book=None,
            atr=None,
            free_quote=Decimal(10_000),
            free_base=Decimal(0),
            portfolio=Portfolio(
                equity=Decimal(1_000_000),
                equity_peak_24h=Decimal(1_000_000),
                daily_realised_pnl=Decimal(0),
                consecutive_losses=0,
            ),
            watchdog_ok_until=at + timedelta(seconds=20),
        )

    async def send_or_die(self, order: Order, *, at_point: str | None) -> bool:
        """Sends; True when the process died at `at_point` on the way."""
        assert self.lane is not None

        def die(name: str) -> None:
            if name == at_point:
                raise Killed(name)

        crashpoints.handler = die
        try:
            await send(self.lane, order_id=order.pk)
        except Killed:
            return True
        finally:
            crashpoints.handler = None
        return False

    async def recover(self, order: Order) -> Order:
        """What a restarted executor does, with the waiting cut short: adopt, resolve, send what still waits."""
        lane = await self.start()
        doubts = reconcile.Doubts()
        await reconcile.adopt_leftovers(lane)
        for _ in range(12):
            await in_db(order.refresh_from_db)()
            if order.state == OrderState.APPROVED:
                await send(lane, order_id=order.pk)
            await reconcile.resolve_doubts(lane, doubts=doubts)
            await in_db(order.refresh_from_db)()
            if order.state in {OrderState.ACKED, OrderState.PARTIAL}:
                with suppress(VenueError):
                    await reconcile.sweep(lane, doubts=doubts)
                await in_db(order.refresh_from_db)()
            if OrderState(order.state).is_terminal:
                return order
            self.shift += timedelta(seconds=4)
        return order

    async def sign_proposed(self) -> int:
        """What guard_risk does with what protection proposed."""
        return await in_db(self._sign)()

    def _sign(self) -> int:
        rows = list(Order.objects.filter(state=OrderState.PROPOSED, reduce_only=True))
        for order in rows:
            gate.sign_reduce_only(order_id=order.pk, at=self.now())
        return len(rows)

    def ask(self, method: str, path: str, body: dict[str, object] | None = None) -> Any:
        """A control operation at this venue."""
        return self.venues.call(method, f"/{self.venue}/{path}", body)

    def at_venue(self, client_order_id: str) -> list[dict]:
        """The venue's own record of one client order id."""
        orders: list[dict] = self.ask("GET", "orders", {"client_id": client_order_id})
        return orders

    def our_orders(self) -> list[dict]:
        """Everything the demo account ever had at the venue, by the venue's own record."""
        orders: list[dict] = self.ask("GET", "orders", {"account": DEMO_ACCOUNT})
        return orders

    async def stranger(self, *, price_ratio: str) -> None:
        """Somebody places an order on the same account by hand."""
        quote = await self.books.quote(SYMBOL)
        assert quote is not None
        instrument = self.desk.instrument(self.venue)
        await self.client.place_order(
            OrderRequest(
                client_order_id=str(uuid.uuid4()),
                symbol=SYMBOL,
                side=Side.BUY,
                type=OrderType.LIMIT,
                time_in_force=TimeInForce.GTC,
                size_base=Decimal("0.001"),
                price_bound=round_down(quote.bid * Decimal(price_ratio), step=instrument.price_tick),
            )
        )

    def posts(self, client_order_id: str) -> int:
        """How often the desk asked the venue to place this order."""
        requests = self.ask("GET", "requests", {"method": "POST", "path": ORDER_PATH[self.venue]})
        return sum(client_order_id in str(request) for request in requests)

    def fault(self, **fields: object) -> None:
        self.venues.call(
            "POST", f"/{self.venue}/faults", {"path": ORDER_PATH[self.venue], "method": "POST", **fields}
        )

    def calm(self) -> None:
        self.venues.call("DELETE", f"/{self.venue}/faults")

    async def position(self) -> Position | None:
        return await in_db(
            lambda: (
                Position.objects.filter(account=self.account)
                .select_related("instrument__venue", "decision", "account__venue", "account__operator")
                .first()
            )
        )()

    async def until(self, condition: Callable[[], bool], *, timeout_s: float = 10.0) -> None:
        async with asyncio.timeout(timeout_s):
            while not condition():
                await asyncio.sleep(0.02)


ORDER_PATH = {"binance": "/api/v3/order", "kraken": "/0/private/AddOrder"}


@pytest.fixture
def live_desk(db: None, settings: object) -> Desk:
    """A desk in live mode whose accounts hold at the venues what the ledger says."""
    settings.MODE = "live"  # type: ignore[attr-defined]
    keys.create_if_absent()
    assert (django_settings.KEYS_DIR / keys.SIGNING_KEY).exists()
    return make_desk(at=clock.now(), mode=Mode.LIVE)


@asynccontextmanager
async def open_rig(desk: Desk, venue: str, *, timeout_ms: int = 10_000) -> AsyncIterator[Rig]:
    """The practice venues and one account's real client; instruments get the venue's real filters."""
    driver = plugins.discover("trading.venues", "VENUE")["ccxt_exchange"]
    async with PracticeVenues(STILL) as venues:
        running = venues.binance if venue == "binance" else venues.kraken
        options = running.ccxt_options()
        credentials = Credentials(str(options.pop("apiKey")), str(options.pop("secret")))
        options.pop("enableRateLimit")
        options |= {"rateLimit": 5, "timeout": timeout_ms}
        if venue == "kraken":
            venues.call("POST", "/kraken/limits", {"call_limit": 100_000})
        config = VenueConfig(name=venue, client=venue, symbols=(SYMBOL,), options=options)
        market = driver.market_data(config)
        books = LiveBooks(venue=venue, open_market=lambda: market, rest_every_s=0.0)
        client = driver.account(config, credentials=credentials)
        spec = (await market.instruments())[0]
        await in_db(_take_filters)(desk, venue, spec)
        rig = Rig(desk=desk, venue=venue, venues=venues, client=client, books=books)
        await rig.start()
        try:
            yield rig
        finally:
            await client.close()
            await books.close()


def _take_filters(desk: Desk, venue: str, spec) -> None:
    instrument = desk.instrument(venue)
    for name in (
        "price_tick",
        "size_step",
        "min_size",
        "min_notional",
        "max_size",
        "maker_fee_ratio",
        "taker_fee_ratio",
    ):
        setattr(instrument, name, getattr(spec, name))
    instrument.save()
