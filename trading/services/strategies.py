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
    pages = _pages()
    if name in pages and playbook.is_play(
        pages[name]
    ):  # no other page is read: reading one takes milliseconds
        return _open(pages[name])
    known = [folder.name for folder in _folders()]
    near = difflib.get_close_matches(name, known, n=3)
    hint = f"did you mean {' or '.join(near)}?" if near else f"there are: {', '.join(known)}"
    raise InvalidValueError(f"there is no strategy {name!r}; {hint}")


def all() -> tuple[tuple[Strategy, Play], ...]:
    """Every strategy with its page, in order of name; InvalidValueError in one line for the first page that cannot be used."""
    return tuple(_open(folder) for folder in _folders())


def _pages() -> dict[str, Path]:
    return {page.parent.name: page.parent for page in sorted(settings.SKILLS_DIR.glob("*/SKILL.md"))}


def _folders() -> list[Path]:
    return [folder for folder in _pages().values() if playbook.is_play(folder)]


def _open(folder: Path) -> tuple[Strategy, Play]:
    play = playbook.read(folder)
    engine = engines().get(play.engine)
    if engine is None:
        known = ", ".join(sorted(engines()))
        raise InvalidValueError(
            f"skills/{folder.name}/SKILL.md: there is no engine {play.engine!r}; there are: {known}"
        )
    return engine, play
