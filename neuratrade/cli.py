"""Finds and runs one command. Whatever goes wrong, the operator reads one clear line and gets a non-zero exit code.

NEURATRADE_DEBUG=1 shows the traceback; the desk's own processes always write it to their log file.
"""

import argparse
import difflib
import logging
import os
import signal
import sys
from collections.abc import Sequence

from neuratrade.lib import memory
from neuratrade.supervise import home as homes

# What `neuratrade` lists, in the order an operator needs it; a command not named here is listed last.
GROUPS = {
    "Run": ("up", "down", "status", "doctor"),
    "Look": ("why", "check_invariants", "verify_audit"),
    "Research": ("candles", "backtest", "rehearse", "indicators", "drift"),
    "Taxes": ("trades", "export_taxes"),
    "Stop trading": ("kill", "resume", "release"),
    "Set up": ("prepare", "prepare_demo"),
    "Processes (`up` starts them)": ("run", "watch_market", "guard_risk", "execute_orders", "serve_web"),
}
_OURS = ("neuratrade", "trading", "agents", "quests")
_HIDDEN_OPTIONS = {
    *("--version", "--settings", "--pythonpath", "--traceback", "--no-color", "--force-color"),
    *("--skip-checks", "-v", "--verbosity"),
}
# They make a home, look for what is left of one, only start a command that asks itself, or touch nothing of it.
_NEED_NO_HOME = frozenset({"prepare", "prepare_demo", "down", "run", "indicators"})
# They would only fail later, and less clearly, on tables of another version. The pages and the kill switch try nevertheless.
_NEED_TABLES = frozenset(
    {
        *("watch_market", "guard_risk", "execute_orders", "verify_audit", "check_invariants"),
        *("candles", "backtest", "rehearse", "drift", "trades", "export_taxes"),
    }
)
# Their log is for a person who waits for an answer; that of all others is for a log file.
_TOLD_AS_NOTES = frozenset({name for group in ("Look", "Research", "Taxes") for name in GROUPS[group]})
# They stay; every other command comes and goes.
_STAY = frozenset({"up", *GROUPS["Processes (`up` starts them)"]})
USAGE_ERROR = 2
NOT_RUNNING = 3


def run(arguments: Sequence[str]) -> int:
    """Runs `neuratrade ARGUMENTS` and returns the exit code; never raises."""
    rest = [argument for argument in arguments if argument != "--demo"]
    name = rest[0] if rest else "help"
    if name in {"--version", "version"}:
        return _version()
    try:
        note = homes.choose(os.environ, command=name, wants_demo=len(rest) < len(arguments))
    except homes.HomeError as error:
        return _fail(str(error), code=USAGE_ERROR)
    if note and name not in {"help", "-h", "--help"}:
        sys.stderr.write(f"{note}\n")
    try:
        return _run(name, rest[1:], is_demo=len(rest) < len(arguments))
    except SystemExit as error:
        return _exit_code(error)
    except KeyboardInterrupt:
        return 128 + signal.SIGINT
    except BrokenPipeError:  # `neuratrade why | head`
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
        return 0
    except Exception as error:  # noqa: BLE001 (the one place where an unexpected error becomes a line)
        return _unexpected(name, error)


def _needs_home(name: str) -> bool:
    """Whether the command works on a prepared home; on any other it would leave an empty database behind."""
    return name in {command for group in GROUPS.values() for command in group} - _NEED_NO_HOME


def _refuse_old_tables() -> None:
    from django.core.management import CommandError

    from neuratrade.supervise import tables
    from neuratrade.supervise.errors import SuperviseError

    try:
        tables.refuse_pending_migrations()
    except SuperviseError as error:
        raise CommandError(str(error)) from error


def _nothing_prepared(name: str, *, is_demo: bool) -> int:
    what, remedy = ("demo", "make demo") if is_demo else ("desk", "neuratrade prepare")
    hint = "" if is_demo else " (or `make demo`)"
    line = f"no {what} was prepared in {os.environ['NEURATRADE_HOME']}; run `{remedy}`{hint}"
    return _fail(f"{name}: {line}", code=NOT_RUNNING if name == "status" else 1)


def _run(name: str, arguments: Sequence[str], *, is_demo: bool) -> int:
    if name not in _STAY:
        memory.collect_seldom()
    os.environ.setdefault("DJANGO_SETTINGS_MODULE", "neuratrade.settings")
    import django
    from django.core.management import CommandError, get_commands, load_command_class
    from django.core.management.base import BaseCommand

    django.setup()
    if name in {"help", "-h", "--help"}:
        sys.stdout.write(_help() + "\n")
        return 0
    known = get_commands()
    if name not in known:
        return _unknown(name)
    app = known[name]
    command = app if isinstance(app, BaseCommand) else load_command_class(app, name)
    command.suppressed_base_arguments = _HIDDEN_OPTIONS
    try:
        parser = command.create_parser("neuratrade", name)
        _hide(parser, "--skip-checks")
        if name in _TOLD_AS_NOTES and not _wants_traceback():
            _log_as_notes()
        options = vars(parser.parse_args(list(arguments)))
        if _needs_home(name) and not homes.is_prepared(os.environ):
            return _nothing_prepared(name, is_demo=is_demo)
        if name in _NEED_TABLES:
            _refuse_old_tables()
        options["skip_checks"] = True  # they are the developers' (`make check`); the operator's are `doctor`
        command.execute(*options.pop("args", ()), **options)
    except CommandError as error:
        if _wants_traceback():
            raise
        return _fail(f"{name}: {str(error).removeprefix('Error: ')}", code=error.returncode)
    return 0


def _hide(parser: argparse.ArgumentParser, option: str) -> None:
    """Out of the help: Django adds this one without asking `suppressed_base_arguments`."""
    for action in parser._actions:
        if option in action.option_strings:
            action.help = argparse.SUPPRESS


def _log_as_notes() -> None:
    from neuratrade.lib.logs import LineFormatter, NoteFormatter

    for handler in logging.getLogger().handlers:
        if isinstance(handler.formatter, LineFormatter):
            handler.setFormatter(NoteFormatter())


def _commands() -> list[str]:
    from django.core.management import get_commands

    return sorted(name for name, app in get_commands().items() if app in _OURS)


def _help() -> str:
    from django.core.management import get_commands, load_command_class

    ours = set(_commands())
    listed = {name for names in GROUPS.values() for name in names}
    groups = {**GROUPS, "More": tuple(sorted(ours - listed))}
    lines = [
        "neuratrade: a trading desk on this machine",
        "",
        "usage: neuratrade [--demo] COMMAND [--help]",
        "",
    ]
    for heading, names in groups.items():
        present = [name for name in names if name in ours]
        if not present:
            continue
        lines.append(heading)
        for name in present:
            text = str(load_command_class(str(get_commands()[name]), name).help)
            lines.append(f"  {name:<18}{text.split('. ')[0].rstrip('.')}")
        lines.append("")
    lines.append(
        "--demo works on the demo's own home; NEURATRADE_HOME chooses another. Settings: docs/settings.md"
    )
    return "\n".join(lines)


def _version() -> int:
    from neuratrade import __version__

    sys.stdout.write(f"neuratrade {__version__}\n")
    return 0


def _unknown(name: str) -> int:
    close = difflib.get_close_matches(name.replace("-", "_"), _commands(), n=2, cutoff=0.5)
    hint = f"did you mean {' or '.join(close)}?" if close else "`neuratrade help` lists the commands"
    return _fail(f"there is no command {name!r}; {hint}", code=USAGE_ERROR)


def _exit_code(error: SystemExit) -> int:
    message = getattr(error, "message", None)  # a setting that cannot be used says so itself
    if message:
        return _fail(message, code=USAGE_ERROR)
    if isinstance(error.code, str):
        return _fail(error.code, code=1)
    return error.code or 0


def _unexpected(name: str, error: Exception) -> int:
    if _wants_traceback():
        logging.getLogger("neuratrade").error("%s failed", name, exc_info=error)
        return 1
    return _fail(f"{name}: {_explain(error)}", code=1)


def _explain(error: Exception) -> str:
    from django.db import DatabaseError

    from trading.errors import TradingError

    text = " ".join(str(error).split()) or type(error).__name__
    if isinstance(error, DatabaseError):
        if "no such table" in text or "does not exist" in text or "no such column" in text:
            return "the database is not prepared for this version; run `neuratrade prepare`"
        return f"the database cannot be used ({text}); run `neuratrade doctor`"
    if isinstance(error, TradingError):
        return text  # written for the operator
    return f"{text} ({type(error).__name__}; NEURATRADE_DEBUG=1 shows where)"


def _wants_traceback() -> bool:
    return os.environ.get("NEURATRADE_DEBUG", "") == "1" or bool(os.environ.get(homes.MARKER))


def _fail(line: str, *, code: int) -> int:
    """One line, secrets masked, to the operator's terminal."""
    from neuratrade.lib.redact import redact

    sys.stderr.write(f"neuratrade: {redact(' '.join(line.split()))}\n")
    return code
