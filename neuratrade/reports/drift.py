"""Drift and agreement in words and tables, and as plain values: why the desk earned something else than the backtest."""

from collections.abc import Mapping, Sequence
from decimal import Decimal
from typing import Any

from neuratrade.lib import dates
from neuratrade.reports.columns import table
from trading.accounting.drift import Difference, Drift, Part, Trade
from trading.services.agreement import Agreement
from trading.services.drift import DriftReport

MEANING: Mapping[Part, str] = {
    Part.MISSED: "the backtest traded, the desk did not",
    Part.EXTRA: "the desk traded, the backtest did not",
    Part.SIZE: "the desk ordered another size",
    Part.FILL: "what was ordered was not filled in full",
    Part.LATENCY: "the market moved between signal and decision",
    Part.PRICE: "spread, slippage and depth against the backtest's",
    Part.EXIT: "left for another reason, or in another bar",
    Part.FEE: "fees, and rests too small to sell",
}
_NONE = "-"
_CENT = Decimal("0.01")


def told(report: DriftReport, *, limit: int) -> str:
    """The whole report: the two results, the parts that make up their difference, and the largest single differences."""
    request, drift, quote = report.request, report.drift, report.quote
    period = f"{dates.show(request.since)} to {dates.show(request.until)}"
    head = f"Drift of {request.strategy} on {request.mode}, {period}, {', '.join(report.instruments)} {report.timeframe}"
    blocks = [head, results(drift, quote=quote), parts(drift), singles(drift, limit=limit)]
    blocks += [f"note: {note}" for note in report.notes]
    return "\n\n".join(block.rstrip("\n") for block in blocks if block)


def results(drift: Drift, *, quote: str) -> str:
    desk, backtest = _count(drift, "desk"), _count(drift, "backtest")
    rows = [
        ["desk", str(desk), _money(drift.desk_pnl)],
        ["backtest", str(backtest), _money(drift.backtest_pnl)],
        ["difference", _signed(desk - backtest), _money(drift.amount)],
    ]
    return table(["", "trades", quote], rows, right=frozenset({1, 2}))


def parts(drift: Drift) -> str:
    """One line per part that is not zero; they sum to the difference."""
    rows = [
        [
            part.value,
            str(sum(part in item.parts for item in drift.differences)),
            _money(amount),
            MEANING[part],
        ]
        for part, amount in drift.parts.items()
        if amount
    ]
    if not rows:
        return "desk and backtest made the same trades at the same prices"
    rows.append(["sum", "", _money(drift.amount), ""])
    return table(["why", "trades", "amount", ""], rows, right=frozenset({1, 2}))


def singles(drift: Drift, *, limit: int) -> str:
    """The trades that differ most, the largest first."""
    chosen = [item for item in drift.differences if item.parts]
    chosen.sort(key=lambda item: -abs(item.amount))
    if not chosen:
        return ""
    rows = [_single(item) for item in chosen[:limit]]
    text = table(
        ["entry", "market", "desk", "backtest", "difference", "why"], rows, right=frozenset({2, 3, 4})
    )
    rest = len(chosen) - len(rows)
    return text + (f"and {rest} more; --limit {len(chosen)} shows all\n" if rest else "")


def _single(item: Difference) -> list[str]:
    trade = item.backtest or item.desk
    assert trade is not None, "a difference is about at least one trade"
    return [
        f"{trade.entry_at:%Y-%m-%d %H:%M}",
        trade.instrument,
        _NONE if item.desk is None else _money(item.desk.pnl),
        _NONE if item.backtest is None else _money(item.backtest.pnl),
        _money(item.amount),
        _why(item),
    ]


def _why(item: Difference) -> str:
    if item.desk is None or item.backtest is None:
        kind = Part.EXTRA if item.backtest is None else Part.MISSED
        return f"{kind.value}: {item.reason}" if item.reason else kind.value
    named = sorted(item.parts.items(), key=lambda pair: -abs(pair[1]))
    words = [f"{part.value} {_money(amount)}" for part, amount in named if abs(amount) >= _CENT / 2]
    if item.desk.exit_kind != item.backtest.exit_kind:
        words.append(f"left by {item.desk.exit_kind.lower()}, not {item.backtest.exit_kind.lower()}")
    if item.delay is not None and item.delay.total_seconds() >= 1:
        words.append(f"{item.delay.total_seconds():.0f} s late")
    return ", ".join(words) or "under a cent"


def plain(report: DriftReport) -> dict[str, Any]:
    """For `--json`: money in the quote asset, decimals as text."""
    request, drift = report.request, report.drift
    return {
        "strategy": request.strategy,
        "mode": request.mode.value,
        "from": request.since.isoformat(),
        "to": request.until.isoformat(),
        "timeframe": report.timeframe,
        "instruments": list(report.instruments),
        "quote": report.quote,
        **plain_drift(drift),
        "notes": list(report.notes),
    }


def plain_drift(drift: Drift) -> dict[str, Any]:
    """The comparison alone."""
    return {
        "desk": {"trades": _count(drift, "desk"), "pnl_quote": _text(drift.desk_pnl)},
        "backtest": {"trades": _count(drift, "backtest"), "pnl_quote": _text(drift.backtest_pnl)},
        "difference_quote": _text(drift.amount),
        "parts_quote": {part.value: _text(amount) for part, amount in drift.parts.items()},
        "differences": [_plain_difference(item) for item in drift.differences],
    }


def _plain_difference(item: Difference) -> dict[str, Any]:
    return {
        "desk": _plain_trade(item.desk),
        "backtest": _plain_trade(item.backtest),
        "difference_quote": _text(item.amount),
        "parts_quote": {part.value: _text(amount) for part, amount in item.parts.items()},
        "delay_s": None if item.delay is None else item.delay.total_seconds(),
        "reason": item.reason,
    }


def _plain_trade(trade: Trade | None) -> dict[str, Any] | None:
    if trade is None:
        return None
    return {
        "id": trade.id,
        "instrument": trade.instrument,
        "entry_at": trade.entry_at.isoformat(),
        "exit_at": trade.exit_at.isoformat(),
        "entry_price": _text(trade.entry_price),
        "exit_price": _text(trade.exit_price),
        "size_base": _text(trade.size_base),
        "fees_quote": _text(trade.fees),
        "pnl_quote": _text(trade.pnl),
        "exit_kind": trade.exit_kind.lower(),
    }


def agreed(found: Agreement) -> str:
    """What kernel and desk made of the same bars."""
    pairs = len(found.drift.differences)
    lines = [f"{found.agreed} of {pairs} trades agree with the backtest's"]
    lines += [f"  {item}" for item in _first(found.breaches)]
    if found.vetoes:
        lines.append(f"{len(found.vetoes)} entries the desk did not make, taken out of the backtest too")
        lines += [f"  {veto.at:%Y-%m-%d %H:%M} {veto.reason[:100]}" for veto in found.vetoes[:_MOST_LINES]]
    if found.explained:
        lines.append(f"{len(found.explained)} foreseen by the rules")
        lines += [f"  {item}" for item in _first(found.explained)]
    return "\n".join(lines)


_MOST_LINES = 10


def _first(lines: Sequence[str]) -> list[str]:
    rest = len(lines) - _MOST_LINES
    return [*lines[:_MOST_LINES], *([f"and {rest} more"] if rest > 0 else [])]


def _count(drift: Drift, side: str) -> int:
    return sum(getattr(item, side) is not None for item in drift.differences)


def _money(amount: Decimal) -> str:
    rounded = amount.quantize(_CENT)
    return f"{rounded if rounded else abs(rounded):+,.2f}"


def _signed(number: int) -> str:
    return f"{number:+d}" if number else "0"


def _text(amount: Decimal) -> str:
    return format(amount.normalize(), "f")
