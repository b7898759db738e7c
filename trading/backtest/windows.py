"""Walk-forward windows: parameters are chosen on one stretch of time and tried on the next, which they have never seen."""

import re
from dataclasses import dataclass

from trading.errors import InvalidValueError

_UNIT_MS = {"h": 3_600_000, "d": 86_400_000, "w": 604_800_000}
_SPAN = re.compile(r"(\d+)([hdw])")
MAX_WINDOWS = 500


@dataclass(frozen=True, slots=True, kw_only=True)
class Plan:
    """Lengths of the two stretches. `is_anchored`: every choice looks back to the very beginning, not to a moving window."""

    choose_ms: int
    try_ms: int
    is_anchored: bool = False


@dataclass(frozen=True, slots=True, kw_only=True)
class Window:
    """Chosen on bars opening from `since_ms` to before `split_ms`, tried from there to before `until_ms`."""

    since_ms: int
    split_ms: int
    until_ms: int

    def __post_init__(self) -> None:
        if not self.since_ms < self.split_ms <= self.until_ms:
            raise InvalidValueError(
                "a walk-forward window must begin before its split, and split before its end"
            )


def parse(text: str) -> Plan:
    """`30d:7d`, or `30d:7d:anchored`; InvalidValueError in one line for anything else."""
    spans, _, kind = text.partition(":anchored")
    parts = [_SPAN.fullmatch(part.strip()) for part in spans.split(":")]
    if len(parts) != 2 or not all(parts) or kind:
        raise InvalidValueError(
            f"--walk-forward {text!r} is not understood; write 30d:7d "
            "(choose on 30 days, try on the next 7; units h, d, w) or 30d:7d:anchored"
        )
    choose, attempt = (int(part[1]) * _UNIT_MS[part[2]] for part in parts if part)
    if choose == 0 or attempt == 0:
        raise InvalidValueError(f"--walk-forward {text!r}: both lengths must be above zero")
    return Plan(choose_ms=choose, try_ms=attempt, is_anchored=text.endswith(":anchored"))


def split(plan: Plan, *, since_ms: int, until_ms: int) -> tuple[Window, ...]:
    """The windows from `since_ms` to before `until_ms`, the last one possibly shorter; the tries follow without a gap.

    Raises InvalidValueError when not even one whole window fits.
    """
    if since_ms + plan.choose_ms + plan.try_ms > until_ms:
        have, need = (until_ms - since_ms) / _UNIT_MS["d"], (plan.choose_ms + plan.try_ms) / _UNIT_MS["d"]
        raise InvalidValueError(
            f"one walk-forward window needs {need:g} days and there are {have:.4g}; give shorter windows or more candles"
        )
    count = -(-(until_ms - since_ms - plan.choose_ms) // plan.try_ms)
    if count > MAX_WINDOWS:
        raise InvalidValueError(
            f"--walk-forward gives {count:,} windows, more than {MAX_WINDOWS}; give longer ones"
        )
    found = []
    for number in range(count):
        split_ms = since_ms + plan.choose_ms + number * plan.try_ms
        found.append(
            Window(
                since_ms=since_ms if plan.is_anchored else split_ms - plan.choose_ms,
                split_ms=split_ms,
                until_ms=min(split_ms + plan.try_ms, until_ms),
            )
        )
    return tuple(found)
