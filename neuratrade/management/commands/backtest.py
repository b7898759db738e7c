"""Backtests: `neuratrade backtest STRATEGY --venue … --instrument … [--param x=10:30:5] [--walk-forward 30d:7d] [--html FILE] [--json]`.

Without a strategy it lists the strategies; `--list`, `--show` and `--compare` look at what was run before.
"""

import argparse
import json
import os
import shutil
import tempfile
from pathlib import Path
from typing import Any

from django.core.management.base import BaseCommand, CommandError, CommandParser

from neuratrade import benching
from neuratrade.lib import dates
from neuratrade.management import options as typed
from neuratrade.supervise.errors import SuperviseError
from trading.errors import InvalidValueError
from trading.services import sweeps
from trading.services.bench import BacktestRequest, Leg
from trading.types.research import TIMEFRAME_S

EXAMPLES = """examples:
  neuratrade backtest                                       the strategies there are
  neuratrade backtest mean-reversion --venue binance --instrument BTC/USDT --timeframe 5m --from 2022-01-01
  neuratrade backtest mean-reversion --venue binance --instrument BTC/USDT --instrument ETH/USDT    one capital for both
  neuratrade backtest cross-venue-arbitrage --instrument binance:BTC/USDT --instrument kraken:BTC/USDT   a pair: bought, sold
  neuratrade backtest mean-reversion … --param rsi_period=10:30:5 --param stop_atr=1,2,3 --workers 2    a sweep
  neuratrade backtest mean-reversion … --param rsi_period=10:30:5 --walk-forward 30d:7d --html report.html
  neuratrade backtest --compare 12 15                       stored runs side by side
"""


class Command(BaseCommand):
    help = "Try a strategy on stored candles, with the venue's fees and the desk's own sizing. Sweeps and walk-forward too."

    def create_parser(self, prog_name: str, subcommand: str, **kwargs: Any) -> CommandParser:
        return super().create_parser(
            prog_name,
            subcommand,
            epilog=EXAMPLES,
            formatter_class=argparse.RawDescriptionHelpFormatter,
            **kwargs,
        )

    def add_arguments(self, parser: CommandParser) -> None:
        parser.add_argument("strategy", nargs="?", default="", help="a skill's name; none: lists them")
        _add_market(parser)
        _add_money(parser)
        _add_search(parser)
        shown = parser.add_argument_group("what to show")
        shown.add_argument("--html", type=Path, metavar="FILE", help="write the whole report as one page")
        shown.add_argument("--json", action="store_true", dest="as_json", help="one JSON object on stdout")
        shown.add_argument(
            "--vectorbt",
            action="store_true",
            dest="wants_vectorbt",
            help="have vectorbt account for the same fills, and compare (needs ./install.sh --research)",
        )
        stored = parser.add_argument_group("stored runs")
        stored.add_argument("--list", action="store_true", dest="wants_list", help="the newest runs")
        stored.add_argument("--show", type=int, metavar="ID", help="one run's figures")
        stored.add_argument("--compare", type=int, nargs="+", metavar="ID", help="runs side by side")

    def handle(self, *, strategy: str, **options: Any) -> None:
        view = benching.View(
            as_json=options["as_json"],
            width=shutil.get_terminal_size((110, 40)).columns,
            has_colour=self.stdout.isatty() and not os.environ.get("NO_COLOR"),
            html=_writable(options["html"]),
            wants_vectorbt=options["wants_vectorbt"],
        )
        try:
            shown = self._answer(strategy, view=view, options=options)
        except (SuperviseError, dates.DateError) as error:
            raise CommandError(str(error)) from error
        text = json.dumps(shown.plain, ensure_ascii=True) if view.as_json else shown.text.rstrip("\n")
        self.stdout.write(text)
        if shown.is_bad:
            raise CommandError(shown.is_bad)

    def _answer(self, strategy: str, *, view: benching.View, options: dict[str, Any]) -> benching.Shown:
        looked = (options["wants_list"], options["show"] is not None, options["compare"], options["resume"])
        if sum(map(bool, looked)) > 1:
            raise CommandError("give one of --list, --show, --compare and --resume", returncode=2)
        if view.wants_vectorbt and (any(looked[:3]) or options["check"] or not (strategy or looked[3])):
            raise CommandError("--vectorbt goes with a run: it accounts for new fills only", returncode=2)
        if options["wants_list"]:
            return benching.listed(strategy)
        if options["show"] is not None:
            return benching.stored(options["show"], view=view)
        if options["compare"]:
            return benching.compared(options["compare"], view=view)
        if options["resume"] is not None:
            return benching.resume(options["resume"], workers=options["workers"], view=view)
        if not strategy:
            return benching.strategies_listed()
        ask = benching.Ask(
            request=_request(strategy, options),
            params=tuple(options["param"]),
            objective=options["objective"],
            walk_forward=options["walk_forward"] or "",
            workers=options["workers"],
        )
        if options["check"]:
            return benching.checked(ask, check=options["check"])
        return benching.run(ask, view=view)


def _add_market(parser: CommandParser) -> None:
    market = parser.add_argument_group("market")
    market.add_argument("--venue", default="", help="where the instruments are traded, as binance")
    market.add_argument(
        "--instrument",
        action="append",
        default=[],
        metavar="[VENUE:]SYMBOL",
        help="as BTC/USDT, or kraken:BTC/USDT for another venue; several share one capital; a pair needs two: bought, sold",
    )
    market.add_argument("--timeframe", default="", help=f"one of {', '.join(TIMEFRAME_S)}")
    dates.add_period(market)


def _add_money(parser: CommandParser) -> None:
    money = parser.add_argument_group("money")
    money.add_argument(
        "--equity", type=typed.equity, default=10_000.0, help="what it starts with, in quote (10000)"
    )
    money.add_argument("--profile", default="balanced", help="defensive, balanced or aggressive (balanced)")
    money.add_argument(
        "--slippage-bps", type=typed.slippage_bps, default=2.0, help="added to each fill's price (2)"
    )
    money.add_argument(
        "--fee", type=typed.fee_ratio, metavar="RATIO", help="overrides the venue's fees: 0.001 is 0.1 %%"
    )
    money.add_argument("--max-positions", type=int, default=0, help="held at once; 0: no limit")


def _add_search(parser: CommandParser) -> None:
    search = parser.add_argument_group("search")
    search.add_argument(
        "--param",
        action="append",
        default=[],
        metavar="NAME=VALUES",
        help="name=3, or a sweep: name=1,2,5 or name=10:30:5 (both ends)",
    )
    search.add_argument(
        "--walk-forward",
        metavar="CHOOSE:TRY",
        help="30d:7d: choose on 30 days, try on the next 7, go on (h, d, w); 30d:7d:anchored looks back to the start",
    )
    search.add_argument(
        "--objective", default="sharpe", help=f"what is best: {', '.join(sweeps.OBJECTIVES)} (sharpe)"
    )
    search.add_argument(
        "--workers", type=int, default=1, help="Celery worker processes for a sweep (1: none)"
    )
    search.add_argument("--resume", type=int, metavar="SWEEP", help="go on with an interrupted sweep")
    search.add_argument("--check", choices=("lookahead", "recursive"), help="does the strategy cheat?")


def _request(strategy: str, options: dict[str, Any]) -> BacktestRequest:
    since, until = dates.period(options["since"], options["until"])
    if not 1 <= options["workers"] <= benching.MOST_WORKERS:
        raise InvalidValueError(f"--workers must lie between 1 and {benching.MOST_WORKERS}")
    return BacktestRequest(
        strategy=strategy,
        legs=tuple(_leg(text, venue=options["venue"]) for text in options["instrument"]),
        timeframe=options["timeframe"] or benching.timeframe_of(strategy),
        since=since,
        until=until,
        parameters={},
        start_equity=options["equity"],
        profile=options["profile"],
        slippage_bps=options["slippage_bps"],
        fee_ratio=options["fee"],
        max_open_positions=options["max_positions"],
    )


def _leg(text: str, *, venue: str) -> Leg:
    """`kraken:BTC/USDT` names its venue; the colon of `BTC/USDT:USDT` comes after the slash and names none."""
    before, _, _ = text.partition("/")
    if ":" in before:
        venue, _, text = text.partition(":")
    if not venue:
        raise InvalidValueError(
            f"say where {text} is traded: --venue binance, or --instrument binance:{text}"
        )
    return Leg(venue=venue, symbol=text)


def _writable(path: Path | None) -> Path | None:
    """Refused before the work rather than after it."""
    if path is None:
        return None
    folder = path.absolute().parent
    if path.is_dir() or not folder.is_dir():
        raise InvalidValueError(f"--html {path}: give a file in a folder that is there")
    try:
        with tempfile.TemporaryFile(dir=folder):
            is_open = not path.exists() or os.access(path, os.W_OK)
    except OSError:
        is_open = False
    if not is_open:
        raise InvalidValueError(f"--html {path} cannot be written; give a file in a folder that can be")
    return path
