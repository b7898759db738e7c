"""Prepares the home for the desk: `neuratrade prepare`, run by install.sh."""

from typing import Any

from django.conf import settings
from django.core.management.base import BaseCommand, CommandError

from neuratrade import preparing
from neuratrade.lib import clock


class Command(BaseCommand):
    help = "Create or update the home: folders, tables, admin login, keys, schedule. Safe to repeat."

    def handle(self, **_options: Any) -> None:
        try:
            preparing.prepare(at=clock.now(), say=self.stdout.write)
        except OSError as error:
            raise CommandError(
                f"cannot write {error.filename or settings.HOME} ({error.strerror})"
            ) from error
        self.stdout.write(f"{settings.HOME} is ready")
