"""Strategies are found by their pages; editing a page is all it takes to change one, or to have another."""

import shutil
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from tests.trading.strategies.markets import market
from trading import indicators
from trading.errors import InvalidValueError
from trading.services import strategies


@pytest.fixture
def skills(tmp_path: Path, settings: Any) -> Path:
    shutil.copytree(settings.SKILLS_DIR, tmp_path / "skills")
    settings.SKILLS_DIR = tmp_path / "skills"
    return tmp_path / "skills"


def edit(page: Path, old: str, new: str) -> None:
    text = page.read_text()
    assert old in text
    page.write_text(text.replace(old, new))


def entries(name: str) -> int:
    engine, play = strategies.find(name)
    bars = market(3)
    said = engine.signals(bars, parameters=play.values(), indicators=indicators.provider())
    return int(np.count_nonzero(said.enter))


def test_all_are_found_by_name_and_words_alone_are_none() -> None:
    found = strategies.all()
    assert [play.name for _, play in found] == sorted(play.name for _, play in found)
    assert "evidence-discipline" not in {play.name for _, play in found}
    engine, play = strategies.find("scalping")
    assert (engine.name, play.engine) == ("scalping", "scalping")


def test_an_unknown_name_is_answered_with_the_nearest() -> None:
    with pytest.raises(InvalidValueError, match="no strategy 'mean-reverson'; did you mean mean-reversion"):
        strategies.find("mean-reverson")
    with pytest.raises(InvalidValueError, match="there are: cross-venue-arbitrage, funding-arbitrage"):
        strategies.find("zzz")
    with pytest.raises(InvalidValueError, match="no strategy '../../etc'"):
        strategies.find("../../etc")


def test_a_number_edited_in_the_page_changes_what_it_does_and_its_version(skills: Path) -> None:
    before, digest = entries("mean-reversion"), strategies.find("mean-reversion")[1].digest
    edit(skills / "mean-reversion" / "SKILL.md", "| `rsi_below` | 32 |", "| `rsi_below` | 50 |")
    assert entries("mean-reversion") > before > 0
    assert strategies.find("mean-reversion")[1].digest != digest


def test_a_copied_page_is_a_strategy_of_its_own(skills: Path) -> None:
    shutil.copytree(skills / "mean-reversion", skills / "deep-reversion")
    page = skills / "deep-reversion" / "SKILL.md"
    edit(page, "name: mean-reversion\n", "name: deep-reversion\n")
    edit(page, "| `rsi_below` | 32 |", "| `rsi_below` | 20 |")
    engine, play = strategies.find("deep-reversion")
    assert (engine.name, play.name) == ("mean-reversion", "deep-reversion")
    assert entries("deep-reversion") < entries("mean-reversion")


def test_a_page_whose_engine_is_missing_is_one_line(skills: Path) -> None:
    edit(skills / "scalping" / "SKILL.md", "engine: scalping", "engine: scalpin")
    with pytest.raises(
        InvalidValueError, match="skills/scalping/SKILL.md: there is no engine 'scalpin'; there are"
    ):
        strategies.find("scalping")
