"""What every account client must do, whatever the venue: the same suite on paper and on ccxt accounts at both practice venues."""

import asyncio
import json
import uuid
from collections.abc import AsyncIterator, Sequence
from contextlib import asynccontextmanager
from dataclasses import dataclass, replace
from datetime import datetime, timedelta
from decimal import Decimal
from pathlib import Path

import pytest

from neuratrade.lib import clock, plugins
from trading.errors import VenueRejectedError
from trading.practice.settings import PracticeSettings
from trading.practice.venues import PracticeVenues
from trading.protocols import AccountClient, Credentials, MarketData, VenueConfig
from trading.types import (
    InstrumentSpec,
    OrderBook,
    OrderRequest,
    OrderType,
    PublicTrade,
    Side,
    TimeInForce,
    VenueOrder,
    VenueOrderStatus,
    round_down,
    round_up,
)

SYMBOL = "BTC/USDT"
STILL = PracticeSettings(instruments=1, history_minutes=30, is_flowing=False)
START = Decimal(10_000)
ZERO = Decimal(0)


class PracticeBooks:
    """The paper venue's live market: a practice venue's book, fetched as often as it is asked for."""

    def __init__(self, market: MarketData) -> None:
        self._market = market

    async def book(self, symbol: str) -> OrderBook | None:
        return await self._market.fetch_book(symbol)

    async def trades_since(self, symbol: str, *, since: datetime) -> Sequence[PublicTrade]:
        return []


@dataclass
class Bench:
    """An account with 10,000 USDT, the market it trades in, and the venues behind both."""

    client: AccountClient
    market: MarketData
    spec: InstrumentSpec
    venues: PracticeVenues

    async def best(self, side: Side) -> Decimal:
        return (await self.market.fetch_book(SYMBOL)).side(side)[0].price

    def request(self, side: Side, type_: OrderType, **fields) -> OrderRequest:
        defaults = {
            "client_order_id": str(uuid.uuid4()),
            "symbol": SYMBOL,
            "time_in_force": TimeInForce.IOC if type_ is OrderType.MARKET else TimeInForce.GTC,
            "size_base": Decimal("0.01"),
        }
        return OrderRequest(side=side, type=type_, **{**defaults, **fields})

    async def buy(self, size: str = "0.01") -> OrderRequest:
        """Buys at the market and waits until the venue shows it filled."""
        bound = round_up(await self.best(Side.BUY) * Decimal("1.01"), step=self.spec.price_tick)
        request = self.request(Side.BUY, OrderType.MARKET, size_base=Decimal(size), price_bound=bound)
        placed = await self.client.place_order(request)
        await self.until(request, VenueOrderStatus.FILLED, venue_order_id=placed.venue_order_id)
        return request

    async def find(self, request: OrderRequest, venue_order_id: str | None = None) -> VenueOrder | None:
        return await self.client.find_order(
            symbol=SYMBOL,
            client_order_id=request.client_order_id,
            venue_order_id=venue_order_id,
            since=clock.now() - timedelta(minutes=5),
        )

    async def until(
        self, request: OrderRequest, status: VenueOrderStatus, venue_order_id: str | None = None
    ) -> VenueOrder:
        async with asyncio.timeout(10):
            while True:
                found = await self.find(request, venue_order_id)
                if found is not None and found.status is status:
                    return found
                await asyncio.sleep(0.05)

    async def balance(self, asset: str) -> tuple[Decimal, Decimal]:
        balance = (await self.client.balances()).get(asset)
        return (balance.free, balance.locked) if balance else (Decimal(0), Decimal(0))


@pytest.fixture(params=["paper", "binance", "kraken"])
async def bench(request: pytest.FixtureRequest, tmp_path: Path) -> AsyncIterator[Bench]:
    async with open_bench(request.param, tmp_path=tmp_path) as opened:
        yield opened


@pytest.fixture(params=["binance", "kraken"])
async def real_hosts(request: pytest.FixtureRequest, tmp_path: Path) -> AsyncIterator[Bench]:
    """Nothing but a proxy and its certificate is configured: the client believes in the venue's own addresses."""
    async with open_bench(request.param, tmp_path=tmp_path, through_proxy=True) as opened:
        yield opened


@asynccontextmanager
async def open_bench(kind: str, *, tmp_path: Path, through_proxy: bool = False) -> AsyncIterator[Bench]:
    name = "binance" if kind == "paper" else kind
    drivers = plugins.discover("trading.venues", "VENUE")
    async with PracticeVenues(replace(STILL, proxy_port=0 if through_proxy else None)) as venues:
        running = venues.binance if name == "binance" else venues.kraken
        options = running.ccxt_options(through_proxy=through_proxy)
        credentials = Credentials(str(options.pop("apiKey")), str(options.pop("secret")))
        options.pop("enableRateLimit")
        config = VenueConfig(name=name, client=name, symbols=(SYMBOL,), options={**options, "rateLimit": 10})
        if name == "kraken":
            venues.call("POST", "/kraken/limits", {"call_limit": 10_000})
        market = drivers["ccxt_exchange"].market_data(config)
        spec = (await market.instruments())[0]
        if kind == "paper":
            paper = {
                "path": tmp_path / "paper.sqlite3",
                "instruments": {SYMBOL: spec},
                "books": PracticeBooks(market),
                "start_balances": {"USDT": START},
                "latency_ms": 2.0,
            }
            config = VenueConfig(name=name, client=name, symbols=(SYMBOL,), options=paper)
            client = drivers["paper"].account(config, credentials=credentials)
        else:
            client = drivers["ccxt_exchange"].account(config, credentials=credentials)
        try:
            yield Bench(client=client, market=market, spec=spec, venues=venues)
        finally:
            await client.close()
            await market.close()


async def test_an_order_goes_to_the_venue_s_own_address(real_hosts: Bench) -> None:
    request = await real_hosts.buy()
    ledger = real_hosts.venues.call("GET", f"/{real_hosts.spec.venue}/orders", {})
    assert request.client_order_id in json.dumps(ledger, default=str)


async def test_a_market_buy_is_filled_and_every_coin_is_accounted_for(bench: Bench) -> None:
    request = await bench.buy()

    fills = [
        fill for fill in await bench.client.fills(symbol=SYMBOL, since=clock.now() - timedelta(minutes=5))
    ]
    found = await bench.find(request)
    assert found is not None
    assert found.client_order_id == request.client_order_id
    assert found.filled_base == request.size_base == sum(fill.size_base for fill in fills)
    assert {fill.venue_order_id for fill in fills} == {found.venue_order_id}
    assert request.price_bound is not None
    assert all(fill.price <= request.price_bound and not fill.is_maker for fill in fills)
    cost = sum(fill.price * fill.size_base for fill in fills)
    fees = {asset: sum(f.fee for f in fills if f.fee_asset == asset) for asset in ("BTC", "USDT")}
    assert fees["BTC"] or fees["USDT"]
    assert await bench.balance("BTC") == (request.size_base - fees["BTC"], ZERO)
    free, locked = await bench.balance("USDT")
    assert locked == 0
    assert abs(START - cost - fees["USDT"] - free) < Decimal("0.001")


async def test_a_resting_limit_holds_money_until_it_is_canceled(bench: Bench) -> None:
    price = round_down(await bench.best(Side.SELL) * Decimal("0.9"), step=bench.spec.price_tick)
    request = bench.request(Side.BUY, OrderType.LIMIT, price_bound=price)
    placed = await bench.client.place_order(request)

    shown = [order for order in await bench.client.open_orders()]
    assert [(order.client_order_id, order.status) for order in shown] == [
        (request.client_order_id, VenueOrderStatus.OPEN)
    ]
    assert shown[0].venue_order_id == placed.venue_order_id
    _, locked = await bench.balance("USDT")
    assert locked >= price * request.size_base

    await bench.client.cancel_order(
        symbol=SYMBOL, client_order_id=request.client_order_id, venue_order_id=None
    )
    ended = await bench.until(request, VenueOrderStatus.CANCELED)
    assert ended.filled_base == 0
    assert list(await bench.client.open_orders()) == []
    assert await bench.balance("USDT") == (START, ZERO)


async def test_canceling_what_has_ended_is_no_error(bench: Bench) -> None:
    request = await bench.buy()
    await bench.client.cancel_order(
        symbol=SYMBOL, client_order_id=request.client_order_id, venue_order_id=None
    )
    found = await bench.find(request)
    assert found is not None
    assert found.status is VenueOrderStatus.FILLED


async def test_an_immediate_order_that_meets_nothing_leaves_nothing(bench: Bench) -> None:
    bound = round_down(await bench.best(Side.BUY) * Decimal("0.99"), step=bench.spec.price_tick)
    request = bench.request(Side.BUY, OrderType.MARKET, price_bound=bound)
    placed = await bench.client.place_order(request)
    ended = await bench.until(request, VenueOrderStatus.CANCELED, venue_order_id=placed.venue_order_id)
    assert ended.filled_base == 0
    assert list(await bench.client.fills(symbol=SYMBOL, since=clock.now() - timedelta(minutes=5))) == []
    assert await bench.balance("USDT") == (START, ZERO)


@pytest.mark.parametrize("problem", ["no money", "too small", "off the tick"])
async def test_a_definite_no_leaves_no_order(bench: Bench, problem: str) -> None:
    tick, price = bench.spec.price_tick, await bench.best(Side.SELL)
    below = round_down(price * Decimal("0.9"), step=tick)
    fields = {
        "no money": {"size_base": Decimal(5), "price_bound": below},
        "too small": {"size_base": bench.spec.size_step, "price_bound": below},
        "off the tick": {"price_bound": below + tick / 2},
    }[problem]
    request = bench.request(Side.BUY, OrderType.LIMIT, **fields)
    with pytest.raises(VenueRejectedError) as caught:
        await bench.client.place_order(request)
    assert caught.value.code
    assert await bench.find(request) is None
    assert await bench.balance("USDT") == (START, ZERO)


async def test_an_order_that_never_was_is_not_found(bench: Bench) -> None:
    assert await bench.find(bench.request(Side.BUY, OrderType.LIMIT, price_bound=Decimal(1000))) is None


async def test_a_stop_rests_holds_the_coins_and_sells_when_the_price_falls(bench: Bench) -> None:
    await bench.buy()
    held, _ = await bench.balance("BTC")
    size = round_down(held, step=bench.spec.size_step)
    bid = await bench.best(Side.SELL)
    stop_price = round_down(bid * Decimal("0.97"), step=bench.spec.price_tick)
    request = bench.request(Side.SELL, OrderType.STOP, size_base=size, stop_price=stop_price)
    placed = await bench.client.place_order(request)

    assert [order.client_order_id for order in await bench.client.open_orders()] == [request.client_order_id]
    assert (await bench.balance("BTC"))[1] == size

    bench.venues.call("POST", "/price", {"symbol": SYMBOL, "move_percent": -5, "hold": True})
    ended = await bench.until(request, VenueOrderStatus.FILLED, venue_order_id=placed.venue_order_id)
    assert ended.filled_base == size
    assert (await bench.balance("BTC"))[1] == 0


async def test_a_canceled_stop_gives_the_coins_back(bench: Bench) -> None:
    await bench.buy()
    held, _ = await bench.balance("BTC")
    stop_price = round_down(await bench.best(Side.SELL) * Decimal("0.9"), step=bench.spec.price_tick)
    size = round_down(held, step=bench.spec.size_step)
    request = bench.request(Side.SELL, OrderType.STOP, size_base=size, stop_price=stop_price)
    placed = await bench.client.place_order(request)
    await bench.client.cancel_order(
        symbol=SYMBOL, client_order_id=request.client_order_id, venue_order_id=placed.venue_order_id
    )
    ended = await bench.until(request, VenueOrderStatus.CANCELED, venue_order_id=placed.venue_order_id)
    assert ended.filled_base == 0
    assert await bench.balance("BTC") == (held, ZERO)


async def test_fills_before_the_window_are_left_out(bench: Bench) -> None:
    await bench.buy()
    later = clock.now() + timedelta(seconds=3)
    assert list(await bench.client.fills(symbol=SYMBOL, since=later)) == []


async def test_the_server_knows_the_time(bench: Bench) -> None:
    offset = await bench.client.server_time() - clock.now()
    assert abs(offset) < timedelta(seconds=1.5)


async def test_a_change_is_announced(bench: Bench) -> None:
    heard: list[datetime] = []

    async def listen() -> None:
        async for _ in bench.client.changes():
            heard.append(clock.now())

    listening = asyncio.create_task(listen())
    try:
        async with asyncio.timeout(15):
            while not heard:  # an account's stream says hello, or needs an order to speak
                await bench.buy(size="0.001")
            before = len(heard)
            await bench.buy(size="0.001")
            while len(heard) == before:
                await asyncio.sleep(0.02)
    finally:
        listening.cancel()
        await asyncio.gather(listening, return_exceptions=True)


async def test_it_says_how_doubt_is_resolved(bench: Bench) -> None:
    assert bench.client.capabilities.has_client_order_id
    assert bench.client.capabilities.has_stop_orders
    assert 0 < bench.client.capabilities.lateness_bound_s <= 60
