"""Market history for research: `neuratrade candles download|import|export|gaps|list`."""

import argparse
import json
import sys
from collections.abc import Callable, Iterator
from contextlib import ExitStack, contextmanager
from pathlib import Path
from typing import Any

from django.core.management.base import BaseCommand, CommandError, CommandParser

from neuratrade.lib import clock, dates
from neuratrade.lib.progress import progress
from neuratrade.reports import candles as says
from trading.errors import TradingError
from trading.history import formats
from trading.history.store import BARS, SERIES_KINDS
from trading.services import history, history_download, history_files
from trading.types.research import TIMEFRAME_S

_KINDS = (BARS, *SERIES_KINDS)
EXAMPLES = """examples:
  neuratrade candles download --venue binance --instrument BTC/USDT --timeframe 1m --from 2024-01-01
  neuratrade candles import ADA_BTC-5m.feather --venue binance --instrument ADA/BTC --timeframe 5m
  neuratrade candles import user_data/data/binance/*.feather --venue binance       all that freqtrade has
  neuratrade candles import rates.csv --kind funding --venue binance --instrument BTC/USDT:USDT
  neuratrade candles import --from-desk                     the minutes that the desk itself has kept
  neuratrade candles export --venue binance --instrument BTC/USDT --timeframe 1h --out btc.csv
  neuratrade candles gaps --venue binance
  neuratrade candles list
"""


class Command(BaseCommand):
    help = "Download, import, export and check the candles that backtests run on."

    def create_parser(self, prog_name: str, subcommand: str, **kwargs: Any) -> CommandParser:
        raw = argparse.RawDescriptionHelpFormatter
        return super().create_parser(prog_name, subcommand, epilog=EXAMPLES, formatter_class=raw, **kwargs)

    def add_arguments(self, parser: CommandParser) -> None:
        actions = parser.add_subparsers(
            dest="action", required=True, metavar="download|import|export|gaps|list"
        )
        _add_download(
            actions.add_parser("download", help="fetch from a venue; goes on where the last run stopped")
        )
        _add_import(
            actions.add_parser("import", help="take in a file of candles, trades, funding or sentiment")
        )
        _add_export(actions.add_parser("export", help="write stored candles into a file"))
        checked = actions.add_parser("gaps", help="where stored candles are missing")
        checked.add_argument(
            "--all", action="store_true", dest="wants_all", help="every gap, not the widest 40"
        )
        for parser_of in (checked, actions.add_parser("list", help="what is stored")):
            _add_market(parser_of, is_required=False)
            parser_of.add_argument("--json", action="store_true", dest="as_json", help="one JSON list")

    def handle(self, *, action: str, **options: Any) -> None:
        answers: dict[str, Callable[[dict[str, Any]], Iterator[str]]] = {
            "download": _download,
            "import": _import,
            "export": _export,
            "gaps": _gaps,
            "list": _list,
        }
        try:
            for text in answers[action](options):
                self.stdout.write(text)
        except (TradingError, dates.DateError) as error:
            raise CommandError(str(error)) from error


def _download(options: dict[str, Any]) -> Iterator[str]:
    dates.period(options["since"], options["until"])
    name = f"{options['venue']} {options['symbol']} {options['timeframe']}"
    try:
        with _counting(name) as on_progress:
            done = history_download.download(
                venue=options["venue"],
                symbol=options["symbol"],
                timeframe=options["timeframe"],
                since=options["since"],
                until=options["until"],
                at=clock.now(),
                on_progress=on_progress,
            )
    except KeyboardInterrupt:
        sys.stderr.write(f"{name}: stopped; what came is stored, the same command goes on from there\n")
        raise
    yield says.downloaded(done, name=name)


def _import(options: dict[str, Any]) -> Iterator[str]:
    venue, symbol, paths = options["venue"], options["symbol"], options["files"]
    if options["from_desk"]:
        if paths or options["kind"] != BARS:
            raise CommandError(
                "--from-desk takes the desk's own minutes: give no file and no --kind", returncode=2
            )
        yield from map(says.imported, history_files.import_from_desk(venue=venue, symbol=symbol))
    elif not paths or not venue:
        raise CommandError("give a FILE and --venue, or --from-desk", returncode=2)
    else:
        for path in paths:
            formats.refuse_missing(path)
        for path in paths:
            yield says.imported(_import_file(path, options=options))


def _import_file(path: Path, *, options: dict[str, Any]) -> history_files.Imported:
    if options["kind"] != BARS:
        return history_files.import_series(
            path,
            kind=options["kind"],
            venue=options["venue"],
            symbol=options["symbol"],
            skip_bad=options["skip_bad"],
            at=clock.now(),
        )
    try:
        with _counting(path.name) as on_progress:
            return history_files.import_candles(
                path,
                venue=options["venue"],
                symbol=options["symbol"],
                timeframe=options["timeframe"],
                skip_bad=options["skip_bad"],
                at=clock.now(),
                on_progress=on_progress,
            )
    except KeyboardInterrupt:
        sys.stderr.write(
            f"{path.name}: stopped; months that were taken in are whole, the same command brings the rest\n"
        )
        raise


def _export(options: dict[str, Any]) -> Iterator[str]:
    dates.period(options["since"], options["until"])
    path, bars = history_files.export(
        options["out"],
        venue=options["venue"],
        symbol=options["symbol"],
        timeframe=options["timeframe"],
        since=options["since"],
        until=options["until"],
        file_format=options["format"],
        is_overwriting=options["overwrite"],
    )
    yield f"{path}: {len(bars):,} candles of {bars.venue} {bars.symbol} {bars.timeframe}"


def _gaps(options: dict[str, Any]) -> Iterator[str]:
    reports = history.gaps(venue=options["venue"], symbol=options["symbol"], timeframe=options["timeframe"])
    if options["as_json"]:
        yield json.dumps([says.plain_gaps(report) for report in reports], indent=2)
    else:
        yield says.gaps(reports, wants_all=options["wants_all"])


def _list(options: dict[str, Any]) -> Iterator[str]:
    market = {"venue": options["venue"], "symbol": options["symbol"]}
    found = history.datasets(**market, timeframe=options["timeframe"])
    if not options["timeframe"]:
        found += [one for kind in SERIES_KINDS for one in history.datasets(**market, kind=kind)]
    if not found and any((*market.values(), options["timeframe"])):
        raise history.nothing_fits(**market, timeframe=options["timeframe"])
    if options["as_json"]:
        yield json.dumps([says.plain_dataset(one) for one in found], indent=2)
    else:
        yield says.listed(found)


@contextmanager
def _counting(label: str) -> Iterator[Callable[[int, int], None]]:
    """A progress bar that begins with the first step, which tells how many there are."""
    tell: Callable[[int], None] | None = None
    with ExitStack() as stack:

        def on_progress(done: int, total: int) -> None:
            nonlocal tell
            tell = tell or stack.enter_context(progress(label, total=total))
            tell(done)

        yield on_progress


def _add_market(parser: argparse.ArgumentParser, *, is_required: bool) -> None:
    parser.add_argument("--venue", required=is_required, default="", help="as binance")
    parser.add_argument("--instrument", required=is_required, default="", dest="symbol", help="as BTC/USDT")
    parser.add_argument(
        "--timeframe",
        required=is_required,
        default="",
        choices=[*TIMEFRAME_S],
        metavar="1m…1d",
        help="the bars' length",
    )


def _add_download(parser: argparse.ArgumentParser) -> None:
    _add_market(parser, is_required=True)
    dates.add_period(parser)


def _add_import(parser: argparse.ArgumentParser) -> None:
    parser.add_argument(
        "files",
        nargs="*",
        type=Path,
        metavar="FILE",
        help="CSV, Parquet, Feather or JSON, also packed by gzip, also freqtrade's; candles, or trades to build them from",
    )
    _add_market(parser, is_required=False)
    parser.add_argument(
        "--kind",
        choices=_KINDS,
        default=BARS,
        help="what the file holds (bars)",
    )
    for kind in SERIES_KINDS:
        parser.add_argument(
            f"--{kind}", action="store_const", const=kind, dest="kind", help=f"the same as --kind {kind}"
        )
    parser.add_argument(
        "--skip-bad",
        action="store_true",
        help="leave bad rows out and count them, instead of refusing the file",
    )
    parser.add_argument(
        "--from-desk", action="store_true", help="no file: the minutes that the desk has kept"
    )


def _add_export(parser: argparse.ArgumentParser) -> None:
    _add_market(parser, is_required=True)
    dates.add_period(parser)
    parser.add_argument("--out", type=Path, required=True, metavar="FILE", help="or a folder")
    parser.add_argument(
        "--format", choices=formats.FORMATS, default="", help="without it the file's ending decides"
    )
    parser.add_argument("--overwrite", action="store_true", help="replace a file that is there")
