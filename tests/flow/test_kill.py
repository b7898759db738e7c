"""The kill switch end to end on the paper venue: a desk with a position and no living process is closed by `kill` alone."""

import asyncio
import json
import threading
from datetime import timedelta
from io import StringIO
from typing import Any

import pytest
from django.core.management import CommandError, call_command

from neuratrade.lib.clock import now
from tests.factories import Desk, make_desk
from tests.trading.services import risk_desk
from trading.models import DeskState, EquityMark, Event, Heartbeat, Order, Position
from trading.services import guard, heartbeat, keys
from trading.services.executor import Executor
from trading.types import Mode, OrderState, TradingState

pytestmark = pytest.mark.django_db(transaction=True)
PATIENCE_S = 30


@pytest.fixture
def market(redis_client: Any):
    """A market that keeps moving its clock, as `watch_market` would."""
    stop = threading.Event()

    def tick() -> None:
        while not stop.is_set():
            for venue in ("binance", "kraken"):
                risk_desk.put_market(venue=venue, at=now(), age_s=0)
            stop.wait(0.2)

    thread = threading.Thread(target=tick)
    thread.start()
    yield
    stop.set()
    thread.join()


@pytest.fixture
def desk(market: None, settings: Any) -> Desk:
    at = now()
    keys.create_if_absent()
    for path in settings.HOME.glob("paper-*"):
        path.unlink()
    desk = make_desk(at=at, venues=("binance",))
    risk_desk.put_market(at=at, age_s=0)
    risk_desk.put_candles(desk.instrument(), at=at)
    risk_desk.mark(desk, at=at)
    return desk


async def _run_until_held(worker: guard.Guard) -> None:
    """Executor and guard, until the entry is filled and its stop rests at the venue."""
    from trading.services.execution import in_db

    stop = asyncio.Event()
    running = asyncio.create_task(Executor(mode=Mode.PAPER).run(stop=stop))
    try:
        async with asyncio.timeout(PATIENCE_S):
            while not await in_db(_is_protected)():
                await in_db(worker.step)(at=now())
                await asyncio.sleep(0.1)
    finally:
        stop.set()
        await running


def _is_protected() -> bool:
    held = Position.objects.filter(size_base__gt="0").exists()
    return held and Order.objects.filter(purpose="protect", state=OrderState.ACKED).exists()


def kill(**options: Any) -> tuple[str, str]:
    out, err = StringIO(), StringIO()
    call_command("kill", yes=True, stdout=out, stderr=err, **options)
    return out.getvalue(), err.getvalue()


def test_kill_closes_a_desk_whose_processes_are_dead(desk: Desk) -> None:
    risk_desk.approved(desk, at=now())
    asyncio.run(_run_until_held(guard.Guard()))
    bought = Position.objects.get().size_base
    assert bought > 0

    out, err = kill(as_json=True)

    end = json.loads(out)
    assert end["is_closed"]
    assert "guard_risk gave no sign of life" in err
    assert "execute_orders gave no sign of life" in err
    row = DeskState.objects.get()
    assert (row.state, row.is_liquidating) == (TradingState.HALTED, False)
    assert Position.objects.get().size_base < bought / 1000
    assert not Order.objects.exclude(state__in=[s.value for s in OrderState if s.is_terminal]).exists()
    assert Order.objects.get(purpose="protect").state == OrderState.CANCELED
    assert Event.objects.filter(kind="state.changed", payload__is_liquidating=True).count() == 1

    out = StringIO()
    call_command("resume", stdout=out)
    assert "the desk is active" in out.getvalue()
    assert DeskState.objects.get().state == TradingState.ACTIVE
    assert EquityMark.objects.exists()


def test_kill_on_an_empty_desk_halts_it(desk: Desk) -> None:
    out, _ = kill()
    assert "closed and verified at the venues" in out
    assert DeskState.objects.get().state == TradingState.HALTED


def test_living_processes_do_the_work_themselves(desk: Desk) -> None:
    """With fresh heartbeats kill only writes the order and waits; here the executor is this test."""
    for process in ("guard_risk", "execute_orders"):
        heartbeat.beat(process=process, doing="test", at=now() + timedelta(seconds=60))
    done = threading.Event()

    def finish() -> None:
        from django.db import connection

        from trading.services import state

        try:
            while not done.wait(0.1):
                if DeskState.objects.filter(is_liquidating=True).exists():
                    state.finish_liquidation(operator=desk.operator, mode="paper", at=now())
                    return
        finally:
            connection.close()

    thread = threading.Thread(target=finish)
    thread.start()
    try:
        out, _ = kill()
    finally:
        done.set()
        thread.join()
    assert "no sign of life" not in out
    assert Heartbeat.objects.count() == 2


def test_kill_asks_first_and_without_an_account_says_what_is_wrong(db: None) -> None:
    with pytest.raises(CommandError, match="add --yes"):
        call_command("kill")
    with pytest.raises(CommandError, match="no enabled paper account"):
        kill()
    with pytest.raises(CommandError, match="no enabled paper account"):
        call_command("resume")
