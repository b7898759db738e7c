"""Runs on every skill folder found, with the Agent Skills reference validator."""

from pathlib import Path

import pytest
from skills_ref import validate

from agents.skillbook import read_skill

SKILLS = sorted((Path(__file__).resolve().parents[2] / "skills").iterdir())


@pytest.mark.parametrize("folder", SKILLS, ids=lambda folder: folder.name)
def test_a_skill_passes_the_reference_validator_and_our_reader(folder: Path) -> None:
    assert validate(folder) == []
    skill = read_skill(folder)
    assert 10 <= len(skill.body.splitlines()) < 100
    assert "Use " in skill.description, "the description says when to use it"


def test_the_first_skills_are_there() -> None:
    assert len(SKILLS) >= 10
    assert {"momentum-scan", "mean-reversion", "evidence-discipline"} <= {folder.name for folder in SKILLS}
