"""Plain text from JSON and from outside, fit for a terminal."""

import unicodedata
from collections.abc import Iterator, Mapping

_UNSEEN = {"Cc", "Cf", "Cs", "Co"}


def clean(value: object) -> str:
    """Without control and direction characters; tabs and line breaks stay."""
    return "".join(char for char in str(value) if char in "\n\t" or unicodedata.category(char) not in _UNSEEN)


def flat(value: object, *, name: str = "") -> Iterator[tuple[str, str]]:
    """Nested JSON as (dotted name, text), empty values left out."""
    if isinstance(value, Mapping):
        for key, inner in value.items():
            yield from flat(inner, name=f"{name}.{key}" if name else str(key))
    elif isinstance(value, list | tuple) and any(isinstance(item, Mapping | list) for item in value):
        for index, inner in enumerate(value, 1):
            yield from flat(inner, name=f"{name}.{index}")
    elif isinstance(value, list | tuple):
        if value:
            yield name, ", ".join(str(item) for item in value)
    elif value not in (None, ""):
        yield name, str(value)


def short(text: str, *, length: int) -> str:
    """At most `length` characters, an ellipsis included."""
    return text if len(text) <= length else f"{text[: length - 1]}…"
