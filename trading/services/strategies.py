"""The strategies there are: every page in `skills/` that names an engine, with that engine. Pages are read anew at each call."""

import difflib
from functools import cache
from pathlib import Path

from django.conf import settings

from neuratrade.lib.plugins import discover
from trading import playbook
from trading.errors import InvalidValueError
from trading.playbook import Play
from trading.protocols import Strategy


@cache
def engines() -> dict[str, Strategy]:
    """Engine's name -> engine, found in `trading/strategies/`."""
    return {engine.name: engine for engine in discover("trading.strategies", "STRATEGY").values()}


def find(name: str) -> tuple[Strategy, Play]:
    """The engine and the page of the strategy `name`; InvalidValueError in one line, with the nearest names, when there is none."""
    folders = {folder.name: folder for folder in _folders()}
    if name not in folders:
        near = difflib.get_close_matches(name, folders, n=3)
        hint = f"did you mean {' or '.join(near)}?" if near else f"there are: {', '.join(folders)}"
        raise InvalidValueError(f"there is no strategy {name!r}; {hint}")
    return _open(folders[name])


def all() -> tuple[tuple[Strategy, Play], ...]:
    """Every strategy with its page, in order of name; InvalidValueError in one line for the first page that cannot be used."""
    return tuple(_open(folder) for folder in _folders())


def _folders() -> list[Path]:
    pages = sorted(settings.SKILLS_DIR.glob("*/SKILL.md"))
    return [page.parent for page in pages if playbook.is_play(page.parent)]


def _open(folder: Path) -> tuple[Strategy, Play]:
    play = playbook.read(folder)
    engine = engines().get(play.engine)
    if engine is None:
        known = ", ".join(sorted(engines()))
        raise InvalidValueError(
            f"skills/{folder.name}/SKILL.md: there is no engine {play.engine!r}; there are: {known}"
        )
    return engine, play
