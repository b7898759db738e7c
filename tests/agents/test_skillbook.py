"""Skills are read as the standard says, pinned by digest, and reach nothing outside their folder."""

from pathlib import Path

import pytest

from agents.errors import SkillError
from agents.skillbook import read_book, read_skill
from neuratrade.lib.skillfolder import folder_digest

PAGE = "---\nname: a-skill\ndescription: Does a thing.\nallowed-tools: get_price\n---\n# Body\n\nWords.\n"


def write(folder: Path, text: str = PAGE) -> Path:
    folder.mkdir(exist_ok=True)
    (folder / "SKILL.md").write_text(text, encoding="utf-8")
    return folder


def test_a_skill_is_its_front_matter_body_and_files(tmp_path: Path) -> None:
    folder = write(tmp_path / "a-skill")
    (folder / "references").mkdir()
    (folder / "references" / "more.md").write_text("more")

    skill = read_skill(folder)

    assert (skill.name, set(skill.tools), skill.body) == ("a-skill", {"get_price"}, "# Body\n\nWords.")
    assert skill.resources == {"references/more.md": "more"}
    assert skill.suits(["get_price", "other"])
    assert not skill.suits(["other"])


def test_the_digest_covers_every_byte_and_name(tmp_path: Path) -> None:
    folder = write(tmp_path / "a-skill")
    seen = {folder_digest(folder)}
    (folder / "a.md").write_text("1")
    seen.add(folder_digest(folder))
    (folder / "a.md").write_text("2")
    seen.add(folder_digest(folder))
    (folder / "a.md").rename(folder / "b.md")
    seen.add(folder_digest(folder))
    assert len(seen) == 4


@pytest.mark.parametrize(
    ("text", "words"),
    [
        ("# No front matter", "must begin with front matter"),
        ("---\nname: a-skill\n", "must begin with front matter"),
        ("---\nname: a-skill\n---\n", "description"),
        ("---\nname: other\ndescription: x\n---\n", "must be the same"),
        ("---\nname: A_Skill\ndescription: x\n---\n", "name"),
        ("---\nname: a-skill\ndescription: x\nversion: 1\n---\n", "version"),
        ("---\nname: [\n---\n", "not YAML"),
        ("---\n- 1\n---\n", "fields with values"),
        ("---\nname: a-skill\ndescription: ''\n---\n", "description: it is empty"),
        ("---\nname: a-skill\ndescription: 3\n---\n", "description: it must be a text"),
        (f"---\nname: a-skill\ndescription: {'x' * 1025}\n---\n", "1024 characters at most, not 1025"),
        (f"---\nname: {'a' * 65}\ndescription: x\n---\n", "name: it may have 64"),
        ("---\nname: a--skill\ndescription: x\n---\n", "single hyphens"),
        ("---\nname: a-skill\ndescription: x\nmetadata:\n  engine: 3\n---\n", "metadata: it must be names"),
        ("---\nname: a-skill\ndescription: x\nallowed-tools: [a]\n---\n", "allowed-tools: it must be a text"),
    ],
)
def test_a_broken_skill_is_one_clear_line(tmp_path: Path, text: str, words: str) -> None:
    with pytest.raises(SkillError, match=words) as caught:
        read_skill(write(tmp_path / "a-skill", text))
    assert "\n" not in str(caught.value)


def test_a_link_does_not_lead_outside(tmp_path: Path) -> None:
    folder = write(tmp_path / "a-skill")
    secret = tmp_path / "secret"
    secret.write_text("key")
    (folder / "notes.md").symlink_to(secret)
    assert read_skill(folder).resources == {}


def test_a_book_is_read_anew_each_time(tmp_path: Path) -> None:
    folder = write(tmp_path / "a-skill")
    before = read_book(tmp_path)["a-skill"]
    write(folder, PAGE + "New words.\n")
    after = read_book(tmp_path)["a-skill"]
    assert "New words" in after.body
    assert before.digest != after.digest
    assert read_book(tmp_path / "nowhere") == {}
