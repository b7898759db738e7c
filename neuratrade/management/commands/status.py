"""Shows the desk: `neuratrade status [--json]`."""

import dataclasses
import json
from typing import Any

from django.conf import settings
from django.core.management.base import BaseCommand, CommandError, CommandParser

from neuratrade.lib import clock
from neuratrade.supervise import orphans, processes, screen, status, summary
from neuratrade.supervise.errors import NotRunningError, SuperviseError

NOT_RUNNING = 3


class Command(BaseCommand):
    help = "Show each process: pid, state, age, restarts and what it does. Exit code 3 when the desk is down."

    def add_arguments(self, parser: CommandParser) -> None:
        parser.add_argument("--json", action="store_true", dest="as_json", help="one JSON object")

    def handle(self, *, as_json: bool, **_options: Any) -> None:
        at = clock.now()
        try:
            rows = status.read(processes.table(), home=settings.HOME, at=at)
        except NotRunningError as error:
            raise CommandError(_not_running(error), returncode=NOT_RUNNING) from error
        except SuperviseError as error:
            raise CommandError(str(error)) from error
        desk = summary.read()
        if as_json:
            listing = [dataclasses.asdict(row) for row in rows]
            self.stdout.write(json.dumps({**dataclasses.asdict(desk), "processes": listing}, indent=2))
        else:
            self.stdout.write(screen.as_text(rows, title=desk.headline))
            for notice in desk.notices:
                self.stdout.write(notice)


def _not_running(error: NotRunningError) -> str:
    left = len(orphans.find(settings.HOME))
    if left:
        return f"the supervisor is gone but {left} processes are left; `neuratrade down` stops them, `up` starts anew"
    return str(error)
