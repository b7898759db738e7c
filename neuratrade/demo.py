"""Turns a home into a demo: practice venues on this machine, instruments, accounts with play money."""

import dataclasses
import os
import shutil
from collections.abc import Callable
from dataclasses import dataclass
from datetime import datetime
from decimal import Decimal
from pathlib import Path
from secrets import token_urlsafe

from django.conf import settings
from django.db import connection, connections

from neuratrade import preparing
from neuratrade.supervise import desk, home
from neuratrade.supervise.errors import SuperviseError
from trading.models import Account, Instrument, Operator, Venue
from trading.practice import keys
from trading.practice.build import VENUES, build
from trading.practice.clock import WallClock
from trading.practice.engine.exchange import Exchange
from trading.practice.engine.types import Rules
from trading.practice.errors import PracticeError
from trading.practice.instruments import QUOTE
from trading.practice.options import DEFAULT_BINANCE_PORT, client_options
from trading.practice.settings import PracticeSettings
from trading.protocols import Credentials
from trading.services import credentials, ledger
from trading.types import Mode

Say = Callable[[str], object]
PAIRS = 6
PRACTICE_KEYS = {
    "binance": Credentials(key=keys.BINANCE_API_KEY, secret=keys.BINANCE_SECRET),
    "kraken": Credentials(key=keys.KRAKEN_API_KEY, secret=keys.KRAKEN_SECRET),
}
# What a demo owns in its home; a fresh start removes these and nothing else.
_OWNED = (
    "neuratrade.sqlite3*",
    "paper-*.sqlite3*",
    "practice*",
    "redis",
    "keys",
    "logs",
    "run",
    "admin_password",
    "vault.json",
    "demo.json",
)


@dataclass(frozen=True, slots=True, kw_only=True)
class DemoOptions:
    """What `make demo` may choose. `candles` None: generated prices; `port`: Binance's, Kraken and control follow.

    `start_minute` is where in the recording play begins; None leaves it to the practice venues.
    """

    candles: Path | None
    mode: Mode
    speed: float
    seed: int
    port: int
    start_minute: int | None = None

    @property
    def pairs(self) -> int:
        """A recording is of one market, and then nothing generated trades beside it."""
        return 1 if self.candles else PAIRS

    @property
    def practice(self) -> PracticeSettings:
        """Raises PracticeError when the choice makes no sense."""
        return PracticeSettings(
            seed=self.seed,
            instruments=self.pairs,
            balances={QUOTE: settings.PAPER_START_BALANCE},
            candles={f"BTC/{QUOTE}": self.candles} if self.candles else {},
            speed=self.speed,
            start_minute=self.start_minute,
            binance_port=self.port,
            kraken_port=self.port + 1,
            control_port=self.port + 2,
            state_file=settings.HOME / "practice.jsonl",
        )

    @property
    def arguments(self) -> tuple[str, ...]:
        """The same for the command line of `python -m trading.practice`."""
        practice = self.practice
        return (
            *("--seed", str(self.seed), "--instruments", str(self.pairs), "--speed", f"{self.speed:g}"),
            *("--balance", f"{QUOTE}={settings.PAPER_START_BALANCE}"),
            *("--binance-port", str(practice.binance_port), "--kraken-port", str(practice.kraken_port)),
            *("--control-port", str(practice.control_port), "--state-file", str(practice.state_file)),
            *(("--candles", str(self.candles)) if self.candles else ()),
            *(("--start-minute", str(self.start_minute)) if self.start_minute is not None else ()),
        )


def free_ports() -> int:
    """The first of three free ports in a row, where the practice venues usually are or a little above."""
    for first in range(DEFAULT_BINANCE_PORT, DEFAULT_BINANCE_PORT + 1_000, 10):
        try:
            for port in range(first, first + 3):
                desk.refuse_taken_port("127.0.0.1", port)
        except SuperviseError:
            continue
        return first
    raise PracticeError(f"no three free ports in a row from {DEFAULT_BINANCE_PORT} on; name some with --port")


def prepare_demo(options: DemoOptions, *, is_fresh: bool, at: datetime, say: Say) -> None:
    """Prepares the demo; a bad candles file raises PracticeError before anything is touched.

    Other prices or another mode than last time start a fresh demo: a desk cannot live through a change of its whole market.
    """
    exchanges = _exchanges(options)
    demo = home.Demo(mode=options.mode, practice_arguments=options.arguments)
    before = home.read_demo(settings.HOME)
    if before is not None and (is_fresh or before.market != demo.market):
        if connection.vendor == "postgresql":
            raise PracticeError(
                f"a fresh demo needs an empty database; create the one {home.DEMO_DATABASE} names anew"
            )
        say("starting a fresh demo")
        _remove_old()
    operator = preparing.prepare(at=at, say=say)
    for name, exchange in exchanges.items():
        venue, _ = Venue.objects.update_or_create(
            name=name,
            defaults={
                "client": name,
                "options": _client_options(name, port=options.port),
                "is_enabled": True,
            },
        )
        _list_instruments(venue, exchange=exchange, rules=VENUES[name][0])
        _open_account(operator, venue=venue, mode=options.mode, at=at)
    home.write_demo(settings.HOME, demo)


def _exchanges(options: DemoOptions) -> dict[str, Exchange]:
    """The practice venues as they will be, built once to read the candles and the instruments; nothing is written."""
    practice = dataclasses.replace(options.practice, state_file=None)
    return build(practice, clock=WallClock()).world.exchanges


def _client_options(name: str, *, port: int) -> dict[str, object]:
    return client_options(binance_port=port, kraken_port=port + 1)[name]


def _list_instruments(venue: Venue, *, exchange: Exchange, rules: Rules) -> None:
    for symbol, market in exchange.markets.items():
        listed = market.instrument
        Instrument.objects.update_or_create(
            venue=venue,
            symbol=symbol,
            defaults={
                "base": listed.base,
                "quote": listed.quote,
                "price_tick": listed.tick,
                "size_step": listed.step_base,
                "min_size": listed.min_size_base,
                "max_size": listed.max_size_base,
                "min_notional": listed.min_notional_quote,
                "maker_fee_ratio": rules.maker_fee_ratio,
                "taker_fee_ratio": rules.taker_fee_ratio,
                "is_active": True,
                "is_watched": True,
            },
        )


def _open_account(operator: Operator, *, venue: Venue, mode: Mode, at: datetime) -> None:
    account, _ = Account.objects.get_or_create(operator=operator, venue=venue, mode=mode)
    if mode is Mode.LIVE and account.credential is None:
        _seal_practice_keys(account, at=at)
    amount: Decimal = settings.PAPER_START_BALANCE
    ledger.deposit(account=account, asset=QUOTE, amount=amount, reference="start balance", at=at)


def _seal_practice_keys(account: Account, *, at: datetime) -> None:
    """The practice keys take the way real ones take: sealed in the vault, opened by the executor alone."""
    path = settings.HOME / home.DEMO_PASSPHRASE
    if not path.exists():
        path.touch(mode=0o600)
        path.write_text(token_urlsafe(24) + "\n", encoding="utf-8")
    os.environ["NEURATRADE_PASSPHRASE_FILE"] = str(path)
    name = account.venue.name
    account.credential = credentials.store(label=f"{name} practice", credentials=PRACTICE_KEYS[name], at=at)
    account.save(update_fields=["credential"])


def _remove_old() -> None:
    connections.close_all()
    for pattern in _OWNED:
        for path in settings.HOME.glob(pattern):
            if path.is_dir():
                shutil.rmtree(path)
            else:
                path.unlink()
