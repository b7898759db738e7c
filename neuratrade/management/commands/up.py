"""Starts the desk and stays with it: `neuratrade up`."""

from typing import Any

from django.conf import settings
from django.core.management.base import BaseCommand, CommandError, CommandParser

from neuratrade.supervise import desk, summary
from neuratrade.supervise.errors import SuperviseError


class Command(BaseCommand):
    help = "Start every process of the desk and watch over them; Ctrl-C stops them all."

    def add_arguments(self, parser: CommandParser) -> None:
        parser.add_argument(
            "--detach", action="store_true", help="return as soon as the desk runs; `down` stops it"
        )

    def handle(self, *, detach: bool, **_options: Any) -> None:
        try:
            desk.run(say=self._say, detach=detach)
        except SuperviseError as error:
            raise CommandError(str(error)) from error
        if detach:
            self._say(f"the desk runs; `neuratrade status` shows it. Logs: {settings.LOG_DIR}")
            for notice in summary.read().notices:
                self._say(notice)

    def _say(self, line: str) -> None:
        self.stdout.write(line)
        self.stdout.flush()
