"""One skill folder on disk, as the Agent Skills standard lays it out: `<name>/SKILL.md`, YAML front matter, markdown, files beside it.

Read once and whole; `digest` names exactly the text that was read, and is what a trade stores as its skill's version.
"""

import hashlib
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Annotated

import yaml
from pydantic import BaseModel, ConfigDict, Field, StringConstraints, ValidationError

LARGEST_FILE_BYTES = 200_000
PAGE = "SKILL.md"

SkillName = Annotated[str, StringConstraints(pattern=r"^[a-z0-9]+(-[a-z0-9]+)*$", max_length=64)]


class SkillFolderError(Exception):
    """The folder cannot be used; the text is one clear line."""


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
class SkillFolder:
    """`body` follows the front matter, and begins at line `body_line` of SKILL.md; `resources` are the files beside it."""

    front: FrontMatter
    body: str
    body_line: int
    resources: Mapping[str, str]
    digest: str


def read(folder: Path) -> SkillFolder:
    """The skill in `folder`; SkillFolderError when its front matter breaks the standard or a file is no UTF-8 text."""
    files = {path.relative_to(folder).as_posix(): _text(path) for path in _files(folder)}
    if PAGE not in files:
        raise SkillFolderError(f"skill {folder.name}: it has no {PAGE}")
    front, body, body_line = _split(files.pop(PAGE), folder)
    if front.name != folder.name:
        raise SkillFolderError(
            f"skill {folder.name}: its name says {front.name!r}; name and folder must be the same"
        )
    return SkillFolder(
        front=front, body=body, body_line=body_line, resources=files, digest=folder_digest(folder)
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
        raise SkillFolderError(
            f"skill {path.parent.name}: {path.name} is larger than {LARGEST_FILE_BYTES} bytes"
        )
    try:
        return path.read_text(encoding="utf-8")
    except UnicodeDecodeError as error:
        raise SkillFolderError(f"skill {path.parent.name}: {path.name} is not UTF-8 text") from error


def _split(text: str, folder: Path) -> tuple[FrontMatter, str, int]:
    lines = text.splitlines()
    if not lines or lines[0].strip() != "---" or "---" not in (line.strip() for line in lines[1:]):
        raise SkillFolderError(
            f"skill {folder.name}: SKILL.md must begin with front matter between two lines of ---"
        )
    end = next(number for number, line in enumerate(lines[1:], start=1) if line.strip() == "---")
    try:
        front = FrontMatter.model_validate(yaml.safe_load("\n".join(lines[1:end])))
    except yaml.YAMLError as error:
        raise SkillFolderError(f"skill {folder.name}: its front matter is not YAML") from error
    except ValidationError as error:
        raise SkillFolderError(f"skill {folder.name}: {_first_problem(error)}") from error
    first = next((number for number, line in enumerate(lines[end + 1 :]) if line.strip()), 0)
    return front, "\n".join(lines[end + 1 :]).strip(), end + 2 + first


def _first_problem(error: ValidationError) -> str:
    first = error.errors(include_url=False, include_context=False, include_input=False)[0]
    place = ".".join(str(part) for part in first["loc"])
    return f"{place}: {first['msg']}" if place else first["msg"]
