"""What `neuratrade up` shows while the desk runs: a live table on a terminal, a line per change elsewhere."""

import threading
from collections.abc import Callable

from django.conf import settings
from rich.console import Console
from rich.live import Live

from neuratrade.lib import clock
from neuratrade.supervise import processes, screen, status, summary

REFRESH_S = 1.0
_FOOTER = (
    "Ctrl-C stops the desk. In a second terminal: neuratrade status, neuratrade why --last, neuratrade kill"
)


def live_screen(stopped: threading.Event, say: Callable[[str], object]) -> None:
    """Redraws one table until told to stop; raises NotRunningError when the supervisor is gone."""
    table = processes.table()
    desk = summary.read()
    for line in (desk.headline, *desk.notices):
        say(line)
    with Live(console=Console(), auto_refresh=False, transient=True) as live:
        while not stopped.is_set():
            rows = status.read(table, home=settings.HOME, at=clock.now())
            desk = summary.read()
            footer = "\n".join((*desk.notices, _FOOTER))
            live.update(screen.render(rows, title=desk.headline, footer=footer), refresh=True)
            stopped.wait(REFRESH_S)


def plain_lines(stopped: threading.Event, say: Callable[[str], object]) -> None:
    """Says where the desk is, then one line for every process that changed; raises NotRunningError as above."""
    table = processes.table()
    desk = summary.read()
    for line in (f"{desk.headline}  logs in {settings.LOG_DIR}", *desk.notices):
        say(line)
    shown: dict[str, tuple[str, int]] = {}
    while not stopped.is_set():
        for row in status.read(table, home=settings.HOME, at=clock.now()):
            if shown.get(row.name) != (row.state, row.restarts):
                shown[row.name] = (row.state, row.restarts)
                say(screen.plain(row))
        stopped.wait(REFRESH_S)
