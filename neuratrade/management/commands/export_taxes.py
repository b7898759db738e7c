"""A tax year as a file: `neuratrade export_taxes YEAR [--format csv|8949|koinly|cointracker]`."""

import argparse
import json
from datetime import UTC, tzinfo
from pathlib import Path
from typing import Any
from zoneinfo import ZoneInfo, ZoneInfoNotFoundError

from django.core.management.base import BaseCommand, CommandError, CommandParser

from neuratrade.lib.clock import now
from neuratrade.lib.progress import progress
from neuratrade.reports import taxes as says
from trading.accounting.taxes.formats import FORMATS
from trading.accounting.taxes.lots import Method
from trading.services import past_trades, taxes
from trading.types import Mode

EXAMPLES = """examples:
  neuratrade export_taxes 2025
  neuratrade export_taxes 2025 --format 8949 --timezone America/New_York --out form8949.csv
  neuratrade export_taxes 2025 --currency EUR --prices ecb.csv --json
  neuratrade export_taxes 2025 --mode paper                       practice trades, labelled as such

Trades made elsewhere come in first: neuratrade trades import FILE. How everything is treated: docs/taxes.md
"""


class Command(BaseCommand):
    help = "Write a tax year: what was sold, what it cost and earned, and what is missing."

    def create_parser(self, prog_name: str, subcommand: str, **kwargs: Any) -> CommandParser:
        raw = argparse.RawDescriptionHelpFormatter
        return super().create_parser(prog_name, subcommand, epilog=EXAMPLES, formatter_class=raw, **kwargs)

    def add_arguments(self, parser: CommandParser) -> None:
        parser.add_argument("year", type=_year, metavar="YEAR", help="the tax year, for example 2025")
        parser.add_argument(
            "--format", choices=tuple(FORMATS), default="csv", dest="layout", help="of the file (csv)"
        )
        parser.add_argument(
            "--method",
            choices=[method.value for method in Method],
            default="fifo",
            help="which lots a sale uses up (fifo)",
        )
        parser.add_argument(
            "--lots",
            choices=("per-wallet", "universal"),
            default="per-wallet",
            help="where they are taken from (per-wallet)",
        )
        parser.add_argument("--currency", default="USD", type=str.upper, help="of the tax return (USD)")
        parser.add_argument("--timezone", default="UTC", type=_zone, help="whose days and years count (UTC)")
        parser.add_argument("--prices", type=Path, help="a price list: CSV with time,asset,currency,price")
        parser.add_argument(
            "--mode", choices=("live", "paper"), default="live", help="whose fills of the desk (live)"
        )
        parser.add_argument("--out", type=Path, help="the file (taxes-YEAR-FORMAT.csv here)")
        parser.add_argument("--operator", default="", help="whose books; needed only with several")
        parser.add_argument(
            "--json", action="store_true", dest="as_json", help="the summary as one JSON object"
        )

    def handle(self, *, year: int, layout: str, operator: str, as_json: bool, **options: Any) -> None:
        owner = past_trades.the_operator(operator)
        request = taxes.Request(
            year=year,
            method=Method(options["method"]),
            is_universal=options["lots"] == "universal",
            currency=options["currency"],
            mode=Mode(options["mode"]),
            zone=options["timezone"],
            zone_name=str(options["timezone"]),
            prices=options["prices"],
        )
        path = options["out"] or Path(
            f"taxes-{year}{'-paper' if request.mode is Mode.PAPER else ''}-{layout}.csv"
        )
        if path.is_dir():
            raise CommandError(f"--out {path} is a folder; name a file in it", returncode=2)
        with progress(f"tax year {year}", total=taxes.work(operator=owner, mode=request.mode)) as on_progress:
            found = taxes.report(request, operator=owner, at=now(), on_progress=on_progress)
            taxes.write(found, path=path, layout=layout, operator=owner)
        answer, text = says.exported(found, path=path, layout=layout)
        self.stdout.write(json.dumps(answer, indent=2) if as_json else text)


def _year(text: str) -> int:
    if not (text.isascii() and text.isdigit() and len(text) == 4):
        raise argparse.ArgumentTypeError(f"{text!r} is no year; give one like 2025")
    return int(text)


def _zone(text: str) -> tzinfo:
    if text.upper() == "UTC":
        return UTC
    try:
        return ZoneInfo(text)
    except (ZoneInfoNotFoundError, ValueError, OSError):
        raise argparse.ArgumentTypeError(
            f"there is no time zone {text!r}; give one like America/New_York"
        ) from None
