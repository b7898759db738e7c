"""A lane against a venue that loses an order, or answers what nobody expects: the way out stays open."""

from asgiref.sync import async_to_sync

from tests.crash.conftest import Rig, open_rig
from tests.crash.test_lane import OPEN_AT_VENUE, enter, resting, rounds
from tests.factories import Desk
from trading.models import Account, Order
from trading.services.execution import in_db
from trading.services.lanes import LaneRunner
from trading.types import OrderState, Purpose

NO_SUCH_ORDER = '{"code":-2013,"msg":"Order does not exist."}'

UNREADABLE = '{"symbol":"BTCUSDT","origQty":"1","executedQty":"x"}'


def _forget_orders(rig: Rig) -> None:
    rig.fault(
        path="/api/v3/order", method="GET", action="error_before", status=400, body=NO_SUCH_ORDER, count=0
    )
    for path in ("/api/v3/openOrders", "/api/v3/allOrders"):
        rig.fault(path=path, method="GET", action="error_before", status=200, body="[]", count=0)


def test_a_stop_that_the_venue_lost_protects_nothing_and_is_given_up(live_desk: Desk) -> None:
    async def story() -> None:
        async with open_rig(live_desk, "binance") as rig:
            runner = LaneRunner(await rig.start())
            await enter(rig, runner)
            lost = (await in_db(resting)(Purpose.PROTECT))[0]
            _forget_orders(rig)
            await rounds(rig, runner, until=lambda: _state_of(lost) == OrderState.CANCELED, most=200)
            assert (
                "does not know order"
                in await in_db(lambda: Account.objects.get(pk=rig.account.pk).frozen_reason)()
            )
            rig.calm()
            await rounds(rig, runner, until=_is_safe, most=60)
            assert len([o for o in rig.our_orders() if o["status"] in OPEN_AT_VENUE]) <= 1

    async_to_sync(story)()


def _is_safe() -> bool:
    """The venue had only hidden the stop; it is taken back, and the coins it held are sold or protected anew."""
    return (
        bool(resting(Purpose.PROTECT)) or Order.objects.filter(purpose=Purpose.EXIT, state="filled").exists()
    )


def _state_of(order: Order) -> str:
    return Order.objects.values_list("state", flat=True).get(pk=order.pk)


def test_an_unreadable_answer_to_a_cancel_is_asked_again(live_desk: Desk) -> None:
    async def story() -> None:
        async with open_rig(live_desk, "binance") as rig:
            runner = LaneRunner(await rig.start())
            await enter(rig, runner)
            rig.fault(method="DELETE", action="error_before", status=200, body=UNREADABLE, count=1)
            await in_db(lambda: rig.account.positions.update(close_by=rig.now()))()
            await rounds(
                rig, runner, until=lambda: Order.objects.filter(purpose=Purpose.EXIT, state="filled").exists()
            )

    async_to_sync(story)()
