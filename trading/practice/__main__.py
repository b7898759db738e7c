"""``python -m trading.practice``: run the practice venues until told to stop.

Prints one line of JSON with the URLs when ready, on standard output; everything else goes to standard error.
"""

from __future__ import annotations

import argparse
import asyncio
import json
import logging
import signal
import sys
from decimal import Decimal, InvalidOperation
from pathlib import Path

from trading.practice.errors import PracticeError
from trading.practice.options import DEFAULT_BINANCE_PORT, DEFAULT_CONTROL_PORT, DEFAULT_KRAKEN_PORT
from trading.practice.settings import PracticeSettings
from trading.practice.venues import PracticeVenues


def main(arguments: list[str] | None = None) -> int:
    """Run; 0 after a stop, 2 with one line on standard error when something is wrong with what was asked."""
    logging.basicConfig(level=logging.WARNING, format="%(levelname)s %(name)s: %(message)s")
    try:
        asyncio.run(_serve(_settings(arguments)))
    except (PracticeError, OSError) as error:
        sys.stderr.write(f"practice venues: {error}\n")
        return 2
    return 0


async def _serve(settings: PracticeSettings) -> None:
    stop = asyncio.Event()
    loop = asyncio.get_running_loop()
    for number in (signal.SIGTERM, signal.SIGINT):
        loop.add_signal_handler(number, stop.set)
    async with PracticeVenues(settings) as venues:
        sys.stdout.write(json.dumps(venues.urls()) + "\n")
        sys.stdout.flush()
        waiting = {asyncio.create_task(stop.wait()), asyncio.create_task(venues.wait_failed())}
        done, pending = await asyncio.wait(waiting, return_when=asyncio.FIRST_COMPLETED)
        for task in pending:
            task.cancel()
        for task in done:
            task.result()


def _settings(arguments: list[str] | None) -> PracticeSettings:
    given = _parser().parse_args(arguments)
    return PracticeSettings(
        seed=given.seed,
        instruments=given.instruments,
        start_prices=dict(given.price),
        balances=dict(given.balance) or PracticeSettings().balances,
        candles=dict(given.candles),
        speed=given.speed,
        start_minute=given.start_minute,
        volatility=given.volatility,
        gap_every_s=given.gap_every_s,
        is_flowing=not given.no_flow,
        ticks_per_s=given.ticks_per_s,
        messages_per_s=given.messages_per_s,
        history_minutes=given.history_minutes,
        binance_port=given.binance_port,
        kraken_port=given.kraken_port,
        control_port=given.control_port,
        proxy_port=given.proxy_port,
        tls_dir=given.tls_dir,
        state_file=given.state_file,
    )


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(prog="python -m trading.practice", description=__doc__)
    add = parser.add_argument
    add("--binance-port", type=int, default=DEFAULT_BINANCE_PORT)
    add("--kraken-port", type=int, default=DEFAULT_KRAKEN_PORT)
    add("--control-port", type=int, default=DEFAULT_CONTROL_PORT)
    add(
        "--proxy-port",
        type=int,
        default=None,
        help="also run TLS and a CONNECT proxy for the real host names",
    )
    add("--tls-dir", type=Path, default=None, help="where the proxy's ca.pem goes")
    add(
        "--state-file",
        type=Path,
        default=None,
        help="accounts and orders survive a restart in files beside it",
    )
    _add_market_options(parser)
    return parser


def _add_market_options(parser: argparse.ArgumentParser) -> None:
    add = parser.add_argument
    add(
        "--candles",
        type=_candles,
        action="append",
        default=[],
        metavar="[SYMBOL=]FILE",
        help="default BTC/USDT",
    )
    add("--speed", type=float, default=1.0, help="recorded seconds played in one second")
    add("--start-minute", type=int, default=None, help="minute of the recordings at which play begins")
    add("--seed", type=int, default=7)
    add("--instruments", type=int, default=6, help="how many instruments each venue lists")
    add("--price", type=_named_number, action="append", default=[], metavar="BASE=PRICE", help="start price")
    add(
        "--balance",
        type=_named_number,
        action="append",
        default=[],
        metavar="ASSET=AMOUNT",
        help="start balance",
    )
    add("--volatility", type=float, default=1.0, help="times the usual")
    add(
        "--gap-every-s",
        type=float,
        default=300.0,
        help="mean wait between price gaps per instrument; 0: none",
    )
    add("--ticks-per-s", type=float, default=4.0, help="how often prices move")
    add("--messages-per-s", type=int, default=0, help="extra book changes over all markets, for benchmarks")
    add("--history-minutes", type=int, default=1_500)
    add("--no-flow", action="store_true", help="prices stand still until the control port moves them")


def _candles(text: str) -> tuple[str, Path]:
    symbol, separator, path = text.partition("=")
    return (symbol, Path(path)) if separator else ("BTC/USDT", Path(text))


def _named_number(text: str) -> tuple[str, Decimal]:
    name, _, value = text.partition("=")
    try:
        return name.upper(), Decimal(value)
    except InvalidOperation as error:
        raise argparse.ArgumentTypeError(f"{text!r} is not NAME=NUMBER") from error


if __name__ == "__main__":
    sys.exit(main())
