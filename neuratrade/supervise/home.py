"""Which home a command works on, chosen before Django reads its settings. Needs nothing but the standard library.

The demo keeps its own home below the operator's. While only the demo runs, every command speaks to it, so that
`neuratrade why --last` in a second terminal shows the demo's trade.
"""

import json
import os
import socket
from collections.abc import MutableMapping
from dataclasses import dataclass
from pathlib import Path

DEMO_FILE = "demo.json"
# A PostgreSQL database for the demo alone; without it the demo has SQLite in its home.
DEMO_DATABASE = "NEURATRADE_DEMO_DATABASE_URL"
DEMO_MICRO_EVERY_S = "10"
DEMO_PASSPHRASE = "keys/demo_passphrase"
SUPERVISOR_SOCKET = "run/supervisor.sock"
# Commands that make or start a desk mean the home they were given; all others may follow the running one.
_MAKERS = frozenset({"prepare", "prepare_demo", "up", "run"})
# Set on the desk's own processes, which must never be redirected.
MARKER = "NEURATRADE_DESK"


class HomeError(Exception):
    """The home cannot be used; the message is one clear line."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Demo:
    """What makes a home a demo: the mode and the arguments of `python -m trading.practice`."""

    mode: str
    practice_arguments: tuple[str, ...]

    @property
    def ports(self) -> list[int]:
        """The ports the practice venues will serve on."""
        return [int(value) for option, value in self._options() if option.endswith("-port")]

    @property
    def market(self) -> tuple[str, list[tuple[str, str]]]:
        """Mode and prices: what a desk cannot see change under it. Ports do not matter."""
        return self.mode, [pair for pair in self._options() if not pair[0].endswith("-port")]

    def _options(self) -> list[tuple[str, str]]:
        return list(zip(self.practice_arguments[::2], self.practice_arguments[1::2], strict=True))


def operator_home(environ: MutableMapping[str, str]) -> Path:
    return Path(environ.get("NEURATRADE_HOME", "").strip() or "~/.neuratrade").expanduser().absolute()


def read_demo(home: Path) -> Demo | None:
    """The home's demo settings; None when it is not a demo. Raises HomeError when the file is damaged."""
    path = home / DEMO_FILE
    try:
        content = json.loads(path.read_text(encoding="utf-8"))
        return Demo(mode=str(content["mode"]), practice_arguments=tuple(map(str, content["practice"])))
    except (FileNotFoundError, NotADirectoryError):
        return None
    except (OSError, ValueError, KeyError, TypeError) as error:
        raise HomeError(f"cannot read {path} ({error}); run `make demo` to write it anew") from error


def write_demo(home: Path, demo: Demo) -> None:
    path = home / DEMO_FILE
    content = {"mode": demo.mode, "practice": list(demo.practice_arguments)}
    draft = path.with_suffix(".new")
    draft.write_text(json.dumps(content, indent=2) + "\n", encoding="utf-8")
    draft.replace(path)


def is_running(home: Path) -> bool:
    """Whether a supervisor answers on the home's socket."""
    with socket.socket(socket.AF_UNIX, socket.SOCK_STREAM) as probe:
        probe.settimeout(2)
        try:
            probe.connect(str(home / SUPERVISOR_SOCKET))
        except OSError:
            return False
        return True


def choose(environ: MutableMapping[str, str], *, command: str, wants_demo: bool) -> str:
    """Sets NEURATRADE_HOME, and a demo's mode, in `environ`; returns a note for the operator, empty when there is none."""
    if environ.get(MARKER):
        return ""
    home = operator_home(environ)
    demo_home = home if (home / DEMO_FILE).exists() else home / "demo"
    note = ""
    if wants_demo:
        home = demo_home
    elif home != demo_home and command not in _MAKERS and _only_demo(home, demo_home):
        note = f"(the demo at {demo_home}: no other desk runs)"
        home = demo_home
    environ["NEURATRADE_HOME"] = str(home)
    demo = read_demo(home)
    if wants_demo or demo is not None:
        # A demo never touches the operator's database, broker or model accounts.
        environ["REDIS_URL"] = environ["NEURATRADE_PASSPHRASE"] = ""
        environ["DATABASE_URL"] = environ.get(DEMO_DATABASE, "").strip()
        # Scans every few seconds, so that there is something to see soon.
        environ["NEURATRADE_MICRO_EVERY_S"] = (
            environ.get("NEURATRADE_MICRO_EVERY_S", "") or DEMO_MICRO_EVERY_S
        )
        has_vault = (home / DEMO_PASSPHRASE).exists()
        environ["NEURATRADE_PASSPHRASE_FILE"] = str(home / DEMO_PASSPHRASE) if has_vault else ""
    if demo is not None:
        environ["NEURATRADE_MODE"] = demo.mode
    return note


def is_prepared(environ: MutableMapping[str, str]) -> bool:
    """Whether the chosen home was ever prepared; of a database elsewhere only the database can tell."""
    home = Path(environ["NEURATRADE_HOME"])
    return bool(environ.get("DATABASE_URL", "").strip()) or (home / "neuratrade.sqlite3").exists()


def _only_demo(home: Path, demo_home: Path) -> bool:
    if is_running(home):
        return False
    never_prepared = not (home / "neuratrade.sqlite3").exists() and not os.environ.get("DATABASE_URL")
    return is_running(demo_home) or (never_prepared and (demo_home / "neuratrade.sqlite3").exists())
