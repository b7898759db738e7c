"""Says what is wrong and how to mend it: `neuratrade doctor [--json]`."""

import json
from dataclasses import asdict
from typing import Any

from django.core.management.base import BaseCommand, CommandParser

from neuratrade.health import run_checks
from neuratrade.lib import clock
from neuratrade.lib.health import CheckResult, CheckStatus
from neuratrade.lib.redact import redact

_SIGNS = {CheckStatus.OK: "ok     ", CheckStatus.WARNING: "warning", CheckStatus.FAILED: "FAILED "}


class Command(BaseCommand):
    help = "Check everything the desk needs; say what was seen and what to do. Exit code 1 when something failed."

    def add_arguments(self, parser: CommandParser) -> None:
        parser.add_argument("--json", action="store_true", dest="as_json", help="one JSON object")

    def handle(self, *, as_json: bool, **_options: Any) -> None:
        results = run_checks(at=clock.now())
        failed = [result for result in results if result.status is CheckStatus.FAILED]
        if as_json:
            checks = [asdict(result) for result in results]
            self.stdout.write(
                redact(json.dumps({"status": "failed" if failed else "ok", "checks": checks}, indent=2))
            )
        else:
            for result in results:
                self.stdout.write(redact(_lines(result)))
        if failed:
            raise SystemExit(1)


def _lines(result: CheckResult) -> str:
    line = f"{_SIGNS[result.status]}  {result.name:<15}{result.evidence}"
    return f"{line}\n{'':9}{'':15}-> {result.remedy}" if result.remedy else line
