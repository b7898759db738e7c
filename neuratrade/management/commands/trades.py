"""Trades made elsewhere, so that taxes know what coins cost: `neuratrade trades import|list|remove`."""

import argparse
import json
from pathlib import Path
from typing import Any

from django.core.management.base import BaseCommand, CommandParser

from neuratrade.lib.clock import now
from neuratrade.lib.progress import progress
from neuratrade.reports import taxes as says
from trading.accounting.taxes.readers import READERS
from trading.services import past_trades

EXAMPLES = """examples:
  neuratrade trades import 2024.csv --account kraken
  neuratrade trades import my-trades.json --account binance --dry-run     ccxt's fetchMyTrades, as JSON
  neuratrade trades import activity.json                                  Polymarket's Data API, /activity
  neuratrade trades list
  neuratrade trades remove --import 3

The columns of our own CSV, and what each type means: docs/taxes.md
"""


class Command(BaseCommand):
    help = "Take in trades made elsewhere, for taxes. The desk's own books are not touched."

    def create_parser(self, prog_name: str, subcommand: str, **kwargs: Any) -> CommandParser:
        raw = argparse.RawDescriptionHelpFormatter
        return super().create_parser(prog_name, subcommand, epilog=EXAMPLES, formatter_class=raw, **kwargs)

    def add_arguments(self, parser: CommandParser) -> None:
        actions = parser.add_subparsers(dest="action", required=True, metavar="ACTION")
        taken = actions.add_parser("import", help="take in a file, whole or not at all; twice counts once")
        taken.add_argument("file", type=Path)
        taken.add_argument("--format", choices=("auto", *READERS), default="auto", dest="layout")
        taken.add_argument("--account", default="", help="the venue or wallet of rows that name none")
        taken.add_argument("--dry-run", action="store_true", help="show what would come in, change nothing")
        listed = actions.add_parser("list", help="the imports, or the rows of one")
        listed.add_argument("--import", type=int, dest="batch", help="the rows of this import")
        listed.add_argument("--limit", type=int, default=50, help="at most so many rows, the newest (50)")
        removed = actions.add_parser("remove", help="take the rows of one import back")
        removed.add_argument("--import", type=int, dest="batch", required=True, help="its number")
        for action in (taken, listed, removed):
            action.add_argument("--operator", default="", help="whose books; needed only with several")
            action.add_argument("--json", action="store_true", dest="as_json", help="one JSON object")

    def handle(self, *, action: str, operator: str, as_json: bool, **options: Any) -> None:
        owner = past_trades.the_operator(operator)
        if action == "import":
            seen = past_trades.preview(
                options["file"], operator=owner, layout=options["layout"], wallet=options["account"]
            )
            batch = None
            if not options["dry_run"]:
                with progress(seen.path.name, total=len(seen.new)) as on_progress:
                    batch = past_trades.store(seen, operator=owner, at=now(), on_progress=on_progress)
            answer, text = says.imported(seen, batch=batch, is_dry_run=options["dry_run"])
        elif action == "list" and options["batch"] is not None:
            events = list(past_trades.stored(operator=owner, batch=options["batch"]))
            answer, text = says.rows(events, limit=options["limit"])
        elif action == "list":
            answer, text = says.imports(past_trades.imports(operator=owner))
        else:
            answer, text = says.removed(past_trades.remove(options["batch"], operator=owner, at=now()))
        self.stdout.write(json.dumps(answer, indent=2) if as_json else text)
