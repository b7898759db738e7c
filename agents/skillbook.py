"""Skills as the agents see them: the names and descriptions first, a body on request, then its resources. Pure but for reading files.

A book is read once per session and never changes under it; `digest` names exactly the text that was read.
"""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from pathlib import Path

from agents.errors import SkillError
from neuratrade.lib import skillfolder


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
    try:
        found = skillfolder.read(folder)
    except skillfolder.SkillFolderError as error:
        raise SkillError(str(error)) from error
    return Skill(
        name=found.front.name,
        description=found.front.description,
        body=found.body,
        tools=frozenset(found.front.allowed_tools.split()),
        resources=found.resources,
        digest=found.digest,
    )
