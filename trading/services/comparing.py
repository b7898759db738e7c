"""Stored runs side by side: how each was made, then every figure, as text; for the terminal, the admin and pages alike."""

from collections.abc import Callable, Sequence

from trading.models import Backtest

NONE = "-"
# What a comparison shows first; the other figures of the runs follow in their own order.
_FIRST = ("total_return_ratio", "sharpe", "sortino", "max_drawdown_ratio", "profit_factor", "win_rate_ratio")

_MADE: tuple[tuple[str, Callable[[Backtest], str]], ...] = (
    ("strategy", lambda row: row.strategy),
    ("kind", lambda row: row.kind),
    ("version", lambda row: row.version),
    ("code", lambda row: row.code_version),
    ("data", lambda row: row.data_digest[:8]),
    ("instruments", lambda row: row.instruments),
    ("timeframe", lambda row: row.timeframe),
    ("from", lambda row: f"{row.since:%Y-%m-%d %H:%M}"),
    ("to", lambda row: f"{row.until:%Y-%m-%d %H:%M}"),
    ("start equity", lambda row: f"{row.settings.get('start_equity', NONE)}"),
    ("profile", lambda row: f"{row.settings.get('profile', NONE)}"),
    ("slippage_bps", lambda row: f"{row.settings.get('slippage_bps', NONE)}"),
    ("taker fees", lambda row: "; ".join(f"{cost['taker_fee_ratio']:g}" for cost in _costs(row)) or NONE),
    ("flags", lambda row: flags_of(row) or NONE),
)


def lines(rows: Sequence[Backtest]) -> list[tuple[str, ...]]:
    """A line per setting, parameter and figure: its name, then each run's value in the order of `rows`."""
    found = [(label, *(show(row) for row in rows)) for label, show in _MADE]
    names = sorted({name for row in rows for name in row.parameters})
    found += [(name, *(_parameter(row, name) for row in rows)) for name in names]
    figures = dict.fromkeys((*_FIRST, *(name for row in rows for name in row.metrics)))
    shown = [(name, *(_figure(row, name) for row in rows)) for name in figures]
    return found + [line for line in shown if set(line[1:]) != {NONE}]


def flags_of(row: Backtest) -> str:
    """The keys of a run's flags, the gravest first; each once, however many instruments it is about."""
    return ", ".join(dict.fromkeys(flag["key"] for flag in row.flags))


def per_cent(ratio: float | None) -> str:
    return NONE if ratio is None else f"{ratio:.2%}"


def number(value: float | None) -> str:
    return NONE if value is None else f"{value:.2f}"


def _costs(row: Backtest) -> list[dict[str, float]]:
    costs: list[dict[str, float]] = row.settings.get("costs", [])
    return costs


def _parameter(row: Backtest, name: str) -> str:
    return f"{row.parameters[name]:g}" if name in row.parameters else NONE


def _figure(row: Backtest, name: str) -> str:
    value = row.metrics.get(name)
    if value is None or isinstance(value, dict | list):
        return NONE
    if isinstance(value, float):
        return per_cent(value) if name.endswith("_ratio") else f"{value:,.4g}"
    return str(value)
