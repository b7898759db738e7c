"""Why the desk earned something else than the backtest: `neuratrade drift [--strategy NAME] [--from DATE] [--to DATE] [--mode paper|live] [--json]`."""

import argparse
import json
from datetime import datetime
from typing import Any

from django.conf import settings
from django.core.management.base import BaseCommand, CommandError, CommandParser

from neuratrade.lib import clock, dates
from trading.types import Mode
from trading.types.research import TIMEFRAME_S

EXAMPLES = """examples:
  neuratrade drift                                             every strategy, all the time it traded
  neuratrade drift --strategy mean-reversion --from 2026-11-01
  neuratrade drift --mode live --from 2026-11-01 --to 2026-11-15 --json
"""


class Command(BaseCommand):
    help = "Explain every difference between the desk's trades and a backtest of the same time: missed, extra, size, price, delay, fees."

    def create_parser(self, prog_name: str, subcommand: str, **kwargs: Any) -> CommandParser:
        raw = argparse.RawDescriptionHelpFormatter
        return super().create_parser(prog_name, subcommand, epilog=EXAMPLES, formatter_class=raw, **kwargs)

    def add_arguments(self, parser: CommandParser) -> None:
        parser.add_argument(
            "--strategy", default="", help="a skill's name; without it every strategy that decided"
        )
        dates.add_period(parser)
        parser.add_argument(
            "--mode", choices=[Mode.PAPER.value, Mode.LIVE.value], help="default: the desk's own"
        )
        parser.add_argument(
            "--timeframe",
            default="",
            choices=[*TIMEFRAME_S],
            metavar="1m…1d",
            help="default: the one the trades name",
        )
        parser.add_argument(
            "--slippage-bps", type=float, default=2.0, help="what the backtest assumes per fill (2)"
        )
        parser.add_argument("--limit", type=int, default=20, help="how many single trades to show (20)")
        parser.add_argument(
            "--json", action="store_true", dest="as_json", help="one JSON list, an object per strategy"
        )

    def handle(self, *, strategy: str, mode: str | None, **options: Any) -> None:
        from neuratrade.reports import drift as says
        from trading.services import drift

        chosen = Mode(mode or (Mode.PAPER if settings.MODE == Mode.PAPER else Mode.LIVE))
        since, until = _period(chosen, strategy=strategy, since=options["since"], until=options["until"])
        names = [strategy] if strategy else drift.strategies(mode=chosen, since=since, until=until)
        if not names:
            raise CommandError(
                f"the {chosen} desk decided nothing for any strategy from {dates.show(since)} to {dates.show(until)}; "
                "give another --from, --to or --mode"
            )
        if not 0 <= options["slippage_bps"] <= 1000:
            raise CommandError("--slippage-bps must lie between 0 and 1000")
        reports = [
            drift.explain(
                drift.DriftRequest(
                    strategy=name,
                    mode=chosen,
                    since=since,
                    until=until,
                    timeframe=options["timeframe"],
                    slippage_bps=options["slippage_bps"],
                )
            )
            for name in names
        ]
        if options["as_json"]:
            self.stdout.write(json.dumps([says.plain(report) for report in reports], ensure_ascii=True))
            return
        limit = max(options["limit"], 0)
        self.stdout.write("\n\n\n".join(says.told(report, limit=limit) for report in reports))


def _period(
    mode: Mode, *, strategy: str, since: datetime | None, until: datetime | None
) -> tuple[datetime, datetime]:
    """From the first decision until now, where no ends are given."""
    from trading.services import drift

    first = since or drift.first_decision_at(mode=mode, strategy=strategy)
    if first is None:
        whom = strategy or "any strategy"
        raise CommandError(
            f"the {mode} desk never decided for {whom}, so there is nothing to compare; switch a strategy on "
            "(NEURATRADE_STRATEGIES), or play one over history with `neuratrade rehearse`"
        )
    last = until or clock.now()
    try:
        dates.period(first, last)
    except dates.DateError as error:
        raise CommandError(str(error)) from error
    return first, last
