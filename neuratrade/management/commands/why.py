"""Explains one decision: `neuratrade why <decision|order|trade> | --last [--json]`."""

import json
import shutil
from typing import Any

from django.core.management.base import BaseCommand, CommandError, CommandParser

from neuratrade.explain import explain, latest_executed_decision
from neuratrade.lib.redact import redact
from neuratrade.lookup import NotFoundError, find_decision
from neuratrade.story import tell
from trading.models import Decision
from trading.types import Mode


class Command(BaseCommand):
    help = "Tell why a trade was made, from the market seen to the money. Exit code 1 when there is none."

    def add_arguments(self, parser: CommandParser) -> None:
        parser.add_argument(
            "name",
            nargs="?",
            default="",
            help="a decision's id or its beginning, an order's id, or a trade id",
        )
        parser.add_argument("--last", action="store_true", help="the newest decision that was executed")
        parser.add_argument(
            "--mode", choices=[mode.value for mode in Mode], help="with --last: of this mode only"
        )
        parser.add_argument("--json", action="store_true", dest="as_json", help="one JSON object")

    def handle(self, *, name: str, last: bool, mode: str | None, as_json: bool, **_options: Any) -> None:
        explained = explain(_chosen(name=name, last=last, mode=mode).pk)
        if as_json:
            # Secrets are masked inside the JSON text: a mask has no character that JSON would need to escape.
            self.stdout.write(redact(json.dumps(explained, indent=2, ensure_ascii=True)))
            return
        width = shutil.get_terminal_size((110, 40)).columns
        self.stdout.write(redact(tell(explained, width=width, is_terminal=self.stdout.isatty())), ending="")


def _chosen(*, name: str, last: bool, mode: str | None) -> Decision:
    if bool(name) == last:
        raise CommandError("give a decision, order or trade id, or --last", returncode=2)
    if not last:
        try:
            return find_decision(name)
        except NotFoundError as error:
            raise CommandError(str(error)) from error
    decision = latest_executed_decision(mode)
    if decision is None:
        raise CommandError(
            f"no {mode + ' ' if mode else ''}trade was executed yet; `neuratrade status` shows what the desk does"
        )
    return decision
