"""What `neuratrade candles` says: as text for a terminal, as plain values for JSON."""

from collections.abc import Sequence
from datetime import datetime
from typing import Any

from neuratrade.lib.dates import show
from neuratrade.reports.columns import table
from trading.history.quality import Gap
from trading.history.store import Dataset
from trading.services.history import GapReport
from trading.services.history_download import Download
from trading.services.history_files import Imported

_SHOWN_GAPS = 40


def downloaded(done: Download, *, name: str) -> str:
    """One line per thing the operator should know about a download."""
    period = f"{show(done.since)} to before {show(done.until)}"
    if done.earliest is None:
        return f"{name}: the venue has no candles from {period}"
    lines = [f"{name}: {_saved(done.added, replaced=done.replaced)}, {period}"]
    if done.earliest > done.since:
        lines.append(f"the venue has none before {show(done.earliest)}")
    if done.unusable:
        lines.append(
            f"{done.unusable:,} of the venue's candles are none (open or close outside low and high); left out"
        )
    return "\n".join(lines)


def imported(done: Imported) -> str:
    """One line per thing the operator should know about an import."""
    saved, what = done.saved, done.timeframe or done.kind
    first = (
        f"{done.venue} {done.symbol} {what}: {_saved(saved.added, replaced=saved.replaced, noun=_noun(done))}"
    )
    if saved.unchanged:
        first += f", {saved.unchanged:,} were there already"
    lines = [f"{first}; {show(done.first)} to {show(done.last)}"]
    if done.missing:
        share = done.missing / (done.missing + done.rows)
        lines.append(
            f"{done.missing:,} bars are missing in between ({share:.2%}); `neuratrade candles gaps` lists where"
        )
    lines += [f"left out: {count:,} {reason}" for reason, count in done.dropped.items()]
    return "\n".join([*lines, *done.notes])


def listed(datasets: Sequence[Dataset]) -> str:
    """A row per stored dataset."""
    if not datasets:
        return (
            "nothing is stored yet; `neuratrade candles download --venue binance --instrument BTC/USDT --timeframe 1m` or "
            "`neuratrade candles import FILE` brings candles"
        )
    rows = [
        (
            *(one.venue, one.symbol, one.timeframe or one.kind),
            *(
                _day(one.first),
                _day(one.last),
                f"{one.bars:,}",
                f"{one.gaps:,}" if one.timeframe else "",
                one.trouble,
            ),
        )
        for one in datasets
    ]
    return table(("venue", "instrument", "bars of", "from", "to", "rows", "missing", ""), rows, right={5, 6})


def gaps(reports: Sequence[GapReport], *, wants_all: bool) -> str:
    """Each dataset with its share of missing bars, and its gaps, the widest ones when there are many."""
    parts = []
    for report in reports:
        one = report.dataset
        missing = sum(gap.missing for gap in report.gaps)
        head = f"{one.venue} {one.symbol} {one.timeframe}, {_day(one.first)} to {_day(one.last)}, {_count(one.bars, 'bar')}: "
        if not missing:
            parts.append(f"{head}no gap")
            continue
        head += f"{_count(len(report.gaps), 'gap')}, {_count(missing, 'bar')} missing ({report.missing_ratio:.2%})"
        parts.append(f"{head}\n{_gap_table(report.gaps, wants_all=wants_all)}")
    return "\n".join(parts)


def plain_dataset(one: Dataset) -> dict[str, Any]:
    return {
        **{"venue": one.venue, "instrument": one.symbol, "kind": one.kind, "timeframe": one.timeframe},
        **{"first": _iso(one.first), "last": _iso(one.last), "rows": one.bars, "missing_bars": one.gaps},
        "trouble": one.trouble,
    }


def plain_gaps(report: GapReport) -> dict[str, Any]:
    found = [
        {"from": _iso(gap.since), "to": _iso(gap.until), "missing_bars": gap.missing} for gap in report.gaps
    ]
    return {**plain_dataset(report.dataset), "missing_ratio": report.missing_ratio, "gaps": found}


def _gap_table(found: Sequence[Gap], *, wants_all: bool) -> str:
    shown = found
    if len(found) > _SHOWN_GAPS and not wants_all:
        widest = sorted(found, key=lambda gap: -gap.missing)[:_SHOWN_GAPS]
        shown = sorted(widest, key=lambda gap: gap.since)
    rows = [("", show(gap.since), show(gap.until), f"{gap.missing:,}") for gap in shown]
    text = table(("", "from", "to before", "missing bars"), rows, right={3})
    hidden = len(found) - len(shown)
    return f"{text}\n  and {hidden:,} smaller ones; --all lists them" if hidden else text


def _count(number: int, noun: str) -> str:
    return f"{number:,} {noun}{'' if number == 1 else 's'}"


def _saved(added: int, *, replaced: int, noun: str = "candle") -> str:
    return f"{_count(added, noun)} added" + (f", {replaced:,} replaced by newer values" if replaced else "")


def _noun(done: Imported) -> str:
    return "candle" if done.timeframe else "value"


def _day(at: datetime | None) -> str:
    return "" if at is None else show(at)


def _iso(at: datetime | None) -> str | None:
    return None if at is None else at.isoformat()
