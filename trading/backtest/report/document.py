"""A report as JSON: the short form people and scripts read (`metrics` and `trades`), and the whole of it for keeping.

Nothing infinite and nothing that is not a number gets out: such a value is written as null.
"""

import math
import zlib
from collections.abc import Mapping, Sequence
from dataclasses import asdict, replace
from functools import cache
from typing import TYPE_CHECKING, Any

from trading.backtest.report.slices import moment
from trading.backtest.report.values import Report, Trade
from trading.errors import InvalidValueError

if TYPE_CHECKING:
    from pydantic import TypeAdapter

Plain = dict[str, Any]


def as_json(report: Report) -> Plain:
    """`{"metrics": …, "trades": […]}`: ratios as parts of one, units in the keys, times as ISO 8601. Where freqtrade's formula differs,
    its figure stands under the key with `_freqtrade` added. Flags are listed by key under `flags` when the report has been reviewed."""
    return {
        "metrics": metrics(report),
        "trades": [_trade(trade, report=report) for trade in report.trades],
        "flags": [
            {"key": flag.key, "level": flag.level.value, "words": flag.words, "numbers": plain(flag.numbers)}
            for flag in report.flags
        ],
    }


def metrics(report: Report) -> Plain:
    """Every row's value by key, and those of the Monte Carlo simulation when there was one."""
    values: Plain = {}
    for row in report.rows:
        values[row.key] = row.value
        if row.freqtrade_definition:
            values[f"{row.key}_freqtrade"] = row.freqtrade
    if report.montecarlo is not None:
        values["montecarlo"] = {
            key: value
            for key, value in asdict(report.montecarlo).items()
            if key not in {"returns", "fan", "fan_trades"}
        }
    cleaned: Plain = plain(values)
    return cleaned


def _trade(trade: Trade, *, report: Report) -> Plain:
    values: Plain = trade._asdict()
    for end in ("entry", "exit"):
        values[f"{end}_at"] = moment(values.pop(f"{end}_time_ms"))
        values[f"{end}_fee_quote"] = values.pop(f"{end}_fee")
    values["instrument"] = report.symbols[trade.instrument]
    values["side"] = "long" if trade.side > 0 else "short"
    values["exit_reason"] = trade.reason
    values["pnl_quote"], values["entry_equity_quote"] = values.pop("pnl"), values.pop("entry_equity")
    del values["exit_kind"], values["entry_bar"], values["exit_bar"]
    cleaned: Plain = plain(values)
    return cleaned


def dump(report: Report) -> Plain:
    """The whole report as JSON-able values, for keeping; `load` gives it back equal."""
    kept: Plain = plain(asdict(report))
    return kept


def load(kept: Mapping[str, Any]) -> Report:
    """A report from what `dump` gave. Raises pydantic's ValidationError for anything else."""
    return _reader().validate_python(kept)


@cache
def _reader() -> "TypeAdapter[Report]":
    from pydantic import TypeAdapter

    return TypeAdapter(Report)


def pack(report: Report) -> bytes:
    """The report without its trades, small enough for a database row; they are kept beside it as an array."""
    import orjson

    return zlib.compress(orjson.dumps(replace(report, trades=())), 1)


def unpack(content: bytes, *, trades: Sequence[Trade] = ()) -> Report:
    """What `pack` was given, with its trades; InvalidValueError when the bytes are damaged or of another version."""
    import orjson
    from pydantic import ValidationError

    try:
        return replace(load(orjson.loads(zlib.decompress(content))), trades=tuple(trades))
    except (zlib.error, ValueError, ValidationError) as error:
        raise InvalidValueError("this report cannot be read back; run the backtest again") from error


def plain(value: Any) -> Any:
    """JSON's own types: tuples as lists, enums as their text, numbers that are none as None."""
    if isinstance(value, Mapping):
        return {str(key): plain(inner) for key, inner in value.items()}
    if isinstance(value, list | tuple):
        return [plain(inner) for inner in value]
    if isinstance(value, float):
        return value if math.isfinite(value) else None
    if isinstance(value, str):
        return str(value)
    return value
