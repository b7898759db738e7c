"""One skill folder on disk, as the Agent Skills standard lays it out: `<name>/SKILL.md`, YAML front matter, markdown, files beside it.

Read once and whole; `digest` names exactly the text that was read, and is what a trade stores as its skill's version.
"""

import hashlib
import re
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path

import yaml

LARGEST_FILE_BYTES = 200_000
PAGE = "SKILL.md"

_NAME = re.compile(r"[a-z0-9]+(-[a-z0-9]+)*")
# The fields the standard knows, with the longest text it allows; any other is refused, as its reference validator does.
_TEXTS: Mapping[str, int | None] = {
    "name": 64,
    "description": 1024,
    "license": None,
    "compatibility": 500,
    "allowed-tools": None,
}
_REQUIRED = ("name", "description")


class SkillFolderError(Exception):
    """The folder cannot be used; the text is one clear line."""


@dataclass(frozen=True, slots=True, kw_only=True)
class FrontMatter:
    """What the standard lets a skill say of itself."""

    name: str
    description: str
    license: str | None = None
    compatibility: str | None = None
    metadata: Mapping[str, str] = field(default_factory=dict)
    allowed_tools: str = ""


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
        front = _front(yaml.safe_load("\n".join(lines[1:end])))
    except yaml.YAMLError as error:
        raise SkillFolderError(f"skill {folder.name}: its front matter is not YAML") from error
    except ValueError as error:
        raise SkillFolderError(f"skill {folder.name}: {error}") from error
    first = next((number for number, line in enumerate(lines[end + 1 :]) if line.strip()), 0)
    return front, "\n".join(lines[end + 1 :]).strip(), end + 2 + first


def _front(said: object) -> FrontMatter:
    """Checked by hand: every command on a strategy reads its page, and a validation library would take longer to load than the
    command to start. ValueError names the first field that is wrong."""
    if not isinstance(said, dict):
        raise ValueError("its front matter must be fields with values")
    unknown = [str(name) for name in said if name not in {*_TEXTS, "metadata"}]
    if unknown:
        raise ValueError(f"{unknown[0]}: the standard has no such field")
    for name in _REQUIRED:
        if name not in said:
            raise ValueError(f"{name}: it is missing")
    texts = {
        name: _text_of(said[name], name=name)
        for name in _TEXTS
        if said.get(name) is not None or name in _REQUIRED
    }
    if not _NAME.fullmatch(texts["name"]):
        raise ValueError("name: it may have small letters, digits and single hyphens between them")
    return FrontMatter(
        name=texts["name"],
        description=texts["description"],
        license=texts.get("license"),
        compatibility=texts.get("compatibility"),
        metadata=_metadata(said.get("metadata", {})),
        allowed_tools=texts.get("allowed-tools", ""),
    )


def _text_of(value: object, *, name: str) -> str:
    if not isinstance(value, str):
        raise ValueError(f"{name}: it must be a text")
    longest = _TEXTS[name]
    if longest is not None and len(value) > longest:
        raise ValueError(f"{name}: it may have {longest} characters at most, not {len(value)}")
    if name in _REQUIRED and not value:
        raise ValueError(f"{name}: it is empty")
    return value


def _metadata(value: object) -> Mapping[str, str]:
    if not isinstance(value, dict) or not all(
        isinstance(part, str) for item in value.items() for part in item
    ):
        raise ValueError("metadata: it must be names with texts (quote a number)")
    return value
