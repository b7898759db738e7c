"""A progress bar on stderr; where that is no terminal, a short line now and then. Results belong on stdout."""

import sys
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager

_SAY_EVERY_S = 10.0


@contextmanager
def progress(label: str, *, total: int, done: int = 0) -> Iterator[Callable[[int], None]]:
    """Yields what is called with how many of `total` are done so far."""
    if not sys.stderr.isatty():
        yield _lines(label, total=total)
        return
    from rich.console import Console
    from rich.progress import BarColumn, MofNCompleteColumn, Progress, TextColumn, TimeRemainingColumn

    columns = (TextColumn("{task.description}"), BarColumn(), MofNCompleteColumn(), TimeRemainingColumn())
    with Progress(*columns, console=Console(stderr=True), transient=True) as bar:
        task = bar.add_task(label, total=total, completed=done)
        yield lambda count: bar.update(task, completed=count)


def _lines(label: str, *, total: int) -> Callable[[int], None]:
    said_s = time.monotonic()

    def tell(count: int) -> None:
        nonlocal said_s
        if time.monotonic() - said_s >= _SAY_EVERY_S:
            said_s = time.monotonic()
            sys.stderr.write(f"{label}: {count:,} of {total:,}\n")

    return tell
