"""A strategy's page, `skills/<name>/SKILL.md`: its parameters with their bounds, where it belongs, and its version. Pure but for reading.

A skill is a strategy when its front matter names an engine (`metadata: engine: …`). The numbers stand in a table under
`## Parameters`; the page is the only place where they are written. Editing one changes what the strategy does and its digest.
"""

import difflib
import math
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from types import MappingProxyType

from neuratrade.lib import skillfolder
from trading.errors import InvalidValueError
from trading.types.research import TIMEFRAME_S

COLUMNS = ("parameter", "value", "from", "to", "unit", "meaning")
# What a number may count. The first row of units are whole numbers.
WHOLE_UNITS = frozenset({"bars", "positions", "payments", "hours"})
UNITS = WHOLE_UNITS | {"ratio", "bps", "points", "atr", "deviations", "times"}
_SECTIONS = ("markets", "regime", "prerequisites", "when not to use")


@dataclass(frozen=True, slots=True, kw_only=True)
class Parameter:
    """One number of a strategy; `low` and `high` are allowed themselves. `is_whole` follows from the unit."""

    name: str
    value: float
    low: float
    high: float
    unit: str
    meaning: str

    @property
    def is_whole(self) -> bool:
        return self.unit in WHOLE_UNITS

    def objection(self, value: float) -> str:
        """Why the parameter may not be `value`; empty when it may."""
        if not self.low <= value <= self.high:  # also true for NaN
            return f"{self.name} must lie between {self.low:g} and {self.high:g} {self.unit}, not {value:g}"
        if self.is_whole and value != int(value):
            return f"{self.name} counts {self.unit}: it must be a whole number, not {value:g}"
        return ""


@dataclass(frozen=True, slots=True, kw_only=True)
class Play:
    """A strategy as its page describes it. `digest` is its version, the one that trades store; the texts are for people and models."""

    name: str
    engine: str
    digest: str
    description: str
    parameters: tuple[Parameter, ...]
    timeframes: tuple[str, ...]
    markets: str
    regime: str
    prerequisites: str
    when_not: str

    def values(self, overrides: Mapping[str, float] = MappingProxyType({})) -> Mapping[str, float]:
        """Every parameter's value, with `overrides` in place of the page's. InvalidValueError in one line for one that may not be."""
        known = {parameter.name: parameter for parameter in self.parameters}
        for name, value in overrides.items():
            if name not in known:
                raise InvalidValueError(_unknown(self.name, name, tuple(known)))
            if objection := known[name].objection(value):
                raise InvalidValueError(f"{self.name}: {objection}")
        values = _Values(
            {name: float(overrides.get(name, parameter.value)) for name, parameter in known.items()}
        )
        values.play = self.name
        return values

    def require_timeframe(self, timeframe: str) -> None:
        """InvalidValueError in one line when the strategy is not made for bars of `timeframe`."""
        if timeframe not in self.timeframes:
            raise InvalidValueError(f"{self.name} trades {', '.join(self.timeframes)}, not {timeframe}")

    def parameter(self, name: str) -> Parameter:
        """The parameter called `name`; InvalidValueError with the nearest names when there is none."""
        for parameter in self.parameters:
            if parameter.name == name:
                return parameter
        raise InvalidValueError(_unknown(self.name, name, tuple(p.name for p in self.parameters)))


class _Values(dict[str, float]):
    """A page's values. What its engine asks for and the page does not say is an error of the page, told in one line."""

    play = ""

    def __missing__(self, name: str) -> float:
        near = difflib.get_close_matches(name, tuple(self), n=1)
        hint = f"is its {near[0]} misspelt?" if near else "add its row"
        raise InvalidValueError(
            f"skills/{self.play}/SKILL.md: the engine needs a parameter {name!r}, and the table has none; {hint}"
        )


def _unknown(play: str, name: str, known: tuple[str, ...]) -> str:
    near = difflib.get_close_matches(name, known, n=3)
    hint = f"did you mean {' or '.join(near)}?" if near else f"it has: {', '.join(known)}"
    return f"{play} has no parameter {name!r}; {hint}"


def is_play(folder: Path) -> bool:
    """True when the skill in `folder` names an engine; InvalidValueError on a skill that breaks the standard."""
    return "engine" in _read(folder).front.metadata


def read(folder: Path) -> Play:
    """The strategy in the skill `folder`. InvalidValueError in one line, with file and row, when its page cannot be used."""
    page = _read(folder)
    engine = page.front.metadata.get("engine", "")
    if not engine:
        raise InvalidValueError(
            f"skills/{folder.name}/SKILL.md: it names no engine (metadata: engine: …): it is no strategy"
        )
    sections = _sections(page.body, first_line=page.body_line)
    texts = {name: _text(sections, name, folder) for name in _SECTIONS}
    return Play(
        name=page.front.name,
        engine=engine,
        digest=page.digest,
        description=page.front.description,
        parameters=_parameters(sections, folder),
        timeframes=_timeframes(page.front.metadata.get("timeframes", ""), folder),
        markets=texts["markets"],
        regime=texts["regime"],
        prerequisites=texts["prerequisites"],
        when_not=texts["when not to use"],
    )


def _read(folder: Path) -> skillfolder.SkillFolder:
    try:
        return skillfolder.read(folder)
    except skillfolder.SkillFolderError as error:
        raise InvalidValueError(str(error)) from error


Line = tuple[int, str]


def _sections(body: str, *, first_line: int) -> Mapping[str, tuple[Line, ...]]:
    """Heading of the second level, in small letters -> its lines with their numbers in the file."""
    found: dict[str, list[Line]] = {}
    current: list[Line] = []
    for number, line in enumerate(body.splitlines(), start=first_line):
        if line.startswith("## "):
            current = found.setdefault(line[3:].strip().lower(), [])
        else:
            current.append((number, line))
    return {name: tuple(lines) for name, lines in found.items()}


def _text(sections: Mapping[str, tuple[Line, ...]], name: str, folder: Path) -> str:
    text = "\n".join(line for _, line in sections.get(name, ())).strip()
    if not text:
        raise InvalidValueError(
            f"skills/{folder.name}/SKILL.md: a strategy needs a section '## {name.capitalize()}'"
        )
    return text


def _timeframes(text: str, folder: Path) -> tuple[str, ...]:
    names = tuple(text.split())
    wrong = next((name for name in names if name not in TIMEFRAME_S), None)
    if wrong is not None or not names:
        raise InvalidValueError(
            f"skills/{folder.name}/SKILL.md: metadata timeframes must name some of {', '.join(TIMEFRAME_S)}; "
            f"it says {text!r}"
        )
    return names


def _parameters(sections: Mapping[str, tuple[Line, ...]], folder: Path) -> tuple[Parameter, ...]:
    rows = [
        (number, _cells(line))
        for number, line in sections.get("parameters", ())
        if line.strip().startswith("|")
    ]
    where = f"skills/{folder.name}/SKILL.md"
    if len(rows) < 3:
        raise InvalidValueError(f"{where}: a strategy needs a section '## Parameters' with a table")
    number, header = rows[0]
    if header != COLUMNS:
        raise InvalidValueError(f"{where}:{number}: the table's columns must be {' | '.join(COLUMNS)}")
    number, rule = rows[1]
    if not all(cell.strip(":-") == "" and "-" in cell for cell in rule):
        raise InvalidValueError(f"{where}:{number}: a line of |---| must follow the table's columns")
    found: dict[str, Parameter] = {}
    for number, cells in rows[2:]:
        parameter = _parameter(cells, at=f"{where}:{number}")
        if parameter.name in found:
            raise InvalidValueError(f"{where}:{number}: {parameter.name} is there twice")
        found[parameter.name] = parameter
    return tuple(found.values())


def _cells(line: str) -> tuple[str, ...]:
    return tuple(cell.strip() for cell in line.strip().strip("|").split("|"))


def _parameter(cells: tuple[str, ...], *, at: str) -> Parameter:
    if len(cells) != len(COLUMNS):
        raise InvalidValueError(f"{at}: a row needs {len(COLUMNS)} cells, it has {len(cells)}")
    name, value, low, high, unit, meaning = cells
    name = name.strip("`")
    if not (name.isidentifier() and name.islower() and name.isascii()):
        raise InvalidValueError(f"{at}: {name!r} is no parameter's name (small letters, digits, _)")
    if unit not in UNITS:
        raise InvalidValueError(f"{at}: {name} has the unit {unit!r}; known are {', '.join(sorted(UNITS))}")
    if not meaning:
        raise InvalidValueError(f"{at}: {name} has no meaning; say in words what it does")
    numbers = [_number(text, name=name, at=at) for text in (value, low, high)]
    parameter = Parameter(
        name=name, value=numbers[0], low=numbers[1], high=numbers[2], unit=unit, meaning=meaning
    )
    for problem in _problems(parameter):
        raise InvalidValueError(f"{at}: {problem}")
    return parameter


def _number(text: str, *, name: str, at: str) -> float:
    try:
        number = float(text)
    except ValueError as error:
        raise InvalidValueError(f"{at}: {name}: {text!r} is not a number") from error
    if not math.isfinite(number):
        raise InvalidValueError(f"{at}: {name}: {text!r} is not a finite number")
    return number


def _problems(parameter: Parameter) -> Iterator[str]:
    if parameter.low > parameter.high:
        yield f"{parameter.name}: from {parameter.low:g} is above to {parameter.high:g}"
    for value in (parameter.low, parameter.high, parameter.value):
        if parameter.low <= parameter.high and (objection := parameter.objection(value)):
            yield objection
