"""Every crash point of a send times every answer a venue can give: at the venue there is one order or none, and the journal knows which."""

from decimal import Decimal

import pytest
from asgiref.sync import async_to_sync

from tests.crash.conftest import Rig, open_rig
from tests.factories import Desk
from trading.models import ApprovalUse, Decision, Order
from trading.services.execution import in_db
from trading.types import OrderState

POINTS = (
    None,
    "execute.claimed",
    "execute.journalled",
    "execute.before_send",
    "execute.after_send",
    "execute.recorded",
)
ANSWERS = {
    "accepted": None,
    "reply dropped after acceptance": {"action": "drop_after"},
    "connection dropped before": {"action": "drop_before"},
    "reply later than our patience": {"action": "delay_after", "delay_s": 0.8},
    "502 with HTML after booking": {"action": "html_after", "status": 502},
    "200 with HTML after booking": {"action": "html_after", "status": 200},
    "500 after booking": {"action": "error_after", "status": 500},
    "error before booking": {"action": "error_before", "status": 503},
    "body cut in half": {"action": "cut_body"},
}


@pytest.mark.parametrize("answer", ANSWERS)
@pytest.mark.parametrize("venue", ["binance", "kraken"])
def test_one_order_or_none_whatever_happens(live_desk: Desk, venue: str, answer: str) -> None:
    async def campaign() -> list[str]:
        async with open_rig(live_desk, venue, timeout_ms=500) as rig:
            found = {point: await _one_case(rig, fault=ANSWERS[answer], point=point) for point in POINTS}
        return [f"killed at {point}: {problem}" for point, problem in found.items() if problem]

    assert async_to_sync(campaign)() == []


async def _one_case(rig: Rig, *, fault: dict | None, point: str | None) -> str:
    await rig.start()
    order = await rig.entry()
    if fault:
        rig.fault(**fault)
    await rig.send_or_die(order, at_point=point)
    rig.calm()
    order = await rig.recover(order)
    return await in_db(_problem)(rig, order)


def _problem(rig: Rig, order: Order) -> str:
    """What is wrong between the journal and the venue's own ledger; empty when nothing is."""
    at_venue = rig.at_venue(order.client_order_id)
    if rig.posts(order.client_order_id) > 1:
        return f"sent {rig.posts(order.client_order_id)} times"
    if len(at_venue) > 1:
        return f"{len(at_venue)} orders at the venue"
    if ApprovalUse.objects.filter(approval__order=order).count() > 1:
        return "its approval was used twice"
    filled = Decimal(at_venue[0]["filled_base"]) if at_venue else Decimal(0)
    expected = (
        {OrderState.FILLED} if at_venue else {OrderState.NOT_PLACED, OrderState.REJECTED, OrderState.ABORTED}
    )
    if order.state not in expected:
        return f"the venue has {at_venue}, the journal says {order.state}"
    if filled != order.filled_base or filled != sum(fill.size_base for fill in order.fills.all()):
        return f"filled {filled} at the venue, {order.filled_base} in the journal"
    wanted = Decision.Status.EXECUTED if filled else Decision.Status.FAILED
    status = Decision.objects.get(orders=order).status
    return "" if status == wanted else f"the decision is {status}"
