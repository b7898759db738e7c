"""Parameter grids of a sweep, as the operator writes them: `x=3`, `x=1,2,5`, `x=10:30:5` (both ends included)."""

import itertools
import math
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from decimal import Decimal, InvalidOperation

from trading.errors import InvalidValueError

MAX_POINTS = 100_000


@dataclass(frozen=True, slots=True, kw_only=True)
class Grid:
    """Every combination of each name's values; the last name changes fastest. Points are counted from 0."""

    axes: Mapping[str, tuple[float, ...]]

    def __post_init__(self) -> None:
        for name, values in self.axes.items():
            if not values or len(set(values)) < len(values):
                raise InvalidValueError(f"--param {name}: give each value once")
        if len(self) > MAX_POINTS:
            raise InvalidValueError(
                f"the grid has {len(self):,} combinations, more than {MAX_POINTS:,}; give fewer values or larger steps"
            )

    def __len__(self) -> int:
        return math.prod(len(values) for values in self.axes.values())

    def point(self, index: int) -> dict[str, float]:
        """The parameters of one combination."""
        found: dict[str, float] = {}
        for name in reversed(tuple(self.axes)):
            index, place = divmod(index, len(self.axes[name]))
            found[name] = self.axes[name][place]
        return {name: found[name] for name in self.axes}

    def points(self) -> Iterator[dict[str, float]]:
        """All combinations in order of their index."""
        for values in itertools.product(*self.axes.values()):
            yield dict(zip(self.axes, values, strict=True))

    @property
    def varied(self) -> tuple[str, ...]:
        """The names with more than one value."""
        return tuple(name for name, values in self.axes.items() if len(values) > 1)


def parse(options: Sequence[str]) -> Grid:
    """The grid of all `--param` options; InvalidValueError in one line for a bad one. No options: a grid of one empty point."""
    axes: dict[str, tuple[float, ...]] = {}
    for option in options:
        name, equals, text = option.partition("=")
        name = name.strip().replace("-", "_")
        if not equals or not name or not text.strip():
            raise InvalidValueError(
                f"--param {option!r} is not understood; write name=3, name=1,2,5 or name=10:30:5"
            )
        if name in axes:
            raise InvalidValueError(
                f"--param {name} is given twice; write all its values in one: {name}=1,2,5"
            )
        axes[name] = _values(text.strip(), option=option)
    return Grid(axes=axes)


def _values(text: str, *, option: str) -> tuple[float, ...]:
    if ":" not in text:
        return tuple(float(_number(part, option=option)) for part in text.split(","))
    parts = text.split(":")
    if len(parts) != 3:
        raise InvalidValueError(f"--param {option!r}: a range is from:to:step, as in 10:30:5")
    first, last, step = (_number(part, option=option) for part in parts)
    if step <= 0:
        raise InvalidValueError(f"--param {option!r}: the step must be above zero")
    if first > last:
        raise InvalidValueError(f"--param {option!r}: the range begins above its end")
    count = int((last - first) / step) + 1
    if count > MAX_POINTS:
        raise InvalidValueError(f"--param {option!r}: {count:,} values, more than {MAX_POINTS:,}")
    return tuple(float(first + step * place) for place in range(count))


def _number(text: str, *, option: str) -> Decimal:
    try:
        number = Decimal(text.strip())
    except InvalidOperation as error:
        raise InvalidValueError(f"--param {option!r}: {text.strip()!r} is not a number") from error
    if not number.is_finite():
        raise InvalidValueError(f"--param {option!r}: {text.strip()!r} is not a finite number")
    return number
