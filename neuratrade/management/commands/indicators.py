"""Indicators and who computes them: `neuratrade indicators parity`."""

import json
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any

from django.core.management.base import BaseCommand, CommandError, CommandParser

from neuratrade.lib import clock
from trading import indicators
from trading.errors import TradingError
from trading.indicators import parity, samples
from trading.types.research import FloatArray

_HEAD = (
    f"{'provider':<9}{'indicator':<12}{'differs by':>12}{'ratio':>9}{'live ratio':>12}  {'warm-up':<9}{'look-ahead':<11}"
    f"{'ms':>8}{'x TA-Lib':>10}  verdict"
)


class Command(BaseCommand):
    help = "Compare every indicator provider with TA-Lib: the gate to become the default. Exit code 1 when one fails."

    def add_arguments(self, parser: CommandParser) -> None:
        topics = parser.add_subparsers(dest="topic", required=True, metavar="parity")
        table = topics.add_parser(
            "parity", help="the gate's table: differences, warm-up, look-ahead, live, speed"
        )
        table.add_argument(
            "--bars", type=int, default=200_000, help="how many bars of a made-up market (200000)"
        )
        table.add_argument("--seed", type=int, default=1, help="which made-up market (1)")
        table.add_argument("--candles", type=Path, metavar="FILE", help="the candles of this file instead")
        table.add_argument(
            "--timeframe", default="", help="how long its bars are, where the file does not say"
        )
        table.add_argument(
            "--provider", action="append", metavar="NAME", help="only this provider; may repeat"
        )
        table.add_argument("--json", action="store_true", dest="as_json", help="one JSON object")

    def handle(self, *, as_json: bool, **options: Any) -> None:
        try:
            found = {
                name: indicators.provider(name) for name in options["provider"] or indicators.all_providers()
            }
            candles = _candles(options)
            lines: dict[str, list[parity.Line]] = {name: [] for name in found}
            if not as_json:
                self.stdout.write(
                    f"{candles['close'].size} bars; tolerance {parity.TOLERANCE_RATIO:.0e}\n{_HEAD}"
                )
            for line in _examined(found, candles=candles, seed=options["seed"]):
                lines[line.provider].append(line)
                if not as_json:
                    self.stdout.write(_as_text(line))
        except (TradingError, OSError) as error:
            raise CommandError(str(error)) from error
        if as_json:
            self.stdout.write(json.dumps(_as_json(lines, bars=candles["close"].size), indent=2))
        else:
            self.stdout.write("\n".join(_verdict(name, rows) for name, rows in lines.items()))
        _refuse_faults(lines)


def _candles(options: Mapping[str, Any]) -> Mapping[str, FloatArray]:
    if options["candles"] is None:
        return samples.candles(bars=options["bars"], seed=options["seed"])
    from trading.history import formats

    bars = formats.read(
        options["candles"],
        venue="file",
        symbol="ANY/ANY",
        timeframe=options["timeframe"],
        at=clock.now(),
        skip_bad=True,
    ).bars
    return {
        **{"values": bars.close, "high": bars.high, "low": bars.low, "close": bars.close},
        "volume": bars.volume_base,
    }


def _examined(
    found: Mapping[str, indicators.Facade], *, candles: Mapping[str, FloatArray], seed: int
) -> Iterator[parity.Line]:
    reference = indicators.provider(parity.REFERENCE)
    for provider in found.values():
        yield from parity.examine(provider, reference=reference, candles=candles, seed=seed)


def _as_text(line: parity.Line) -> str:
    warmup = "equal" if line.is_warmup_equal else "OTHER"
    ahead = "none" if line.is_prefix_stable else "YES"
    verdict = f"FAIL: {', '.join(line.faults)}" if line.faults else "PASS"
    return (
        f"{line.provider:<9}{line.indicator:<12}{line.difference_abs:>12.1e}{line.difference_ratio:>9.0e}"
        f"{'exact' if line.is_live_exact else f'{line.live_difference_ratio:.0e}':>12}  {warmup:<9}{ahead:<11}"
        f"{line.time_ms:>8.2f}{line.speed_ratio:>10.2f}  {verdict}"
    )


def _verdict(name: str, lines: list[parity.Line]) -> str:
    time_ms = sum(line.time_ms for line in lines)
    speed = time_ms / sum(line.reference_ms for line in lines)
    mark = " (the default)" if name == indicators.DEFAULT else ""
    if any(line.faults for line in lines):
        result = "FAIL"
    elif parity.may_be_default(lines):
        result = "PASS, may be the default"
    else:
        rounded = ", ".join(line.indicator for line in lines if not line.is_live_exact)
        result = f"PASS, but may not be the default: live is not the batch to the last bit in {rounded}"
    return f"{name}{mark}: {result}; all {len(lines)} in {time_ms:.1f} ms, {speed:.2f} x TA-Lib"


def _as_json(lines: Mapping[str, list[parity.Line]], *, bars: int) -> dict[str, object]:
    return {
        "bars": bars,
        "tolerance_ratio": parity.TOLERANCE_RATIO,
        "default": indicators.DEFAULT,
        "providers": {
            name: {
                "passes": not any(line.faults for line in rows),
                "may_be_default": parity.may_be_default(rows),
                "indicators": [line.as_json() for line in rows],
            }
            for name, rows in lines.items()
        },
    }


def _refuse_faults(lines: Mapping[str, list[parity.Line]]) -> None:
    failed = [name for name, rows in lines.items() if any(line.faults for line in rows)]
    if failed:
        raise CommandError(f"{', '.join(failed)}: not the definitions; the lines marked FAIL say where")
    default = lines.get(indicators.DEFAULT)
    if default is not None and not parity.may_be_default(default):
        raise CommandError(
            f"{indicators.DEFAULT} may not be the default: its live values are not its batch's"
        )
