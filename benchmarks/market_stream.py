"""How fast the market watcher is: practice venues -> ccxt.pro -> local books -> Redis -> a subscriber.

    python benchmarks/market_stream.py [--instruments 50] [--messages-per-s 5000] [--seconds 20]

Prints what one watching process takes in, the lag to a Redis subscriber from the venue's own timestamp and from our receipt
(one clock, milliseconds), and the CPU it costs. Practice venues, Redis and the subscriber are processes of their own; the practice
venues, one process that must make every message, are usually the slower side.
"""

import argparse
import asyncio
import json
import os
import shutil
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from pathlib import Path
from typing import IO

ROOT = Path(__file__).resolve().parents[1]

SUBSCRIBER = """
import json, os, sys, time
import redis

listener = redis.Redis.from_url(sys.argv[1]).pubsub(ignore_subscribe_messages=True)
listener.psubscribe("market:*:ticker")
lags = []
for message in listener.listen():
    now_ms = time.time() * 1000
    quote = json.loads(message["data"])
    lags.append((now_ms - quote["as_of"], now_ms - quote["received_at"]))
    if len(lags) % 500 == 0:
        with open(sys.argv[2] + ".part", "w") as file:
            json.dump(lags, file)
        os.replace(sys.argv[2] + ".part", sys.argv[2])
"""


def main() -> int:
    given = _arguments()
    sys.path.insert(0, str(ROOT))
    with tempfile.TemporaryDirectory(prefix="nt-bench-") as home, ExitStack() as stack:
        os.environ["NEURATRADE_HOME"] = home
        os.environ["NEURATRADE_LOG_LEVEL"] = "warning"
        os.environ.pop("REDIS_URL", None)
        os.environ["DJANGO_SETTINGS_MODULE"] = "neuratrade.settings"
        import django

        django.setup()
        _serve_redis(stack, Path(home))
        ports = _serve_practice(stack, given)
        _prepare(ports, count=given.instruments)
        figures = asyncio.run(_measure(given, home=Path(home), stack=stack))
    _print(figures)
    return 0


def _arguments() -> argparse.Namespace:
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--instruments", type=int, default=50, help="on each of the two venues")
    parser.add_argument(
        "--messages-per-s", type=int, default=5000, help="book changes asked of both venues together"
    )
    parser.add_argument("--seconds", type=float, default=20.0, help="how long to measure, after the warm-up")
    return parser.parse_args()


@contextmanager
def _process(command: list[str], *, stdout: int | IO[str] | None = None) -> Iterator["subprocess.Popen[str]"]:
    process = subprocess.Popen(command, cwd=ROOT, stdout=stdout, text=True)
    try:
        yield process
    finally:
        process.terminate()
        try:
            process.wait(5)
        except subprocess.TimeoutExpired:
            process.kill()
            process.wait()


def _serve_redis(stack: ExitStack, home: Path) -> None:
    import redis
    from django.conf import settings

    from neuratrade.lib.redis_server import command

    settings.RUN_DIR.mkdir(parents=True, exist_ok=True)
    stack.enter_context(
        _process(command(socket=settings.REDIS_SOCKET, data_dir=home), stdout=subprocess.DEVNULL)
    )
    deadline = time.monotonic() + 10
    while True:
        try:
            redis.Redis.from_url(settings.REDIS_URL).ping()
            return
        except redis.RedisError:
            if time.monotonic() > deadline:
                raise
            time.sleep(0.05)


def _serve_practice(stack: ExitStack, given: argparse.Namespace) -> dict[str, int]:
    command = [sys.executable, "-m", "trading.practice", "--binance-port", "0", "--kraken-port", "0"]
    command += ["--control-port", "0", "--instruments", str(given.instruments), "--history-minutes", "320"]
    command += ["--messages-per-s", str(given.messages_per_s), "--gap-every-s", "0"]
    process = stack.enter_context(_process(command, stdout=subprocess.PIPE))
    assert process.stdout is not None
    line = process.stdout.readline()
    if not line:
        raise SystemExit("the practice venues did not start; their message is above")
    urls: dict[str, str] = json.loads(line)
    return {name: int(url.rpartition(":")[2]) for name, url in urls.items()}


def _prepare(ports: dict[str, int], *, count: int) -> None:
    """A database with both venues; the instruments' true steps and fees come from the venues."""
    from decimal import Decimal

    from django.core.management import call_command

    from trading.models import Instrument, Venue
    from trading.practice.instruments import start_prices
    from trading.practice.options import client_options

    call_command("migrate", verbosity=0)
    options = client_options(binance_port=ports["binance"], kraken_port=ports["kraken"])
    for name in ("binance", "kraken"):
        venue = Venue.objects.create(name=name, client=name, options=options[name])
        for base in start_prices(count=count, overrides={}):
            Instrument.objects.create(
                venue=venue,
                symbol=f"{base}/USDT",
                base=base,
                quote="USDT",
                price_tick=Decimal("0.01"),
                size_step=Decimal("0.01"),
                min_size=Decimal("0.01"),
                min_notional=Decimal(1),
                maker_fee_ratio=Decimal(0),
                taker_fee_ratio=Decimal(0),
            )


async def _measure(given: argparse.Namespace, *, home: Path, stack: ExitStack) -> dict[str, float]:
    from django.conf import settings

    from trading.services.market_publish import Publisher
    from trading.services.market_watch import Listeners, MarketWatch

    publisher = Publisher()
    watch = MarketWatch(publisher=publisher, listeners=Listeners())
    running = asyncio.create_task(watch.run())
    await _warmed_up(watch, count=2 * given.instruments)
    lag_file = home / "lags.json"
    subscriber = [sys.executable, "-c", SUBSCRIBER, settings.REDIS_URL, str(lag_file)]
    stack.enter_context(_process(subscriber, stdout=subprocess.DEVNULL))
    await asyncio.sleep(2)
    cpu_s, wall_s, messages, published = (
        time.process_time(),
        time.monotonic(),
        _messages(watch),
        publisher.flushed,
    )
    await asyncio.sleep(given.seconds)
    cpu_s, wall_s = time.process_time() - cpu_s, time.monotonic() - wall_s
    messages, published = _messages(watch) - messages, publisher.flushed - published
    lags: list[tuple[float, float]] = json.loads(await asyncio.to_thread(lag_file.read_text))
    from_venue, from_receipt = (sorted(lag[side] for lag in lags) for side in (0, 1))
    running.cancel()
    await asyncio.gather(running, return_exceptions=True)
    return {
        "messages_per_s": messages / wall_s,
        "published_per_s": published / wall_s,
        "lag_median_ms": from_venue[len(lags) // 2],
        "lag_p99_ms": from_venue[int(len(lags) * 0.99)],
        "own_median_ms": from_receipt[len(lags) // 2],
        "own_p99_ms": from_receipt[int(len(lags) * 0.99)],
        "lags": len(lags),
        "cpu_us_per_message": cpu_s / messages * 1e6,
        "core_percent": cpu_s / wall_s * 100,
        "cores": float(os.cpu_count() or 1),
        "load": os.getloadavg()[0],
    }


async def _warmed_up(watch: object, *, count: int) -> None:
    """Every instrument has streamed and has its history: from here on the process does what it does all day."""
    from asgiref.sync import sync_to_async

    from trading.models import CandleRow

    hours = CandleRow.objects.filter(timeframe="1h").values("instrument").distinct()
    for _ in range(300):
        await asyncio.sleep(1)
        if _streaming(watch) == count and await sync_to_async(hours.count)() == count:
            return
    raise SystemExit("the streams did not all come up in five minutes; ask for fewer messages or instruments")


def _streaming(watch: object) -> int:
    return sum(
        one._data.stats(symbol).messages > 0
        for one in watch._watches.values()  # type: ignore[attr-defined]
        for symbol in one.plan.config.symbols
    )


def _messages(watch: object) -> int:
    return sum(
        one._data.stats(symbol).messages
        for one in watch._watches.values()  # type: ignore[attr-defined]
        for symbol in one.plan.config.symbols
    )


def _print(figures: dict[str, float]) -> None:
    print(f"messages taken in        {figures['messages_per_s']:>9,.0f} /s")
    print(f"messages published       {figures['published_per_s']:>9,.0f} /s (conflated)")
    print(
        f"lag venue to subscriber  {figures['lag_median_ms']:>9.1f} ms median, {figures['lag_p99_ms']:.1f} ms p99"
    )
    print(
        f"lag our receipt to there {figures['own_median_ms']:>9.1f} ms median, {figures['own_p99_ms']:.1f} ms p99"
    )
    print(f"                         {figures['lags']:>9,.0f} quotes measured")
    print(f"CPU per message          {figures['cpu_us_per_message']:>9.0f} us")
    print(f"share of one core        {figures['core_percent']:>9.0f} %")
    print(f"the machine              {figures['cores']:>9.0f} cores, load {figures['load']:.1f}")


if __name__ == "__main__":
    if shutil.which("git") is None and not (ROOT / "manage.py").exists():
        raise SystemExit("run this from the repository")
    sys.exit(main())
