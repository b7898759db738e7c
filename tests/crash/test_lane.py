"""A whole lane against a practice venue, without Redis: entry, stop, exit, doubt, strangers, liquidation."""

from datetime import timedelta
from decimal import Decimal

import pytest
from asgiref.sync import async_to_sync

from neuratrade.lib import crashpoints
from tests.crash.conftest import SYMBOL, Rig, open_rig
from tests.factories import Desk
from trading.models import Account, DeskState, Event, Order
from trading.services import liquidation, state
from trading.services.execution import in_db, send
from trading.services.lanes import LaneRunner
from trading.types import Mode, OrderState, Purpose, TradingState

OPEN_AT_VENUE = {"new", "partially_filled"}
OPENED = {OrderState.ACKED.value, OrderState.PARTIAL.value}


async def rounds(rig: Rig, runner: LaneRunner, *, until, most: int = 60) -> None:
    """Executor and risk guard in turn, a second of desk time apart, until `until()` (asked in SQL) holds."""
    for _ in range(most):
        await runner.tick()
        await rig.sign_proposed()
        rig.shift += timedelta(seconds=1)
        if await in_db(until)():
            return
    raise AssertionError(f"not reached in {most} rounds: {await in_db(_state)()}")


def _state() -> list[str]:
    return [f"{o.purpose} {o.state} {[t.reason for t in o.transitions.all()]}" for o in Order.objects.all()]


def resting(purpose: Purpose) -> list[Order]:
    return list(Order.objects.filter(purpose=purpose, state__in=OPENED))


async def enter(rig: Rig, runner: LaneRunner) -> Order:
    """An entry, filled and protected."""
    await runner.tick()
    order = await rig.entry()
    await rounds(rig, runner, until=lambda: len(resting(Purpose.PROTECT)) == 1)
    await rounds(rig, runner, until=lambda: _is_protected(rig))
    return order


def _is_protected(rig: Rig) -> bool:
    position = rig.account.positions.get()
    return position.size_base > 0 and position.unprotected_since is None


def _is_flat(rig: Rig) -> bool:
    return not any(p.size_base >= Decimal("0.00002") for p in rig.account.positions.all())


@pytest.mark.parametrize("venue", ["binance", "kraken"])
def test_an_entry_gets_its_stop_and_leaves_at_its_target(live_desk: Desk, venue: str) -> None:
    async def story() -> None:
        async with open_rig(live_desk, venue) as rig:
            runner = LaneRunner(await rig.start())
            await enter(rig, runner)
            open_at_venue = [o for o in rig.our_orders() if o["status"] in OPEN_AT_VENUE]
            assert len(open_at_venue) == 1
            assert Decimal(open_at_venue[0]["trigger_price"]) > 0

            rig.venues.call("POST", "/price", {"symbol": SYMBOL, "move_percent": 8, "hold": True})
            await rounds(rig, runner, until=lambda: _is_flat(rig))
            await rounds(rig, runner, until=lambda: not Order.objects.filter(state__in=OPENED).exists())
            assert not [o for o in rig.our_orders() if o["status"] in OPEN_AT_VENUE]
            exit_order = await in_db(Order.objects.get)(purpose=Purpose.EXIT)
            assert exit_order.state == OrderState.FILLED
            assert exit_order.reason.startswith("target")
            assert await in_db(_frozen)(rig) == ""

    async_to_sync(story)()


def _frozen(rig: Rig) -> str:
    return Account.objects.get(pk=rig.account.pk).frozen_reason


@pytest.mark.parametrize("venue", ["binance", "kraken"])
def test_the_stop_sells_at_the_venue_and_the_books_agree(live_desk: Desk, venue: str) -> None:
    async def story() -> None:
        async with open_rig(live_desk, venue) as rig:
            runner = LaneRunner(await rig.start())
            await enter(rig, runner)
            rig.venues.call("POST", "/price", {"symbol": SYMBOL, "move_percent": -4, "hold": True})
            await rounds(rig, runner, until=lambda: _is_flat(rig))
            await rounds(rig, runner, until=lambda: not Order.objects.filter(state__in=OPENED).exists())
            rig.shift += timedelta(minutes=2)
            await runner.tick()  # compares balances with the venue's
            assert await in_db(_frozen)(rig) == ""
            sold = [o for o in rig.our_orders() if o["side"] == "sell" and Decimal(o["filled_base"]) > 0]
            assert len(sold) == 1

    async_to_sync(story)()


def test_a_stop_that_cannot_be_placed_ends_in_an_exit(live_desk: Desk) -> None:
    async def story() -> None:
        async with open_rig(live_desk, "binance") as rig:
            runner = LaneRunner(await rig.start())
            await runner.tick()
            await rig.entry()
            refusal = '{"code":-1013,"msg":"Stop price would trigger immediately."}'
            for order_id in await in_db(lambda: list(Order.objects.values_list("pk", flat=True)))():
                await send(runner.lane, order_id=order_id)
            rig.fault(action="error_before", status=400, body=refusal, count=0)
            await rounds(rig, runner, until=lambda: Order.objects.filter(purpose=Purpose.EXIT).exists())
            protects = await in_db(lambda: list(Order.objects.filter(purpose=Purpose.PROTECT)))()
            assert {order.state for order in protects} == {OrderState.REJECTED}
            rig.calm()
            await rounds(rig, runner, until=lambda: _is_flat(rig), most=120)
            position = await rig.position()
            exit_order = await in_db(Order.objects.filter(purpose=Purpose.EXIT).earliest)("created_at")
            assert "no stop could be placed" in exit_order.reason
            assert position is not None

    async_to_sync(story)()


@pytest.mark.parametrize("venue", ["binance", "kraken"])
def test_a_stop_whose_reply_is_lost_is_found_and_never_doubled(live_desk: Desk, venue: str) -> None:
    async def story() -> None:
        async with open_rig(live_desk, venue) as rig:
            runner = LaneRunner(await rig.start())
            await runner.tick()
            order = await rig.entry()
            await send(runner.lane, order_id=order.pk)
            rig.fault(action="drop_after")
            await rounds(rig, runner, until=lambda: bool(resting(Purpose.PROTECT)))
            stops = [o for o in rig.our_orders() if o["side"] == "sell"]
            assert len(stops) == 1
            assert await in_db(Order.objects.filter(purpose=Purpose.PROTECT).count)() == 1

    async_to_sync(story)()


def test_a_strangers_order_freezes_entries_and_is_left_alone(live_desk: Desk) -> None:
    async def story() -> None:
        async with open_rig(live_desk, "binance") as rig:
            runner = LaneRunner(await rig.start())
            await runner.tick()
            await rig.stranger(price_ratio="0.9")
            rig.shift += timedelta(minutes=2)
            await runner.tick()
            assert "not ours" in await in_db(_frozen)(rig)
            assert await in_db(Event.objects.filter(kind="order.foreign").count)() == 1
            order = await rig.entry()
            await runner.tick()
            await in_db(order.refresh_from_db)()
            assert order.state == OrderState.ABORTED
            assert rig.posts(order.client_order_id) == 0
            assert [o["status"] for o in rig.our_orders()] == ["new"]

    async_to_sync(story)()


@pytest.mark.parametrize("venue", ["binance", "kraken"])
def test_liquidation_closes_everything_without_redis(live_desk: Desk, venue: str) -> None:
    async def story() -> None:
        async with open_rig(live_desk, venue) as rig:
            runner = LaneRunner(await rig.start())
            await enter(rig, runner)
            await in_db(state.begin_liquidation)(
                operator=rig.desk.operator, mode=Mode.LIVE, cause="kill switch", at=rig.now()
            )

            def is_halted() -> bool:
                verified = {(rig.account.pk, runner.verified_epoch)} if runner.verified_epoch else set()
                liquidation.finish_where_closed(mode=Mode.LIVE, verified=verified, at=rig.now())
                return DeskState.objects.get().state == TradingState.HALTED

            await rounds(rig, runner, until=is_halted)
            assert await in_db(_is_flat)(rig)
            assert not [o for o in rig.our_orders() if o["status"] in OPEN_AT_VENUE]
            purposes = await in_db(lambda: {o.purpose for o in Order.objects.filter(state="filled")})()
            assert purposes == {Purpose.ENTRY, Purpose.LIQUIDATE}

    async_to_sync(story)()


def test_a_process_that_slept_past_its_lease_sends_nothing(live_desk: Desk) -> None:
    async def story() -> None:
        async with open_rig(live_desk, "binance") as rig:
            lane = await rig.start()
            order = await rig.entry()

            def sleep(name: str) -> None:
                if name == "execute.journalled":
                    rig.shift += timedelta(hours=2)

            crashpoints.handler = sleep
            try:
                await send(lane, order_id=order.pk)
            finally:
                crashpoints.handler = None
            await in_db(order.refresh_from_db)()
            assert order.state == OrderState.ABORTED
            assert rig.posts(order.client_order_id) == 0

    async_to_sync(story)()


def test_an_expired_approval_sends_nothing(live_desk: Desk) -> None:
    async def story() -> None:
        async with open_rig(live_desk, "binance") as rig:
            lane = await rig.start()
            order = await rig.entry()
            rig.shift += timedelta(seconds=16)
            await send(lane, order_id=order.pk)
            await in_db(order.refresh_from_db)()
            assert order.state == OrderState.ABORTED
            assert rig.posts(order.client_order_id) == 0

    async_to_sync(story)()


def test_a_market_that_moved_away_stops_the_entry_at_the_socket(live_desk: Desk) -> None:
    async def story() -> None:
        async with open_rig(live_desk, "binance") as rig:
            lane = await rig.start()
            order = await rig.entry()
            rig.venues.call("POST", "/price", {"symbol": SYMBOL, "move_percent": -3, "hold": True})
            await send(lane, order_id=order.pk)
            await in_db(order.refresh_from_db)()
            assert order.state == OrderState.ABORTED
            assert rig.posts(order.client_order_id) == 0

    async_to_sync(story)()


def test_shadow_goes_all_the_way_and_stops_at_the_socket(live_desk: Desk, settings: object) -> None:
    settings.MODE = "shadow"  # type: ignore[attr-defined]

    async def story() -> None:
        async with open_rig(live_desk, "binance") as rig:
            lane = await rig.start()
            lane.is_shadow = True
            order = await rig.entry()
            await send(lane, order_id=order.pk)
            await in_db(order.refresh_from_db)()
            assert order.state == OrderState.ABORTED
            last = await in_db(order.transitions.latest)("version")
            assert last.reason == "shadow"
            assert rig.posts(order.client_order_id) == 0

    async_to_sync(story)()


@pytest.mark.django_db(transaction=True)
def test_a_hung_redis_holds_no_order_back(live_desk: Desk, hung_redis: None) -> None:
    """Hints are published after each commit; waiting for them would use up the time between approval and send."""

    async def story() -> None:
        async with open_rig(live_desk, "binance") as rig:
            runner = LaneRunner(await rig.start())
            await runner.tick()
            order = await rig.entry()
            await send(runner.lane, order_id=order.pk)
            await in_db(order.refresh_from_db)()
            assert order.state == OrderState.ACKED, await in_db(_state)()

    async_to_sync(story)()


def test_a_clock_that_goes_back_stops_nobody_from_caring(live_desk: Desk) -> None:
    async def story() -> None:
        async with open_rig(live_desk, "binance") as rig:
            runner = LaneRunner(await rig.start())
            await runner.tick()
            order = await rig.entry()
            await send(runner.lane, order_id=order.pk)
            rig.shift = -timedelta(hours=1)
            await rounds(rig, runner, until=lambda: _is_protected(rig), most=20)

    async_to_sync(story)()


def test_a_venue_that_cannot_be_read_is_told_until_it_can(live_desk: Desk) -> None:
    async def story() -> None:
        async with open_rig(live_desk, "binance") as rig:
            lines: list[str] = []
            runner = LaneRunner(await rig.start(), on_progress=lines.append)
            await rounds(rig, runner, until=lambda: bool(lines) and "waiting" in lines[-1])

            rig.ask("POST", "mode", {"mode": "maintenance"})
            rig.shift += timedelta(minutes=2)  # a full look at the account is due
            for _ in range(3):
                await runner.tick()
                assert "the venue cannot be read" in lines[-1]

            rig.ask("POST", "mode", {"mode": "online"})
            # A full look that failed is made again within seconds, not a minute later.
            await rounds(rig, runner, until=lambda: "waiting" in lines[-1], most=15)

    async_to_sync(story)()
