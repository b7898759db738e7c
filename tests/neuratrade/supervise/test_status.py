from datetime import datetime, timedelta
from pathlib import Path

import pytest

from neuratrade.supervise import screen, status
from neuratrade.supervise.control import ProcessInfo
from trading.models import Heartbeat


def info(**changes: object) -> ProcessInfo:
    return ProcessInfo(**{"name": "web", "state": "running", "pid": 7, "age_s": 60, "note": "", **changes})  # type: ignore[arg-type]


def beat(at: datetime, *, pid: int = 7, age_s: int = 1) -> dict[str, Heartbeat]:
    then = at - timedelta(seconds=age_s)
    return {"web": Heartbeat(process="web", pid=pid, started_at=then, beat_at=then, doing="serves")}


def test_a_process_speaks_for_itself_while_it_lives(at: datetime) -> None:
    assert status._doing(info(), beats=beat(at), purpose="pages", at=at) == "serves"
    assert status._doing(info(), beats={}, purpose="pages", at=at) == "pages"
    # The word of the process before it says nothing about this one.
    assert status._doing(info(), beats=beat(at, pid=6), purpose="pages", at=at) == "pages"


def test_silence_is_said(at: datetime) -> None:
    doing = status._doing(info(), beats=beat(at, age_s=42), purpose="pages", at=at)

    assert doing == "no sign of life for 42 s; was: serves"


def test_why_a_process_is_down(at: datetime) -> None:
    stopped = info(state="backoff", pid=0, note="Exited too quickly")

    assert status._doing(stopped, beats=beat(at), purpose="pages", at=at) == "Exited too quickly"


@pytest.mark.parametrize(
    ("lines", "expected"),
    [
        (["{t} INFO    a fine", "{t} ERROR   a broke", "{t} INFO    a fine again"], "a broke"),
        (["[{t}: ERROR/MainProcess] lost the broker"], "lost the broker"),
        (["{t} INFO    a says ERROR in passing"], ""),
        (["{old} ERROR   a long ago"], ""),
        ([], ""),
    ],
)
def test_the_last_error_of_a_log(tmp_path: Path, at: datetime, lines: list[str], expected: str) -> None:
    now, old = (moment.strftime("%Y-%m-%dT%H:%M:%S.123Z") for moment in (at, at - timedelta(hours=1)))
    log = tmp_path / "a.log"
    log.write_text("".join(line.format(t=now, old=old) + "\n" for line in lines))

    found = status.last_error(log, at=at)
    assert found.endswith(expected) if expected else found == ""


def test_no_log_yet_is_no_error(tmp_path: Path, at: datetime) -> None:
    assert status.last_error(tmp_path / "none.log", at=at) == ""


@pytest.mark.parametrize(
    ("seconds", "text"),
    [(0, "0 s"), (119, "119 s"), (120, "2 min"), (7199, "119 min"), (7200, "2 h"), (172_800, "2 d")],
)
def test_age_in_words(seconds: int, text: str) -> None:
    assert screen.age(seconds) == text


def test_the_screen_shows_every_process_and_error() -> None:
    row = status.ProcessStatus(
        name="web", state="running", pid=7, age_s=60, restarts=2, doing="[serves]", last_error="it broke"
    )
    text = screen.as_text([row], title="NeuraTrade")

    for part in ("NeuraTrade", "web", "running", "7", "60 s", "2", "[serves]", "web: it broke"):
        assert part in text
