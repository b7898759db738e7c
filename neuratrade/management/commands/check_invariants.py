"""Recomputes the books: `neuratrade check_invariants [--json]`."""

import dataclasses
import json
from typing import Any

from django.core.management.base import BaseCommand, CommandError, CommandParser

from neuratrade.lib import clock
from trading.services import invariants


class Command(BaseCommand):
    help = "Recompute positions, cash, approvals and the audit trail from their sources. Exit code 1 on a violation."

    def add_arguments(self, parser: CommandParser) -> None:
        parser.add_argument("--json", action="store_true", dest="as_json", help="one JSON object")

    def handle(self, *, as_json: bool, **_options: Any) -> None:
        found = invariants.check(at=clock.now())
        if as_json:
            listing = [dataclasses.asdict(violation) for violation in found]
            self.stdout.write(json.dumps({"checked": invariants.names(), "violations": listing}, indent=2))
        else:
            broken = {violation.name for violation in found}
            for name in invariants.names():
                self.stdout.write(f"{'BROKEN' if name in broken else 'holds':<7} {name}")
            for violation in found:
                self.stdout.write(f"  {violation.name}: {violation.message}")
        if found:
            raise CommandError(f"{len(found)} violations: stop trading (`neuratrade kill`) and look at them")
