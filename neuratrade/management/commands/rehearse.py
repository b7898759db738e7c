"""A strategy over stored candles through the real desk: `neuratrade rehearse STRATEGY --venue … --instrument … [--from …] [--to …]`."""

import argparse
import json
from decimal import Decimal, InvalidOperation
from pathlib import Path
from typing import TYPE_CHECKING, Any

from django.core.management.base import BaseCommand, CommandError, CommandParser

from neuratrade.lib import dates
from neuratrade.management import options as typed
from trading.types.research import TIMEFRAME_S

if TYPE_CHECKING:
    from neuratrade.rehearsing import Answer
    from trading.services.rehearsal_job import Job

EXAMPLES = """examples:
  neuratrade rehearse mean-reversion --venue binance --instrument BTC/USDT --timeframe 5m --from 2022-01-01 --to 2022-02-01
  neuratrade rehearse mean-reversion --venue binance --instrument BTC/USDT --delay 30       a debate that takes half a minute
  neuratrade rehearse mean-reversion --venue binance --instrument BTC/USDT --keep /tmp/nt1   keeps its home, for `why` and `drift`:
  NEURATRADE_HOME=/tmp/nt1 neuratrade drift
"""


class Command(BaseCommand):
    help = "Play stored candles through the real gate, executor and paper venue, and compare trade by trade with the backtest."

    def create_parser(self, prog_name: str, subcommand: str, **kwargs: Any) -> CommandParser:
        raw = argparse.RawDescriptionHelpFormatter
        return super().create_parser(prog_name, subcommand, epilog=EXAMPLES, formatter_class=raw, **kwargs)

    def add_arguments(self, parser: CommandParser) -> None:
        parser.add_argument("strategy", help="a skill's name; `neuratrade backtest` lists them")
        parser.add_argument("--venue", required=True, help="where the instrument is traded, as binance")
        parser.add_argument("--instrument", required=True, metavar="SYMBOL", help="as BTC/USDT")
        parser.add_argument(
            "--timeframe",
            default="",
            choices=[*TIMEFRAME_S],
            metavar="1m…1d",
            help="default: the page's first",
        )
        dates.add_period(parser)
        parser.add_argument(
            "--param", action="append", default=[], metavar="NAME=VALUE", help="another value than the page's"
        )
        parser.add_argument(
            "--equity", type=_amount, default=Decimal(10_000), help="what it starts with, in quote (10000)"
        )
        parser.add_argument("--profile", default="balanced", choices=["defensive", "balanced", "aggressive"])
        parser.add_argument(
            "--fee",
            type=typed.fee_ratio,
            default=None,
            metavar="RATIO",
            help="per fill; default: the venue's",
        )
        parser.add_argument("--spread-bps", type=_amount, default=Decimal(2), help="between bid and ask (2)")
        parser.add_argument(
            "--depth",
            type=_amount,
            default=Decimal(1_000_000),
            help="quote in each of the book's five levels (1000000)",
        )
        parser.add_argument(
            "--delay", type=typed.delay_s, default=0.0, help="seconds from a bar's open to the gate (0)"
        )
        parser.add_argument(
            "--no-resume",
            action="store_true",
            help="nobody resumes a desk that stepped down; default: each morning",
        )
        parser.add_argument(
            "--keep", type=Path, metavar="FOLDER", help="make this new folder its home and keep it"
        )
        parser.add_argument("--json", action="store_true", dest="as_json", help="one JSON object on stdout")

    def handle(self, *, strategy: str, keep: Path | None, as_json: bool, **options: Any) -> None:
        from neuratrade import rehearsing
        from neuratrade.lib.progress import progress

        job = _job(strategy, options)
        with progress(f"rehearsing {strategy}", total=len(job.bars)) as tell:
            answer = rehearsing.rehearse(job, keep=keep, on_progress=tell)
        self.stdout.write(
            json.dumps(_plain(answer), ensure_ascii=True) if as_json else _told(answer, job=job)
        )
        if keep is not None and not as_json:
            self.stdout.write(f"kept in {keep}; look with `NEURATRADE_HOME={keep} neuratrade why --last`")
        if answer.found.breaches and not job.setting.delay_s:
            raise CommandError(
                f"{len(answer.found.breaches)} deviations between desk and backtest that no rule explains"
            )


def _job(strategy: str, options: dict[str, Any]) -> "Job":
    from trading.services import rehearsal_job, strategies
    from trading.services.bench import BacktestRequest, Leg
    from trading.services.rehearsal_market import Depth

    depth = Depth(spread_bps=options["spread_bps"], level_quote=options["depth"])
    _, play = strategies.find(strategy)
    request = BacktestRequest(
        strategy=strategy,
        legs=(Leg(venue=options["venue"], symbol=options["instrument"]),),
        timeframe=options["timeframe"] or play.timeframes[0],
        since=options["since"],
        until=options["until"],
        parameters=_parameters(options["param"]),
        start_equity=float(options["equity"]),
        profile=options["profile"],
        slippage_bps=float(depth.spread_bps / 2),
        fee_ratio=options["fee"],
    )
    return rehearsal_job.gather(
        request,
        depth=depth,
        start_quote=options["equity"],
        delay_s=options["delay"],
        resumes_daily=not options["no_resume"],
    )


def _parameters(given: list[str]) -> dict[str, float]:
    found = {}
    for item in given:
        name, _, value = item.partition("=")
        try:
            found[name] = float(value)
        except ValueError as error:
            raise CommandError(f"--param {item}: give NAME=NUMBER, as rsi_period=14") from error
    return found


def _amount(text: str) -> Decimal:
    try:
        value = Decimal(text)
    except InvalidOperation as error:
        raise argparse.ArgumentTypeError(f"{text!r} is no number") from error
    if not value.is_finite() or value <= 0:
        raise argparse.ArgumentTypeError(f"it must be a positive number, not {text}")
    return value


def _told(answer: "Answer", *, job: "Job") -> str:
    from neuratrade.reports import drift as says

    played, drift = answer.played, answer.found.drift
    bars = job.bars
    lines = [
        f"Rehearsal of {job.strategy}, {bars.venue} {bars.symbol} {bars.timeframe}: {played.bars:,} bars, "
        f"{played.looked_at:,} of them looked at, {played.elapsed_s:.1f} s, {played.bars_per_s:,.0f} bars/s",
        says.results(drift, quote=job.setting.spec.quote).rstrip(),
        says.agreed(answer.found),
    ]
    if job.setting.delay_s:
        lines.append(says.parts(drift).rstrip())
    return "\n\n".join([*lines, *(f"note: {note}" for note in job.notes)])


def _plain(answer: "Answer") -> dict[str, Any]:
    from neuratrade.reports import drift as says

    played, found = answer.played, answer.found
    return {
        "bars": played.bars,
        "looked_at": played.looked_at,
        "elapsed_s": round(played.elapsed_s, 3),
        "bars_per_s": round(played.bars_per_s),
        "agreed": found.agreed,
        "trades": len(found.drift.differences),
        "breaches": list(found.breaches),
        "explained": list(found.explained),
        "vetoes": [{"at": veto.at.isoformat(), "reason": veto.reason} for veto in found.vetoes],
        **says.plain_drift(found.drift),
    }
