"""Reads the skills folder: names and descriptions first, a body on request, then its resources. Pure but for reading files.

Format: Agent Skills (`skills/<name>/SKILL.md`, YAML front matter, markdown body). A book is read once per session and never
changes under it; `digest` names exactly the text that was read.
"""

import hashlib
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Annotated

import yaml
from pydantic import BaseModel, ConfigDict, Field, StringConstraints, ValidationError

from agents.errors import SkillError
from agents.protocols import first_problem

LARGEST_FILE_BYTES = 200_000

SkillName = Annotated[str, StringConstraints(pattern=r"^[a-z0-9]+(-[a-z0-9]+)*$", max_length=64)]


class FrontMatter(BaseModel):
    """The fields the standard knows; any other is refused, as its reference validator does."""

    model_config = ConfigDict(extra="forbid", frozen=True)

    name: SkillName
    description: Annotated[str, StringConstraints(min_length=1, max_length=1024)]
    license: str | None = None
    compatibility: Annotated[str, StringConstraints(max_length=500)] | None = None
    metadata: dict[str, str] = Field(default_factory=dict)
    allowed_tools: Annotated[str, Field(alias="allowed-tools")] = ""


@dataclass(frozen=True, slots=True, kw_only=True)
class Skill:
    """`digest` is the SHA-256 of every file of the folder with its path; `resources` are the files beside SKILL.md."""

    name: str
    description: str
    body: str
    tools: frozenset[str]
    resources: Mapping[str, str]
    digest: str

    def suits(self, tools: Iterable[str]) -> bool:
        """True when a role with `tools` may use everything the skill names: a skill never widens a role."""
        return self.tools <= set(tools)


def read_book(folder: Path) -> dict[str, Skill]:
    """Name -> skill for every subfolder with a SKILL.md; SkillError in one line on a broken one. No folder, no skills."""
    if not folder.is_dir():
        return {}
    return {path.parent.name: read_skill(path.parent) for path in sorted(folder.glob("*/SKILL.md"))}


def read_skill(folder: Path) -> Skill:
    """The skill in `folder`; SkillError when its front matter breaks the standard or a file is no UTF-8 text."""
    files = {path.relative_to(folder).as_posix(): _text(path) for path in _files(folder)}
    front, body = _split(files.pop("SKILL.md"), folder)
    if front.name != folder.name:
        raise SkillError(
            f"skill {folder.name}: its name says {front.name!r}; name and folder must be the same"
        )
    return Skill(
        name=front.name,
        description=front.description,
        body=body,
        tools=frozenset(front.allowed_tools.split()),
        resources=files,
        digest=folder_digest(folder),
    )


def folder_digest(folder: Path) -> str:
    """SHA-256 hex over every file's relative path and content, in order of path."""
    total = hashlib.sha256()
    for path in _files(folder):
        name = path.relative_to(folder).as_posix()
        content = hashlib.sha256(path.read_bytes()).hexdigest()
        total.update(f"{name}\n{content}\n".encode())
    return total.hexdigest()


def _files(folder: Path) -> list[Path]:
    """The folder's own files; links are left out, so that a skill cannot reach outside itself."""
    found = [path for path in folder.rglob("*") if path.is_file() and not path.is_symlink()]
    return sorted(found, key=lambda path: path.relative_to(folder).as_posix())


def _text(path: Path) -> str:
    if path.stat().st_size > LARGEST_FILE_BYTES:
        raise SkillError(f"skill {path.parent.name}: {path.name} is larger than {LARGEST_FILE_BYTES} bytes")
    try:
        return path.read_text(encoding="utf-8")
    except UnicodeDecodeError as error:
        raise SkillError(f"skill {path.parent.name}: {path.name} is not UTF-8 text") from error


def _split(text: str, folder: Path) -> tuple[FrontMatter, str]:
    lines = text.splitlines()
    if not lines or lines[0].strip() != "---" or "---" not in (line.strip() for line in lines[1:]):
        raise SkillError(
            f"skill {folder.name}: SKILL.md must begin with front matter between two lines of ---"
        )
    end = next(number for number, line in enumerate(lines[1:], start=1) if line.strip() == "---")
    try:
        front = FrontMatter.model_validate(yaml.safe_load("\n".join(lines[1:end])))
    except yaml.YAMLError as error:
        raise SkillError(f"skill {folder.name}: its front matter is not YAML") from error
    except ValidationError as error:
        raise SkillError(f"skill {folder.name}: {first_problem(error)}") from error
    return front, "\n".join(lines[end + 1 :]).strip()
