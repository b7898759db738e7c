"""Rich's renderables as text: the same layout with and without colours, no space at a line's end."""

import io
from collections.abc import Callable, Iterable

from rich.console import Console, RenderableType


def rendered(parts: Callable[[int], Iterable[RenderableType]], *, width: int, has_colour: bool) -> str:
    """What `parts` makes of the room it is given, `width` columns, as text ending in a line break."""
    console = Console(
        file=io.StringIO(),
        width=width,
        force_terminal=has_colour,
        no_color=not has_colour,
        highlight=False,
        markup=False,
        emoji=False,
        legacy_windows=False,
    )
    with console.capture() as captured:
        for part in parts(width):
            console.print(part)
    return "".join(f"{line.rstrip()}\n" for line in captured.get().splitlines())
