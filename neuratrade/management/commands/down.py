"""Stops the desk: `neuratrade down`."""

from typing import Any

from django.conf import settings
from django.core.management.base import BaseCommand, CommandError

from neuratrade.supervise import control, processes
from neuratrade.supervise.errors import SuperviseError


class Command(BaseCommand):
    help = "Stop every process of the desk, also what a killed supervisor left behind."

    def handle(self, **_options: Any) -> None:
        try:
            count = control.stop(settings.HOME, table=processes.table())
        except SuperviseError as error:
            raise CommandError(str(error)) from error
        self.stdout.write(f"stopped {count} processes" if count else "nothing was running")
