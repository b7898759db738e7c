import json
import socket
from collections.abc import Iterator
from pathlib import Path

import pytest

from neuratrade.supervise import home
from tests.neuratrade.commandline import short_home


@pytest.fixture
def base() -> Iterator[Path]:
    with short_home() as path:
        yield path


def demo_in(folder: Path, *, mode: str = "paper") -> Path:
    folder.mkdir(parents=True, exist_ok=True)
    home.write_demo(
        folder, home.Demo(mode=mode, practice_arguments=("--seed", "7", "--kraken-port", "18002"))
    )
    return folder


def running(folder: Path) -> socket.socket:
    (folder / "run").mkdir(parents=True, exist_ok=True)
    server = socket.socket(socket.AF_UNIX)
    server.bind(str(folder / home.SUPERVISOR_SOCKET))
    server.listen()
    return server


def test_the_demo_file_survives_the_round_trip(base: Path) -> None:
    demo = home.read_demo(demo_in(base))

    assert demo == home.Demo(mode="paper", practice_arguments=("--seed", "7", "--kraken-port", "18002"))
    assert demo.ports == [18002]
    assert home.read_demo(base / "elsewhere") is None


def test_a_damaged_demo_file_is_named(base: Path) -> None:
    (base / "demo.json").write_text("{")

    with pytest.raises(home.HomeError, match=r"cannot read .*demo\.json"):
        home.read_demo(base)


def test_without_a_demo_the_given_home_is_used(base: Path) -> None:
    environ = {"NEURATRADE_HOME": str(base)}

    assert home.choose(environ, command="why", wants_demo=False) == ""
    assert environ == {"NEURATRADE_HOME": str(base)}


def test_the_only_running_desk_is_the_one_that_is_meant(base: Path) -> None:
    demo_in(base / "demo", mode="live")
    environ = {"NEURATRADE_HOME": str(base), "DATABASE_URL": "postgres://real", "REDIS_URL": "redis://real"}
    (base / "neuratrade.sqlite3").touch()

    with running(base / "demo"):
        note = home.choose(environ, command="why", wants_demo=False)

    assert str(base / "demo") in note
    assert environ["NEURATRADE_HOME"] == str(base / "demo")
    assert environ["NEURATRADE_MODE"] == "live"
    # A demo must never reach the operator's own database, broker or vault.
    assert environ["DATABASE_URL"] == environ["REDIS_URL"] == environ["NEURATRADE_PASSPHRASE"] == ""


@pytest.mark.parametrize("command", ["up", "prepare", "run"])
def test_commands_that_make_a_desk_stay_on_their_home(base: Path, command: str) -> None:
    demo_in(base / "demo")
    environ = {"NEURATRADE_HOME": str(base)}
    with running(base / "demo"):
        assert home.choose(environ, command=command, wants_demo=False) == ""

    assert environ["NEURATRADE_HOME"] == str(base)


def test_a_running_desk_of_the_operators_own_comes_first(base: Path) -> None:
    demo_in(base / "demo")
    environ = {"NEURATRADE_HOME": str(base)}
    with running(base / "demo"), running(base):
        assert home.choose(environ, command="kill", wants_demo=False) == ""

    assert environ["NEURATRADE_HOME"] == str(base)


def test_the_desks_own_processes_are_never_redirected(base: Path) -> None:
    demo_in(base / "demo")
    environ = {"NEURATRADE_HOME": str(base), home.MARKER: str(base)}
    with running(base / "demo"):
        home.choose(environ, command="watch_market", wants_demo=False)

    assert environ["NEURATRADE_HOME"] == str(base)


def test_demo_on_a_demo_home_does_not_go_deeper(base: Path) -> None:
    demo_in(base)
    environ = {"NEURATRADE_HOME": str(base)}
    home.choose(environ, command="status", wants_demo=True)

    assert environ["NEURATRADE_HOME"] == str(base)
    assert json.loads((base / "demo.json").read_text())["mode"] == "paper"
