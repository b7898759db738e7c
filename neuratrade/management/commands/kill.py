"""The kill switch: `neuratrade kill [--yes] [--json]` closes everything, verifies it at the venues, and halts the desk."""

import asyncio
import json
import signal
import sys
import time
from collections.abc import Callable
from typing import Any

from django.core.management.base import BaseCommand, CommandError, CommandParser
from django.db import DatabaseError

from neuratrade.lib import clock
from trading.errors import TradingError
from trading.services import keys, kill_switch
from trading.services.kill_switch import Progress

UNFINISHED = 1


class Command(BaseCommand):
    help = "Cancel every order, close every position, verify it at the venues and halt. Exit code 0 only when all is verified flat."

    def add_arguments(self, parser: CommandParser) -> None:
        parser.add_argument("--yes", action="store_true", help="do not ask")
        parser.add_argument("--json", action="store_true", dest="as_json", help="one JSON object at the end")

    def handle(self, *, yes: bool, as_json: bool, **_options: Any) -> None:
        if not yes:
            self._confirm()
        started_s = time.monotonic()
        try:
            keys.create_if_absent()
            begun = kill_switch.begin(cause="kill switch, by the operator", at=clock.now())
            if not begun:
                raise CommandError(
                    f"there is no enabled {kill_switch.account_mode()} account, so there is nothing to close; check NEURATRADE_MODE"
                )
            say = self.stderr if as_json else self.stdout
            end = asyncio.run(_until_closed(begun, say=lambda line: say.write(line)))
        except (TradingError, DatabaseError) as error:
            raise CommandError(
                f"the kill switch could not finish: {error}; mend that (`neuratrade doctor`) and run it again"
            ) from error
        self._report(end, as_json=as_json, elapsed_s=time.monotonic() - started_s)

    def _confirm(self) -> None:
        if not sys.stdin.isatty():
            raise CommandError("nobody is there to answer; add --yes to close everything without being asked")
        self.stdout.write(
            f"This cancels every order and sells every {kill_switch.account_mode()} position now, then halts the desk."
        )
        if input("Type kill to go on: ").strip().lower() != "kill":
            raise CommandError("nothing was changed")

    def _report(self, end: Progress, *, as_json: bool, elapsed_s: float) -> None:
        if as_json:
            self.stdout.write(
                json.dumps(
                    {
                        "is_closed": end.is_closed,
                        "open": end.open,
                        "silent": end.silent,
                        "elapsed_s": round(elapsed_s, 1),
                    }
                )
            )
        if not end.is_closed:
            raise CommandError(
                "stopped waiting, but the order to close everything stands; run `neuratrade kill` again to watch it",
                returncode=UNFINISHED,
            )


async def _until_closed(begun: dict[int, int], *, say: Callable[[str], None]) -> Progress:
    stop = asyncio.Event()
    for number in (signal.SIGTERM, signal.SIGINT):
        asyncio.get_running_loop().add_signal_handler(number, stop.set)
    return await kill_switch.carry_out(begun=begun, on_progress=say, stop=stop)
