"""The one readable screen of `neuratrade up` and `neuratrade status`."""

import sys
from collections.abc import Sequence

from rich.console import Console, Group, RenderableType
from rich.table import Table
from rich.text import Text

from neuratrade.supervise.status import ProcessStatus

PIPE_WIDTH = 160
_COLOURS = {
    "running": "green",
    "starting": "yellow",
    "backoff": "red",
    "fatal": "bold red",
    "stopping": "yellow",
}


def render(rows: Sequence[ProcessStatus], *, title: str, footer: str = "") -> RenderableType:
    """The table of processes with the newest errors below it."""
    table = Table(
        title=title, title_justify="left", title_style="bold", box=None, pad_edge=False, expand=True
    )
    for heading, justify in (
        ("process", "left"),
        ("state", "left"),
        ("pid", "right"),
        ("up", "right"),
        ("restarts", "right"),
    ):
        table.add_column(heading, justify=justify, no_wrap=True, header_style="dim")  # type: ignore[arg-type]
    table.add_column("doing", ratio=1, no_wrap=True, overflow="ellipsis", header_style="dim")
    for row in rows:
        table.add_row(
            row.name,
            Text(row.state, style=_COLOURS.get(row.state, "dim")),
            str(row.pid or "-"),
            age(row.age_s) if row.pid else "-",
            Text(str(row.restarts), style="yellow" if row.restarts else "dim"),
            Text(row.doing),
        )
    errors = [
        Text(f"{row.name}: {row.last_error}", style="red", no_wrap=True, overflow="ellipsis")
        for row in rows
        if row.last_error
    ]
    return Group(
        table,
        *([Text("")] if errors or footer else []),
        *errors,
        *([Text(footer, style="dim")] if footer else []),
    )


def as_text(rows: Sequence[ProcessStatus], *, title: str) -> str:
    """The same screen as text, coloured only when standard output is a terminal."""
    console = Console(soft_wrap=False, width=None if sys.stdout.isatty() else PIPE_WIDTH)
    with console.capture() as captured:
        console.print(render(rows, title=title))
    return captured.get()


def plain(row: ProcessStatus) -> str:
    """One line for a log or a pipe."""
    return f"{row.name}: {row.state}, pid {row.pid or '-'}, up {age(row.age_s)}, restarts {row.restarts}: {row.doing}"


def age(seconds: int) -> str:
    """12 s, 3 min, 5 h, 2 d: the biggest unit that says enough."""
    for unit, size in (("d", 86_400), ("h", 3600), ("min", 60)):
        if seconds >= 2 * size:
            return f"{seconds // size} {unit}"
    return f"{seconds} s"
