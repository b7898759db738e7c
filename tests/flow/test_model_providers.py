"""The whole flow on each model protocol: the real SDK against a local server, the debate, the gate, the paper venue, the explanation.

A second desk meets a model that asks for what it must not have: the answer is no trade, and the reason stands in the record.
"""

import asyncio
import json
import threading
from collections.abc import Iterator
from typing import Any

import pytest

from agents.tasks import analyst_step, review_step, trader_step
from neuratrade.explain import explain
from neuratrade.lib.clock import now
from tests.agents.market import open_decision, put_candles, put_quote
from tests.agents.scripts import Reply, Turn, analyse, fail, say
from tests.agents.servers import PROTOCOLS, ModelServer
from tests.factories import Desk, make_desk
from trading.models import Decision, Fill, Order, Position
from trading.services import equity, guard, keys
from trading.services.execution import in_db
from trading.services.executor import Executor
from trading.tasks import check_risk
from trading.types import Mode, OrderState, Purpose

pytestmark = pytest.mark.django_db(transaction=True)
PATIENCE_S = 30


@pytest.fixture
def desk(redis_client: Any, settings: Any) -> Iterator[Desk]:
    """A desk at the present time, whose market keeps quoting as `watch_market` would."""
    keys.create_if_absent()
    for path in settings.HOME.glob("paper-*"):
        path.unlink()
    desk = make_desk(at=now(), venues=("binance",))
    put_quote(at=now())
    put_candles(desk.instrument(), at=now().replace(second=0, microsecond=0))
    equity.mark(operator=desk.operator, mode=desk.state.mode, max_age_s=15, at=now())
    stop = threading.Event()

    def quote() -> None:
        while not stop.wait(0.2):
            put_quote(at=now())

    thread = threading.Thread(target=quote)
    thread.start()
    yield desk
    stop.set()
    thread.join()


def run_chain(desk: Desk) -> Decision:
    """The pipeline's four tasks, one after another, as the workers run them."""
    risk_guard = guard.Guard()
    decision = open_decision(desk, at=now(), skill_name="momentum-scan")
    for step in (analyst_step, trader_step, review_step):
        step(decision_id=str(decision.pk))
    risk_guard.step(at=now())
    check_risk(decision_id=str(decision.pk))
    decision.refresh_from_db()
    return decision


async def execute() -> None:
    """Executor and risk guard until the entry is filled and its stop rests at the venue."""
    stop, risk_guard = asyncio.Event(), guard.Guard()
    running = asyncio.create_task(Executor(mode=Mode.PAPER).run(stop=stop))
    try:
        async with asyncio.timeout(PATIENCE_S):
            while not await in_db(_is_protected)():
                await in_db(risk_guard.step)(at=now())
                await asyncio.sleep(0.1)
    finally:
        stop.set()
        await running


def _is_protected() -> bool:
    held = any(position.size_base > 0 for position in Position.objects.all())
    return held and Order.objects.filter(purpose=Purpose.PROTECT, state=OrderState.ACKED).exists()


@pytest.mark.parametrize("protocol", PROTOCOLS)
def test_a_model_s_idea_becomes_an_explained_fill(desk: Desk, settings: Any, protocol: str) -> None:
    with ModelServer(protocol) as server:
        for name, value in server.settings().items():
            setattr(settings, name, value)
        decision = run_chain(desk)
    assert decision.status == Decision.Status.APPROVED, decision.reason
    asyncio.run(execute())

    chain = explain(decision.pk)
    assert [turn["role"] for turn in chain["debate"]] == ["analyst", "trader", "risk_manager"]
    assert {turn["provider"] for turn in chain["debate"]} == {protocol}
    assert chain["verdict"]["approved"] is True
    assert chain["approval"]["signature_ok"] is True
    assert chain["fills"]
    assert chain["cost"]["calls"] >= 3
    assert (float(chain["cost"]["usd"]) > 0) == (protocol != "openai_compatible"), (
        "only a local model is free"
    )
    assert chain["skill"]["hash"]


def forbidden(turn: Turn) -> Reply:
    """Asks for its evidence like a good analyst, then wants to buy something else."""
    reply = analyse(turn)
    return say({**json.loads(reply.text), "symbol": "DOGE/USDT"}) if reply.text else reply


def broken(_turn: Turn) -> Reply:
    return fail(500)


@pytest.mark.parametrize("script", [forbidden, broken], ids=["other-symbol", "server-error"])
@pytest.mark.parametrize("protocol", PROTOCOLS)
def test_a_model_that_misbehaves_trades_nothing(
    desk: Desk, settings: Any, protocol: str, script: Any
) -> None:
    with ModelServer(protocol, script=script) as server:
        for name, value in server.settings().items():
            setattr(settings, name, value)
        decision = run_chain(desk)
    assert decision.status in {Decision.Status.NO_TRADE, Decision.Status.FAILED}
    assert decision.reason
    assert not Order.objects.exists()
    assert not Fill.objects.exists()
