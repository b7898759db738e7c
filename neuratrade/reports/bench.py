"""Lists of the research bench as text and as plain values: strategies, stored runs, runs side by side, a sweep's best points."""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import asdict
from typing import Any

import numpy as np
import numpy.typing as npt

from trading.backtest.bias import BiasReport
from trading.backtest.report import Report
from trading.models import Backtest, Sweep
from trading.playbook import Play
from trading.services.sweep_results import Result

# What a comparison shows first; the other figures of the runs follow in their own order.
_FIRST = ("total_return_ratio", "sharpe", "sortino", "max_drawdown_ratio", "profit_factor", "win_rate_ratio")
_NONE = "-"


def table(
    headings: Sequence[str], rows: Sequence[Sequence[str]], *, right: frozenset[int] = frozenset()
) -> str:
    """Columns two spaces apart; those of `right` are set to the right."""
    widths = [max(len(row[column]) for row in (headings, *rows)) for column in range(len(headings))]
    lines = [
        "  ".join(
            cell.rjust(width) if column in right else cell.ljust(width)
            for column, (cell, width) in enumerate(zip(row, widths, strict=True))
        ).rstrip()
        for row in (headings, *rows)
    ]
    return "".join(f"{line}\n" for line in lines)


def strategies_table(plays: Sequence[Play]) -> str:
    """A line per strategy, and how to go on."""
    rows = [(play.name, " ".join(play.timeframes), _sentence(play.description)) for play in plays]
    return (
        table(("strategy", "timeframes", "what it does"), rows)
        + "\nneuratrade backtest STRATEGY --venue binance --instrument BTC/USDT --timeframe 5m\n"
        + "neuratrade candles list shows the candles there are; neuratrade backtest --list the runs that were made.\n"
    )


def _sentence(text: str) -> str:
    return text.split(". ")[0].rstrip(".")


def runs_table(rows: Sequence[Backtest]) -> str:
    """Stored runs, newest first."""
    if not rows:
        return "no backtest was run yet; `neuratrade backtest` lists the strategies\n"
    headings = (
        *("id", "when", "strategy", "version", "instruments", "bars", "from", "to"),
        *("trades", "return", "sharpe", "drawdown", "flags"),
    )
    cells = [
        (
            f"{row.pk}",
            f"{row.created_at:%Y-%m-%d %H:%M}",
            row.strategy
            if row.kind == Backtest.Kind.SINGLE
            else f"{row.strategy} ({row.get_kind_display()})",
            row.version,
            row.instruments,
            row.timeframe,
            f"{row.since:%Y-%m-%d}",
            f"{row.until:%Y-%m-%d}",
            f"{row.trade_count:,}",
            per_cent(row.total_return_ratio),
            number(row.sharpe),
            per_cent(row.max_drawdown_ratio),
            flags_of(row) or _NONE,
        )
        for row in rows
    ]
    return table(headings, cells, right=frozenset({0, 8, 9, 10, 11}))


def flags_of(row: Backtest) -> str:
    """The keys of a run's flags, the gravest first."""
    return ", ".join(flag["key"] for flag in row.flags)


def comparison(rows: Sequence[Backtest]) -> str:
    """What differs in how the runs were made, then every figure, a column per run."""
    made: list[tuple[str, Callable[[Backtest], str]]] = [
        ("strategy", lambda row: row.strategy),
        ("version", lambda row: row.version),
        ("code", lambda row: row.code_version),
        ("data", lambda row: row.data_digest[:8]),
        ("instruments", lambda row: row.instruments),
        ("timeframe", lambda row: row.timeframe),
        ("from", lambda row: f"{row.since:%Y-%m-%d %H:%M}"),
        ("to", lambda row: f"{row.until:%Y-%m-%d %H:%M}"),
        ("start equity", lambda row: f"{row.settings.get('start_equity', _NONE)}"),
        ("profile", lambda row: f"{row.settings.get('profile', _NONE)}"),
        ("slippage_bps", lambda row: f"{row.settings.get('slippage_bps', _NONE)}"),
        ("fees", _fees),
        ("flags", lambda row: flags_of(row) or _NONE),
    ]
    lines = [(label, *(show(row) for row in rows)) for label, show in made]
    names = sorted({name for row in rows for name in row.parameters})
    lines += [(name, *(_parameter(row, name) for row in rows)) for name in names]
    lines += [(name, *(_metric(row, name) for row in rows)) for name in _metric_names(rows)]
    return table(("", *(f"#{row.pk}" for row in rows)), lines, right=frozenset(range(1, len(rows) + 1)))


def _fees(row: Backtest) -> str:
    return "; ".join(f"{cost['taker_fee_ratio']:g}" for cost in row.settings.get("costs", ()))


def _parameter(row: Backtest, name: str) -> str:
    return f"{row.parameters[name]:g}" if name in row.parameters else _NONE


def _metric_names(rows: Sequence[Backtest]) -> list[str]:
    names = dict.fromkeys((*_FIRST, *(name for row in rows for name in row.metrics)))
    return [name for name in names if any(_is_shown(row.metrics.get(name)) for row in rows)]


def _is_shown(value: object) -> bool:
    return value is not None and not isinstance(value, dict | list)


def _metric(row: Backtest, name: str) -> str:
    value = row.metrics.get(name)
    if value is None or isinstance(value, dict | list):
        return _NONE
    if isinstance(value, float) and name.endswith("_ratio"):
        return per_cent(value)
    return f"{value:,.4g}" if isinstance(value, float) else str(value)


def per_cent(ratio: float | None) -> str:
    return _NONE if ratio is None else f"{ratio:.2%}"


def number(value: float | None) -> str:
    return _NONE if value is None else f"{value:.2f}"


def sweep_line(row: Sweep, *, found: Sequence[Result], ranked: int) -> str:
    """What became of a sweep's combinations; the best of them stand in the report."""
    refused = sum(1 for item in found if item.objection)
    few = len(found) - ranked - refused
    parts = [f"{ranked:,} ranked by {row.objective}"]
    parts += [f"{refused:,} refused by the strategy"] if refused else []
    parts += [f"{few:,} with too few trades to rank"] if few else []
    return f"sweep {row.pk}: {len(found):,} combinations, {', '.join(parts)}\n"


def sweep_plain(row: Sweep, *, found: Sequence[Result], order: Sequence[Result]) -> dict[str, Any]:
    """All points, best first, then those that cannot be ranked."""
    ranked = {item.index for item in order}
    rest = [item for item in found if item.index not in ranked]
    return {
        "id": row.pk,
        "objective": row.objective,
        "trials": len(found),
        "points": [
            {
                "parameters": dict(item.parameters),
                "metrics": dict(item.metrics[0]) if item.metrics else None,
                "objection": item.objection,
            }
            for item in (*order, *rest)
        ],
    }


def walk_plain(report: Report) -> list[dict[str, Any]]:
    """The windows of a walk-forward."""
    return [asdict(fold) for fold in report.walk_forward.folds] if report.walk_forward else []


def run_plain(row: Backtest, *, trades: npt.NDArray[np.void] | None = None) -> dict[str, Any]:
    """A stored run; its trades as rows by column name when they are given."""
    plain: dict[str, Any] = {
        "id": row.pk,
        "kind": row.kind,
        "sweep": row.sweep_id,
        "strategy": row.strategy,
        "skill_digest": row.skill_digest,
        "data_digest": row.data_digest,
        "code_version": row.code_version,
        "instruments": row.instruments.split(", "),
        "timeframe": row.timeframe,
        "since": row.since.isoformat(),
        "until": row.until.isoformat(),
        "created_at": row.created_at.isoformat(),
        "duration_s": row.duration_s,
        "parameters": row.parameters,
        "settings": row.settings,
        "flags": row.flags,
        "metrics": row.metrics,
    }
    return plain if trades is None else {**plain, "trades": [_trade(trade) for trade in trades]}


def _trade(trade: np.void) -> Mapping[str, float | int | bool | None]:
    values = {name: trade[name].item() for name in trade.dtype.names or ()}
    return {name: None if value != value else value for name, value in values.items()}  # NaN is null in JSON


def bias_plain(report: BiasReport) -> dict[str, Any]:
    """A check's result as plain values."""
    return {
        "check": report.check,
        "strategy": report.strategy,
        "market": report.market,
        "is_clean": report.is_clean,
        "bars": report.bars,
        "looks": report.looks,
        "entries": report.entries,
        "differences": len(report.differences),
        "lines": list(report.lines()),
    }


def footer(row: Backtest, *, took_s: float) -> str:
    """Where the run is kept."""
    return f"stored as backtest {row.pk} ({took_s:.2f} s); neuratrade backtest --compare {row.pk} ID sets it beside another\n"
