"""Lets a frozen account buy again: `neuratrade release [ACCOUNT]`."""

from typing import Any

from django.core.management.base import BaseCommand, CommandError, CommandParser

from neuratrade.lib import clock
from trading.models import Account
from trading.services import freezing


class Command(BaseCommand):
    help = "Let a frozen account take new entries again, once you looked at the venue. Without a name: list the frozen ones."

    def add_arguments(self, parser: CommandParser) -> None:
        parser.add_argument(
            "account",
            nargs="?",
            default="",
            help="its name as `neuratrade status` shows it, as in binance:paper",
        )

    def handle(self, *, account: str, **_options: Any) -> None:
        frozen = freezing.frozen()
        if account:
            self._release(account, frozen=frozen)
        elif frozen:
            for one in frozen:
                self.stdout.write(f"{one}  {one.frozen_reason}")
        else:
            self.stdout.write("no account is frozen")

    def _release(self, name: str, *, frozen: list[Account]) -> None:
        known = {str(one) for one in Account.objects.select_related("venue")}
        if name not in known:
            listed = ", ".join(sorted(known)) or "none yet"
            raise CommandError(f"there is no account {name!r}; the desk has: {listed}")
        meant = [one for one in frozen if str(one) == name]
        if not meant:
            raise CommandError(f"{name} is not frozen; `neuratrade release` lists the accounts that are")
        for one in meant:
            if freezing.release(account=one, at=clock.now()):
                self.stdout.write(f"{one} takes new entries again; it was frozen because {one.frozen_reason}")
