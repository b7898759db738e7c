"""The whole desk, as `make demo` runs it: from practice venues over real sockets to a booked, protected, explained paper trade.

Every process is the product's own. Nothing is called on its behalf: the test prepares a demo home, starts the processes and
looks at what they left in the database.
"""

import json
import socket
import subprocess
import sys
from collections.abc import Iterator
from decimal import Decimal
from pathlib import Path
from typing import Any

import pytest
import redis

from neuratrade import demo
from neuratrade.lib import clock
from quests.models import Run
from tests.processes import Processes, desk_processes, environment
from trading.models import ApprovalUse, Decision, Fill, Order, Position, Posting
from trading.services import audit, invariants
from trading.types import Mode, OrderState, Purpose

pytestmark = pytest.mark.django_db(transaction=True)

MICRO_EVERY_S = 5
DESK = (
    "watch_market",
    "guard_risk",
    "execute_orders",
    "worker-critical",
    "worker-high",
    "worker-normal",
    "beat",
)
MINUTES = 4_000


@pytest.fixture
def running_desk(
    transactional_db: Any, redis_client: "redis.Redis", settings: Any, tmp_path: Path
) -> Iterator[Processes]:
    """A demo's home in paper mode, and all its processes."""
    settings.MICRO_EVERY_S = MICRO_EVERY_S
    candles = tmp_path / "rising.csv"
    candles.write_text(rising_market())
    options = demo.DemoOptions(candles=candles, mode=Mode.PAPER, speed=1.0, seed=7, port=three_free_ports())
    with desk_processes(NEURATRADE_MICRO_EVERY_S=str(MICRO_EVERY_S)) as processes:
        demo.prepare_demo(options, is_fresh=False, at=clock.now(), say=lambda _: None)
        processes.start("practice", *DESK)
        yield processes
        print(story())  # noqa: T201 - seen when the test fails


def rising_market() -> str:
    """Minute candles that rise by two steps and fall by one: a trend that the rules desk takes, on every instrument, as all
    follow the recorded one. The practice venues play it as past and present."""
    lines, price = ["timestamp,open,high,low,close,volume"], 20_000.0
    for minute in range(MINUTES):
        close = price * (1.002 if minute % 2 else 0.999)
        low, high = min(price, close) * 0.9997, max(price, close) * 1.0003
        lines.append(f"{minute * 60},{price:.2f},{high:.2f},{low:.2f},{close:.2f},5")
        price = close
    return "\n".join(lines)


def three_free_ports() -> int:
    """The first of three neighbouring ports that are free now."""
    for first in range(21_000, 60_000, 37):
        try:
            for port in range(first, first + 3):
                with socket.socket() as probe:
                    probe.bind(("127.0.0.1", port))
        except OSError:
            continue
        return first
    raise AssertionError("no three free ports in a row")


def story() -> str:
    """What the desk decided and what its last scans saw."""
    ended = [f"{d} {d.reason}" for d in Decision.objects.order_by("opened_at")]
    scans = Run.objects.filter(quest__name="scan_momentum").order_by("-id")[:3]
    return "\n".join([*ended, *(f"{run}: {run.note} {run.result}" for run in scans)])


def executed() -> Decision | None:
    return Decision.objects.filter(status=Decision.Status.EXECUTED).order_by("opened_at").first()


def test_an_opportunity_becomes_a_booked_protected_and_explained_trade(running_desk: Processes) -> None:
    decision = running_desk.until(executed, what="an executed decision", timeout_s=60)
    assert decision is not None
    running_desk.until(lambda: is_settled(decision), what="a filled entry", timeout_s=20)
    running_desk.until(lambda: is_protected(decision), what="a stop for the position", timeout_s=20)
    explained = why(decision)
    running_desk.kill_all()

    entry = Order.objects.get(decision=decision, purpose=Purpose.ENTRY)
    assert ApprovalUse.objects.filter(approval__order=entry).count() == 1
    bought = sum((f.size_base for f in Fill.objects.filter(order=entry)), Decimal(0))
    assert bought == entry.filled_base > 0
    spent = Posting.objects.filter(fill__order=entry, asset=entry.instrument.quote)
    assert sum((p.amount for p in spent), Decimal(0)) < 0
    assert invariants.check(at=clock.now()) == []
    audit.verify()
    check_explanation(explained, decision=decision, entry=entry)


def is_settled(decision: Decision) -> bool:
    entry = Order.objects.get(decision=decision, purpose=Purpose.ENTRY)
    return OrderState(entry.state) is OrderState.FILLED


def is_protected(decision: Decision) -> bool:
    position = Position.objects.filter(decision=decision).first()
    return position is not None and position.stop_price is not None and position.unprotected_since is None


def why(decision: Decision) -> dict[str, Any]:
    """What `neuratrade why` tells the operator."""
    command = [sys.executable, "-m", "neuratrade", "why", str(decision.pk), "--json"]
    answer = subprocess.run(command, env=environment(), capture_output=True, text=True, check=False)
    assert answer.returncode == 0, answer.stderr
    return dict(json.loads(answer.stdout))


def check_explanation(told: dict[str, Any], *, decision: Decision, entry: Order) -> None:
    assert set(told) >= {
        *("decision", "market", "debate", "evidence", "verdict", "approval"),
        *("orders", "fills", "pnl", "cost", "skill"),
    }
    assert told["decision"]["id"] == str(decision.pk)
    assert Decimal(told["market"]["quote"]["bid"]) > 0
    assert [step["role"] for step in told["debate"]] == ["analyst", "trader", "risk_manager"]
    assert told["evidence"]
    assert told["verdict"]["rules"]
    assert all(rule["passed"] for rule in told["verdict"]["rules"])
    assert told["approval"] is not None
    assert str(entry.pk) in {order["id"] for order in told["orders"]}
    assert (
        sum(Decimal(fill["size_base"]) for fill in told["fills"] if fill["side"] == "buy")
        == entry.filled_base
    )
    assert told["skill"]["hash"]
