"""The risk guard as the process it is: it promises, signs, says what it does, and leaves when asked."""

import signal
import time

from neuratrade.lib.clock import now
from tests.factories import Desk
from tests.processes import Processes
from tests.trading.services import risk_desk
from trading.models import DeskState, Heartbeat, Order
from trading.services import keys
from trading.types import OrderState


def test_it_promises_signs_and_leaves_in_time(shared_desk: Desk, processes: Processes) -> None:
    keys.create_if_absent()
    DeskState.objects.update(ok_until=None)
    processes.start("guard_risk")
    processes.until(lambda: DeskState.objects.filter(ok_until__gt=now()).exists(), what="a promise")
    beat = processes.until(
        lambda: Heartbeat.objects.filter(process="guard_risk", doing__contains="equity 20000").first(),
        what="a heartbeat",
    )
    assert beat is not None
    assert beat.pid == processes.running["guard_risk"].pid

    risk_desk.put_market(at=now(), age_s=0)
    risk_desk.hold(shared_desk, at=now())
    order = risk_desk.order_row(shared_desk, at=now())
    processes.until(
        lambda: Order.objects.filter(pk=order.pk, state=OrderState.APPROVED).exists(),
        what="a signature",
        timeout_s=5,
    )

    guard = processes.running.pop("guard_risk")
    guard.send_signal(signal.SIGTERM)
    asked_s = time.monotonic()
    assert guard.wait(timeout=10) == 0
    assert time.monotonic() - asked_s < 3
