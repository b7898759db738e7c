"""Whatever is wrong, the operator gets one line, a non-zero exit code, and no traceback."""

import re
import socket
import subprocess
import sys
from pathlib import Path

import pytest

from neuratrade import __version__
from tests.neuratrade.commandline import ROOT, environment, neuratrade, short_home
from tests.trading.history.builders import make_bars
from trading.history import formats

BAD_INPUT = {
    "unknown command": (("statsu",), {}, 2, "did you mean status"),
    "hopeless command": (("xyzzy",), {}, 2, "`neuratrade help` lists"),
    "unknown option": (("status", "--colour"), {}, 1, "unrecognized arguments: --colour"),
    "port is a word": (
        ("status",),
        {"NEURATRADE_PORT": "web"},
        2,
        "NEURATRADE_PORT: 'web' is not a whole number",
    ),
    "port too high": (("status",), {"NEURATRADE_PORT": "70000"}, 2, "NEURATRADE_PORT: 70000 is out of range"),
    "mode unknown": (("status",), {"NEURATRADE_MODE": "yolo"}, 2, "give one of: paper, shadow, live"),
    "flag unclear": (("status",), {"NEURATRADE_FLOWER": "maybe"}, 2, "neither yes nor no"),
    "not postgres": (("status",), {"DATABASE_URL": "mysql://x/y"}, 2, "is not a PostgreSQL address"),
    "postgres option misspelt": (
        ("status",),
        {"DATABASE_URL": "postgres://u@127.0.0.1/x?ssl=require"},
        2,
        "'ssl' is no option here; use any of",
    ),
    "nothing prepared": (("status",), {}, 3, "no desk was prepared in /tmp/nt-"),
    "not prepared": (("up",), {}, 1, "run `neuratrade prepare`"),
    "nothing to explain": (("why", "--last"), {}, 1, "run `neuratrade prepare`"),
    "nothing to kill": (("kill", "--yes"), {}, 1, "run `neuratrade prepare`"),
    "nothing to audit": (("verify_audit",), {}, 1, "run `neuratrade prepare`"),
    "nothing to examine": (("doctor",), {}, 1, "run `neuratrade prepare`"),
    "nothing to guard": (("guard_risk",), {}, 1, "run `neuratrade prepare`"),
    "nothing to serve": (("run", "web"), {}, 1, "run `neuratrade prepare`"),
    "no demo to explain": (("--demo", "why", "--last"), {}, 1, "run `make demo`"),
    "redis is no address": (("status",), {"REDIS_URL": "here"}, 2, "REDIS_URL: is not a Redis address"),
    "redis port": (("status",), {"REDIS_URL": "redis://h:x/0"}, 2, "REDIS_URL: is no address"),
    "postgres half": (("status",), {"DATABASE_URL": "postgres://[x"}, 2, "postgres://USER@HOST:PORT"),
    "origin without scheme": (("status",), {"NEURATRADE_TRUSTED_ORIGINS": "a.b"}, 2, "has no scheme"),
    "no skills there": (("status",), {"NEURATRADE_SKILLS_DIR": "/nope"}, 2, "there is no folder '/nope'"),
    "model nowhere": (("status",), {"NEURATRADE_AI_BASE_URL": "here"}, 2, "is not a web address"),
    "secret file absent": (("status",), {"NEURATRADE_AI_API_KEY_FILE": "/nope"}, 2, "readable file"),
    "secret file is no text": (("status",), {"NEURATRADE_SECRET_KEY_FILE": sys.executable}, 2, "is not text"),
    "home too long": (("prepare",), {"NEURATRADE_HOME": "/tmp/nt-" + "x" * 90}, 1, "too long for a socket"),
    "no such process": (("run", "worker-hihg"), {}, 1, "the desk has: redis, worker-critical"),
    "candles absent": (("--demo", "prepare_demo", "--candles", "/nope.csv"), {}, 1, "there is no such file"),
    "candles are no candles": (
        ("--demo", "prepare_demo", "--candles", "Makefile"),
        {},
        1,
        "use .csv, .csv.gz",
    ),
    "speed is a word": (("--demo", "prepare_demo", "--speed", "fast"), {}, 1, "--speed: invalid float value"),
    "speed is zero": (("--demo", "prepare_demo", "--speed", "0"), {}, 1, "speed must be above zero"),
    "mode of the demo": (("--demo", "prepare_demo", "--mode", "shadow"), {}, 1, "--mode: invalid choice"),
    "practice port": (("--demo", "prepare_demo", "--port", "65535"), {}, 1, "is out of range"),
}


@pytest.mark.parametrize("case", BAD_INPUT)
def test_bad_input_gets_one_line(case: str) -> None:
    arguments, settings, code, line = BAD_INPUT[case]
    with short_home() as home:
        result = neuratrade(*arguments, home=home, **settings)
        left = list(home.rglob("*"))

    assert result.returncode == code, result.stderr
    assert line in result.stderr
    assert re.fullmatch(r"neuratrade: [^\n]+\n", result.stderr), result.stderr
    assert "Traceback" not in result.stdout + result.stderr
    assert left == []


def test_a_home_that_cannot_be_written_is_named() -> None:
    result = neuratrade("prepare", home=Path("/proc/nowhere"))

    assert result.returncode == 1
    assert re.fullmatch(r"neuratrade: prepare: cannot write /proc/nowhere[^\n]*\n", result.stderr)


def test_a_home_that_nobody_prepared_is_not_made() -> None:
    with short_home() as home:
        result = neuratrade("why", "--last", home=home / "never")

        assert "no desk was prepared" in result.stderr
        assert not (home / "never").exists()


def test_help_lists_ours_and_hides_djangos() -> None:
    with short_home() as home:
        result = neuratrade("help", home=home)

    assert result.returncode == 0
    assert re.search(r"^  up +Start every process", result.stdout, re.MULTILINE)
    assert "inspectdb" not in result.stdout
    research = result.stdout.partition("Research\n")[2].partition("\n\n")[0]
    assert re.search(r"^  rehearse +Play stored candles", research, re.MULTILINE)
    shown = neuratrade("status", "--help", home=Path("/tmp")).stdout
    assert not {"--pythonpath", "--skip-checks"} & set(re.findall(r"--[a-z-]+", shown))


def test_version() -> None:
    with short_home() as home:
        assert neuratrade("--version", home=home).stdout == f"neuratrade {__version__}\n"


def test_an_unexpected_error_is_a_line_and_debug_shows_the_traceback() -> None:
    with short_home() as home:
        (home / "neuratrade.sqlite3").write_text("this is no database, but long enough to look at" * 100)
        plain = neuratrade("prepare", home=home)
        debug = neuratrade("prepare", home=home, NEURATRADE_DEBUG="1")

    assert plain.returncode == 1
    assert re.fullmatch(r"neuratrade: prepare: the database cannot be used [^\n]+\n", plain.stderr)
    assert "Traceback" in debug.stderr


def test_a_taken_web_port_is_said_before_anything_starts() -> None:
    with short_home() as home, socket.socket() as other:
        other.bind(("127.0.0.1", 0))
        other.listen()
        port = str(other.getsockname()[1])
        assert neuratrade("prepare", home=home).returncode == 0
        result = neuratrade("up", home=home, NEURATRADE_PORT=port)

        assert result.returncode == 1
        assert f"cannot serve on 127.0.0.1:{port}" in result.stderr
        assert "set NEURATRADE_PORT" in result.stderr
        assert not (home / "run" / "supervisor.sock").exists()


@pytest.mark.parametrize("command", ["guard_risk", "verify_audit", "up"])
def test_an_empty_database_is_not_worked_with(command: str) -> None:
    with short_home() as home:
        (home / "neuratrade.sqlite3").touch()
        result = neuratrade(command, home=home)

    assert result.returncode == 1
    assert re.fullmatch(
        rf"neuratrade: {command}: the database lacks [^\n]+ run `neuratrade prepare`\n", result.stderr
    )


def test_up_refuses_what_no_process_could_work_with() -> None:
    with short_home() as home:
        assert neuratrade("prepare", home=home).returncode == 0
        answers = [
            neuratrade("up", "--detach", home=home, REDIS_URL="redis://127.0.0.1:1/0"),
            neuratrade("up", "--detach", home=home, NEURATRADE_WEB_HOST="192.0.2.1"),
        ]
        (home / "keys" / "risk_signing_key").write_text("zz")
        answers += [neuratrade(command, home=home) for command in ("up", "prepare")]

        assert not (home / "run" / "supervisor.sock").exists()
    wanted = ("REDIS_URL names does not answer", "set NEURATRADE_WEB_HOST", "restore it", "restore it")
    for answer, line in zip(answers, wanted, strict=True):
        assert answer.returncode == 1
        assert line in answer.stderr
        assert answer.stderr.count("\n") == 1, answer.stderr


def test_what_is_logged_beside_an_answer_is_a_note(tmp_path: Path) -> None:
    minutes = make_bars(400, symbol="ADA/BTC", timeframe="1m")
    file = formats.write(tmp_path / "ADA_BTC-1m.csv", minutes, file_format="csv")
    with short_home() as home:
        assert neuratrade("prepare", home=home).returncode == 0
        assert neuratrade("candles", "import", str(file), "--venue", "binance", home=home).returncode == 0
        market = ("--venue", "binance", "--instrument", "ADA/BTC", "--timeframe", "5m")
        result = neuratrade("candles", "export", *market, "--out", str(tmp_path / "five.csv"), home=home)

    assert result.stderr == "note: binance ADA/BTC: 5m candles are built from the stored 1m ones\n"
    assert result.stdout.endswith("five.csv: 80 candles of binance ADA/BTC 5m\n")


def test_djangos_own_entry_answers_in_one_line_too() -> None:
    with short_home() as home:
        result = subprocess.run(
            (sys.executable, "manage.py", "backtest", "foo", "--venue", "binance", "--instrument", "A/B"),
            cwd=ROOT,
            env=environment(home),
            capture_output=True,
            text=True,
            timeout=60,
        )

    assert result.returncode == 1
    assert re.fullmatch(r"CommandError: there is no strategy 'foo'; [^\n]+\n", result.stderr)
