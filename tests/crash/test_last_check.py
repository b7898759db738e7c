"""Between the claim of an approval and the socket: what changed there is seen there."""

import asyncio
import time

import pytest
from asgiref.sync import async_to_sync

from neuratrade.lib import crashpoints
from tests.crash.conftest import open_rig
from tests.factories import Desk
from trading.services import state
from trading.services.execution import LONGEST_HESITATION_S, in_db, send
from trading.types import Mode, OrderState, TradingState


@pytest.mark.parametrize("target", [TradingState.REDUCING, TradingState.HALTED])
def test_a_breaker_after_the_claim_keeps_the_entry_at_home(live_desk: Desk, target: TradingState) -> None:
    async def story() -> None:
        async with open_rig(live_desk, "binance") as rig:
            order = await rig.entry()

            def trip(name: str) -> None:
                if name == "execute.claimed":
                    state.set_state(
                        operator=rig.desk.operator, mode=Mode.LIVE, state=target, cause="test", at=rig.now()
                    )

            crashpoints.handler = trip
            try:
                await send(await rig.start(), order_id=order.pk)
            finally:
                crashpoints.handler = None
            await in_db(order.refresh_from_db)()
            assert order.state == OrderState.ABORTED
            assert rig.posts(order.client_order_id) == 0

    async_to_sync(story)()


def test_another_accounts_work_in_the_database_does_not_make_an_order_late(live_desk: Desk) -> None:
    async def story() -> None:
        async with open_rig(live_desk, "binance") as rig:
            lane, order = await rig.start(), await rig.entry()
            busy = asyncio.create_task(in_db(time.sleep)(LONGEST_HESITATION_S + 0.3))
            await asyncio.sleep(0)
            await send(lane, order_id=order.pk)
            await busy
            await in_db(order.refresh_from_db)()
            assert order.state == OrderState.ACKED

    async_to_sync(story)()
