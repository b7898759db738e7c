"""Runs one process of the desk in the foreground: for containers and further worker machines."""

import os
from typing import Any

from django.conf import settings
from django.core.management.base import BaseCommand, CommandError, CommandParser

from neuratrade.supervise import home, processes
from neuratrade.supervise.errors import SuperviseError


class Command(BaseCommand):
    help = "Run one process of the desk by its name, without the others."

    def add_arguments(self, parser: CommandParser) -> None:
        parser.add_argument("process", help="a name that `neuratrade status` shows")

    def handle(self, *, process: str, **_options: Any) -> None:
        try:
            found = processes.find(process)
        except SuperviseError as error:
            raise CommandError(str(error)) from error
        os.chdir(settings.BASE_DIR)
        environment = {
            **os.environ,
            **found.blanked_secrets,
            **found.environment,
            home.MARKER: str(settings.HOME),
        }
        os.execve(found.command[0], found.command, environment)
