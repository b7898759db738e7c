"""Lists of the research bench as text and as plain values: strategies, stored runs, runs side by side, a sweep's best points."""

from collections.abc import Mapping, Sequence
from dataclasses import asdict
from typing import Any

import numpy as np
import numpy.typing as npt

from neuratrade.reports.columns import table
from trading.backtest.bias import BiasReport
from trading.backtest.report.values import Report
from trading.models import Backtest, Sweep
from trading.playbook import Play
from trading.services import comparing
from trading.services.sweep_results import Result


def strategies_table(plays: Sequence[Play]) -> str:
    """A line per strategy, and how to go on."""
    rows = [(play.name, " ".join(play.timeframes), _sentence(play.description)) for play in plays]
    return (
        table(("strategy", "timeframes", "what it does"), rows)
        + "\n\nneuratrade backtest STRATEGY --venue binance --instrument BTC/USDT --timeframe 5m\n"
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
            row.strategy if row.kind == Backtest.Kind.SINGLE else f"{row.strategy} ({_kind(row)})",
            row.version,
            row.instruments,
            row.timeframe,
            f"{row.since:%Y-%m-%d}",
            f"{row.until:%Y-%m-%d}",
            f"{row.trade_count:,}",
            comparing.per_cent(row.total_return_ratio),
            comparing.number(row.sharpe),
            comparing.per_cent(row.max_drawdown_ratio),
            comparing.flags_of(row) or comparing.NONE,
        )
        for row in rows
    ]
    return table(headings, cells, right=frozenset({0, 8, 9, 10, 11}))


def _kind(row: Backtest) -> str:
    return row.kind.replace("_", " ")


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
