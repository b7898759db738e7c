"""Money at the paper venue, under random orders and markets: conserved to the last digit, and never below zero."""

import tempfile
from collections.abc import Sequence
from contextlib import suppress
from datetime import UTC, datetime, timedelta
from decimal import Decimal
from pathlib import Path

from asgiref.sync import async_to_sync
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from trading.errors import VenueRejectedError
from trading.protocols import VenueConfig
from trading.types import (
    BookLevel,
    InstrumentSpec,
    OrderBook,
    OrderRequest,
    OrderType,
    PublicTrade,
    Side,
    TimeInForce,
    VenueOrderStatus,
)
from trading.venues.paper.account import PaperAccount, PaperOptions

START = datetime(2026, 11, 20, 12, 0, tzinfo=UTC)
D = Decimal
SYMBOL = "BTC/USDT"
SPEC = InstrumentSpec(
    venue="binance",
    symbol=SYMBOL,
    base="BTC",
    quote="USDT",
    price_tick=D("0.1"),
    size_step=D("0.001"),
    min_size=D("0.001"),
    min_notional=D(5),
    maker_fee_ratio=D("0.0007"),
    taker_fee_ratio=D("0.0013"),
)


class Market:
    """A live market that the test moves."""

    def __init__(self) -> None:
        self.at = START
        self.mid = D(10_000)
        self.size = D("0.05")
        self.trades: list[PublicTrade] = []

    def clock(self) -> datetime:
        return self.at

    async def sleep(self, seconds: float) -> None:
        """Time passes at once and nobody else gets a turn: the test alone decides when the market acts."""
        self.at += timedelta(seconds=seconds)

    async def book(self, symbol: str) -> OrderBook:
        steps = [D(step) for step in (5, 15, 30)]
        return OrderBook(
            venue="binance",
            symbol=symbol,
            bids=tuple(BookLevel(self.mid - step, self.size * step) for step in steps),
            asks=tuple(BookLevel(self.mid + step, self.size * step) for step in steps),
            as_of=self.at,
            received_at=self.at,
        )

    async def trades_since(self, symbol: str, *, since: datetime) -> Sequence[PublicTrade]:
        return [trade for trade in self.trades if trade.as_of > since]

    def print(self, price: Decimal, size: Decimal, side: Side) -> None:
        self.at += timedelta(milliseconds=10)
        self.trades.append(
            PublicTrade(
                venue="binance",
                symbol=SYMBOL,
                trade_id=str(len(self.trades)),
                price=price,
                size=size,
                side=side,
                as_of=self.at,
            )
        )


def account(market: Market, path: Path, *, fee_in_received: bool, latency_ms: float = 0.0) -> PaperAccount:
    options = PaperOptions(
        path=path,
        instruments={SYMBOL: SPEC},
        books=market,
        start_balances={"USDT": D(1_000)},
        fee_in_received=fee_in_received,
        latency_ms=latency_ms,
        clock=market.clock,
        sleep=market.sleep,
    )
    return PaperAccount(VenueConfig(name="binance", client="binance", symbols=(SYMBOL,)), options=options)


ORDERS = st.fixed_dictionaries(
    {
        "do": st.just("order"),
        "side": st.sampled_from(Side),
        "type": st.sampled_from([OrderType.MARKET, OrderType.LIMIT, OrderType.STOP]),
        "tif": st.sampled_from(TimeInForce),
        "size": st.integers(1, 120),
        "offset": st.integers(-600, 600),
        "post_only": st.booleans(),
    }
)
MOVES = st.one_of(
    st.fixed_dictionaries({"do": st.just("move"), "by": st.integers(-400, 400)}),
    st.fixed_dictionaries(
        {
            "do": st.just("trade"),
            "offset": st.integers(-400, 400),
            "size": st.integers(1, 2000),
            "side": st.sampled_from(Side),
        }
    ),
    st.fixed_dictionaries({"do": st.just("cancel"), "which": st.integers(0, 30)}),
    st.fixed_dictionaries({"do": st.just("restart")}),
)


def request_of(step: dict, market: Market, *, number: int) -> OrderRequest:
    price = market.mid + D(step["offset"]) / 10
    is_stop = step["type"] is OrderType.STOP
    return OrderRequest(
        client_order_id=f"order-{number}",
        symbol=SYMBOL,
        side=step["side"],
        type=step["type"],
        time_in_force=step["tif"],
        size_base=D(step["size"]) / 1000,
        price_bound=None if is_stop else price,
        stop_price=price if is_stop else None,
        post_only=step["post_only"] and step["type"] is OrderType.LIMIT,
    )


async def check(venue: PaperAccount, placed: list[OrderRequest]) -> None:
    balances = await venue.balances()
    base, quote = D(0), D(1_000)
    for fill in await venue.fills(symbol=SYMBOL, since=START - timedelta(days=1)):
        sign = 1 if fill.side is Side.BUY else -1
        base += sign * fill.size_base
        quote -= sign * fill.size_base * fill.price
        base -= fill.fee if fill.fee_asset == "BTC" else 0
        quote -= fill.fee if fill.fee_asset == "USDT" else 0
        request = next(one for one in placed if one.client_order_id == fill.client_order_id)
        if request.price_bound is not None:
            is_better = fill.price <= request.price_bound
            assert is_better if fill.side is Side.BUY else fill.price >= request.price_bound
    for asset, expected in (("BTC", base), ("USDT", quote)):
        held = balances.get(asset)
        assert (held.total if held else D(0)) == expected
        assert held is None or (held.free >= 0 and held.locked >= 0)
    orders = await venue.open_orders()
    if not orders:
        assert all(balance.locked == 0 for balance in balances.values())
    for request in placed:
        order = await venue.find_order(
            symbol=SYMBOL, client_order_id=request.client_order_id, venue_order_id=None, since=START
        )
        assert order is not None
        assert order.filled_base <= order.size_base
        assert (order.status is VenueOrderStatus.FILLED) == (order.filled_base == order.size_base)


@settings(max_examples=60, deadline=None, suppress_health_check=[HealthCheck.too_slow])
@given(steps=st.lists(st.one_of(ORDERS, MOVES), max_size=25), fee_in_received=st.booleans())
def test_money_is_conserved(steps: list[dict], fee_in_received: bool) -> None:
    async def run(folder: str) -> None:
        market, path = Market(), Path(folder) / "paper.sqlite3"
        venue = account(market, path, fee_in_received=fee_in_received)
        placed: list[OrderRequest] = []
        for number, step in enumerate(steps):
            match step["do"]:
                case "order":
                    request = request_of(step, market, number=number)
                    with suppress(VenueRejectedError):
                        await venue.place_order(request)
                        placed.append(request)
                case "move":
                    market.mid = max(D(1_000), market.mid + D(step["by"]) / 10)
                    market.size = D("0.05") if market.size == D("0.04") else D("0.04")
                case "trade":
                    market.print(market.mid + D(step["offset"]) / 10, D(step["size"]) / 1000, step["side"])
                case "cancel" if placed:
                    chosen = placed[step["which"] % len(placed)]
                    await venue.cancel_order(
                        symbol=SYMBOL, client_order_id=chosen.client_order_id, venue_order_id=None
                    )
                case "restart":
                    await venue.close()
                    venue = account(market, path, fee_in_received=fee_in_received)
            await venue.match()
            await check(venue, placed)
        await venue.close()

    with tempfile.TemporaryDirectory(prefix="nt-paper-") as folder:
        async_to_sync(run)(folder)


def test_an_order_cut_off_by_a_kill_ends_without_a_fill(tmp_path: Path) -> None:
    async def run() -> None:
        market = Market()
        venue = account(market, tmp_path / "paper.sqlite3", fee_in_received=True)
        request = request_of(
            {
                "side": Side.BUY,
                "type": OrderType.MARKET,
                "tif": TimeInForce.IOC,
                "size": 10,
                "offset": 100,
                "post_only": False,
            },
            market,
            number=1,
        )
        venue._ledger.accept(request, spec=SPEC, at=market.at)  # the process dies here
        again = account(market, tmp_path / "paper.sqlite3", fee_in_received=True)
        order = await again.find_order(
            symbol=SYMBOL, client_order_id="order-1", venue_order_id=None, since=START
        )
        assert order is not None
        assert order.status is VenueOrderStatus.CANCELED
        assert (await again.balances())["USDT"].free == D(1_000)
        await again.close()

    async_to_sync(run)()


def test_orders_arrive_late(tmp_path: Path) -> None:
    async def run() -> None:
        market = Market()
        venue = account(market, tmp_path / "paper.sqlite3", fee_in_received=True, latency_ms=200)
        await venue.server_time()
        before = market.at
        await venue.place_order(
            request_of(
                {
                    "side": Side.BUY,
                    "type": OrderType.MARKET,
                    "tif": TimeInForce.IOC,
                    "size": 10,
                    "offset": 100,
                    "post_only": False,
                },
                market,
                number=1,
            )
        )
        assert market.at - before >= timedelta(milliseconds=200)
        await venue.close()

    async_to_sync(run)()
