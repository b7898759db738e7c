"""`activate_skill`: opens one of the skills pinned for a session, or a file it names. Pure."""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import timedelta
from typing import Annotated, Any

from pydantic import BaseModel, ConfigDict, Field

from agents.errors import ToolError
from agents.protocols import ToolContext, ToolOutput, parse_arguments
from agents.skillbook import Skill
from agents.tooling import EVERY_ROLE
from agents.types import Effect, Role, ToolSpec

NAME = "activate_skill"
_VALID_S = timedelta(days=1).total_seconds()


class Arguments(BaseModel):
    model_config = ConfigDict(extra="forbid", frozen=True)

    name: Annotated[str, Field(max_length=64)]
    resource: Annotated[str | None, Field(max_length=120)] = None


@dataclass(frozen=True, slots=True, kw_only=True)
class SkillTool:
    """`pinned` is name -> digest as the session began; a skill that has changed since is not opened."""

    book: Mapping[str, Skill]
    pinned: Mapping[str, str]
    effect: Effect = Effect.READ
    roles: frozenset[Role] = EVERY_ROLE

    @property
    def spec(self) -> ToolSpec:
        properties: dict[str, Any] = {
            "name": {"type": "string", "enum": sorted(self.pinned)},
            "resource": {
                "type": "string",
                "description": "a file the skill names; left out: the skill itself",
            },
        }
        return ToolSpec(
            name=NAME,
            description="Opens a skill: its instructions, or one of the files it names.",
            schema={
                "type": "object",
                "properties": properties,
                "required": ["name"],
                "additionalProperties": False,
            },
        )

    def call(self, arguments: str, *, context: ToolContext) -> ToolOutput:
        chosen = parse_arguments(Arguments, arguments)
        if chosen.name not in self.pinned:
            raise ToolError(f"there is no skill {chosen.name!r}; there are: {', '.join(sorted(self.pinned))}")
        skill = self.book.get(chosen.name)
        if skill is None or skill.digest != self.pinned[chosen.name]:
            raise ToolError(f"the skill {chosen.name} has changed since this session began; do without it")
        return ToolOutput(data=_open(skill, chosen.resource), as_of=context.at, valid_for_s=_VALID_S)


def _open(skill: Skill, resource: str | None) -> dict[str, object]:
    if resource is None:
        return {
            "skill": skill.name,
            "digest": skill.digest,
            "instructions": skill.body,
            "resources": sorted(skill.resources),
        }
    if resource not in skill.resources:
        raise ToolError(f"the skill {skill.name} has no file {resource!r}")
    return {"skill": skill.name, "resource": resource, "text": skill.resources[resource]}
