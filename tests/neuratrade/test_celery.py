import subprocess
import sys
from pathlib import Path

import pytest
from celery.exceptions import QueueNotFound

from neuratrade.celery import QUEUES, app
from quests.types import JobKind, Priority


def test_every_priority_has_its_queue() -> None:
    assert set(QUEUES) == {priority.value for priority in Priority}


def test_risk_is_above_execution_above_scans_above_reports() -> None:
    order = [JobKind.RISK_CHECK, JobKind.TRADE_EXECUTE, JobKind.MARKET_SCAN, JobKind.REPORT]
    assert [QUEUES.index(job.priority.value) for job in order] == [0, 1, 2, 3]


def test_every_task_has_a_queue_of_its_own_choice() -> None:
    """Only `run_quest` has none: its job decides when it is sent."""
    app.loader.import_default_modules()
    ours = [name for name in app.tasks if not name.startswith("celery.")]
    queues = {name: app.amqp.router.route({}, name, (), {})["queue"].name for name in ours}
    assert queues == {
        "agents.tasks.analyst_step": "high",
        "agents.tasks.trader_step": "high",
        "agents.tasks.review_step": "high",
        "trading.tasks.check_risk": "critical",
        "trading.tasks.compute_points": "research",
        "quests.tasks.run_due": "critical",
        "quests.tasks.sweep": "critical",
        "quests.tasks.run_quest": "normal",
    }


def test_a_misspelt_queue_is_refused_at_the_sender(redis_server: str) -> None:
    with pytest.raises(QueueNotFound):
        app.send_task("quests.tasks.sweep", queue="critcal")


@pytest.mark.parametrize("part", [["worker", "--queues", "low", "--pool", "solo"], ["beat", "--pidfile="]])
def test_workers_and_beat_refuse_to_start_on_tables_of_another_version(
    part: list[str], redis_server: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("NEURATRADE_HOME", str(tmp_path))
    monkeypatch.setenv("REDIS_URL", redis_server)
    answer = subprocess.run(
        [sys.executable, "-m", "celery", "--app", "neuratrade", "--quiet", *part],
        capture_output=True,
        text=True,
        timeout=60,
        check=False,
    )
    assert answer.returncode == 1
    assert "database migrations are pending" in answer.stderr
    assert "neuratrade prepare" in answer.stderr
    assert "Traceback" not in answer.stderr
