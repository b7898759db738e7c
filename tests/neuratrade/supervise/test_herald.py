import json
import os
import signal
import subprocess
import sys
from pathlib import Path

import pytest
from pytest_django.fixtures import Settings

from neuratrade.supervise import herald
from trading.models import Event


@pytest.fixture
def home(tmp_path: Path, settings: Settings) -> Path:
    (tmp_path / "run").mkdir()
    settings.HOME = tmp_path
    return tmp_path


def facts(**changes: str) -> dict[str, str]:
    return {"processname": "web", "from_state": "EXITED", "pid": "0", **changes}


@pytest.mark.django_db(transaction=True)
@pytest.mark.usefixtures("redis_client")
def test_a_restart_is_counted_and_goes_into_the_audit_trail(home: Path) -> None:
    for from_state in ("STOPPED", "EXITED", "BACKOFF"):
        herald.handle("PROCESS_STATE_STARTING", facts(from_state=from_state), home=home)

    assert herald.read_restarts(home) == {"web": 2}
    told = [(event.kind, event.payload) for event in Event.objects.all()]
    assert told == [
        ("process.restarted", {"process": "web", "restarts": 1}),
        ("process.restarted", {"process": "web", "restarts": 2}),
    ]


@pytest.mark.django_db(transaction=True)
@pytest.mark.usefixtures("redis_client")
def test_giving_up_is_told(home: Path) -> None:
    herald.handle("PROCESS_STATE_FATAL", facts(), home=home)

    assert [event.kind for event in Event.objects.all()] == ["process.failed"]


def test_an_exit_takes_the_rest_of_its_group_along(home: Path) -> None:
    group = subprocess.Popen([sys.executable, "-c", "import time; time.sleep(60)"], start_new_session=True)
    herald.handle("PROCESS_STATE_EXITED", facts(pid=str(group.pid)), home=home)

    assert group.wait(timeout=5) == -signal.SIGKILL
    herald.handle(
        "PROCESS_STATE_EXITED", facts(pid=str(group.pid)), home=home
    )  # nobody left: nothing happens


def test_counts_start_anew_with_each_up(home: Path) -> None:
    herald.count_restart(home, "web")
    assert json.loads((home / herald.RESTARTS_FILE).read_text()) == {"web": 1}

    herald.clear_restarts(home)
    assert herald.read_restarts(home) == {}
    assert os.listdir(home / "run") == []
