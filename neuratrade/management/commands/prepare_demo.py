"""Prepares the demo's home: `make demo` runs this, then `neuratrade --demo up`."""

from pathlib import Path
from typing import Any

from django.conf import settings
from django.core.management.base import BaseCommand, CommandError, CommandParser

from neuratrade import demo
from neuratrade.demo_start import first_setup
from neuratrade.lib import clock, env
from neuratrade.supervise import home
from trading.practice.errors import PracticeError
from trading.practice.settings import PracticeSettings
from trading.types import Mode

HIGHEST_PORT = 65_533
# A generated market is a random walk, and most walks give the desk nothing to do for an hour. In this one prices rise at first.
LIVELY_SEED = 1


class Command(BaseCommand):
    help = "Prepare the demo: practice venues on this machine and accounts with play money."

    def add_arguments(self, parser: CommandParser) -> None:
        parser.add_argument(
            "--candles", type=Path, help="recorded candles (CSV, Feather, Parquet) for BTC/USDT"
        )
        parser.add_argument("--mode", choices=[Mode.PAPER.value, Mode.LIVE.value], default=Mode.PAPER.value)
        parser.add_argument("--speed", type=float, default=1.0, help="recorded seconds played in one second")
        parser.add_argument("--seed", type=int, default=LIVELY_SEED, help="another seed, another market")
        parser.add_argument("--port", type=int, help="first of three ports; free ones by default")
        parser.add_argument("--fresh", action="store_true", help="forget what the last demo did")

    def handle(self, *, candles: Path | None, port: int | None, fresh: bool, **options: Any) -> None:
        if env.text("DATABASE_URL") != env.text(home.DEMO_DATABASE):
            raise CommandError("the demo keeps a database of its own; run `neuratrade --demo prepare_demo`")
        if home.is_running(settings.HOME):
            raise CommandError(f"the demo runs already on {settings.HOME}; `neuratrade --demo down` stops it")
        if port is not None and not 1 <= port <= HIGHEST_PORT:
            raise CommandError(f"--port {port} is out of range; give one from 1 to {HIGHEST_PORT}")
        try:
            self._prepare(candles, port=port, is_fresh=fresh, **options)
        except PracticeError as error:
            raise CommandError(str(error)) from error
        except OSError as error:
            raise CommandError(
                f"cannot write {error.filename or settings.HOME} ({error.strerror})"
            ) from error

    def _prepare(self, candles: Path | None, *, port: int | None, is_fresh: bool, **options: Any) -> None:
        recording = candles.expanduser().absolute() if candles else None
        past = PracticeSettings().history_minutes
        chosen = demo.DemoOptions(
            candles=recording,
            start_minute=first_setup(recording, past_minutes=past) if recording else None,
            mode=Mode(options["mode"]),
            speed=options["speed"],
            seed=options["seed"],
            port=port or demo.free_ports(),
        )
        demo.prepare_demo(chosen, is_fresh=is_fresh, at=clock.now(), say=self.stdout.write)
        self.stdout.write(
            f"the demo is ready in {settings.HOME} ({chosen.mode}, practice Binance and Kraken)"
        )
