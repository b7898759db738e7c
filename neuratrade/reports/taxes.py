"""What `neuratrade trades` and `neuratrade export_taxes` say: plain values for JSON, and the same as text."""

from collections.abc import Sequence
from datetime import UTC
from decimal import Decimal
from pathlib import Path
from typing import Any, TypeAlias

from neuratrade.lib.dates import show
from neuratrade.lib.text import clean, short
from trading.accounting.taxes.events import Event
from trading.accounting.taxes.flags import MEANING
from trading.accounting.taxes.year import TaxYear, Term
from trading.models import PastImport
from trading.services.past_trades import Preview
from trading.services.taxes import Report

Answer: TypeAlias = tuple[dict[str, Any], str]
_PREVIEWED = 8
_NOTE = 44


def imported(seen: Preview, *, batch: PastImport | None, is_dry_run: bool) -> Answer:
    """What came in, or would."""
    answer = {
        "import": None if batch is None else batch.pk,
        "dry_run": is_dry_run,
        "format": seen.layout,
        "rows": len(seen.new),
        "repeated": seen.repeated,
        "kinds": dict(seen.kinds),
        "accounts": seen.wallets,
    }
    if not seen.new:
        return (
            answer,
            f"{seen.path.name} ({seen.layout}): all {seen.repeated:,} rows are here already; nothing to do",
        )
    times = [event.at for event in seen.new]
    kinds = ", ".join(f"{count:,} {kind}" for kind, count in seen.kinds.most_common())
    lines = [
        f"{seen.path.name} ({seen.layout}): {len(seen.new):,} rows, {show(min(times))} to {show(max(times))}"
        f"{f', {seen.repeated:,} were here already' if seen.repeated else ''}",
        f"  {kinds}; accounts {', '.join(clean(name) for name in seen.wallets)}",
    ]
    if is_dry_run:
        lines += [f"  {_line(event)}" for event in seen.new[:_PREVIEWED]]
        lines += [f"  … and {len(seen.new) - _PREVIEWED:,} more"] if len(seen.new) > _PREVIEWED else []
        lines.append("dry run: nothing was imported")
    elif batch is not None:
        lines.append(
            f"imported as number {batch.pk}; `neuratrade trades remove --import {batch.pk}` takes it back"
        )
    return answer, "\n".join(lines)


def imports(found: Sequence[PastImport]) -> Answer:
    """Every import, the newest first."""
    answer = [
        {
            "import": one.pk,
            "file": one.file_name,
            "format": one.layout,
            "rows": one.added,
            "first": one.first_at.isoformat(),
            "last": one.last_at.isoformat(),
            "imported_at": one.imported_at.isoformat(),
            "removed_at": None if one.removed_at is None else one.removed_at.isoformat(),
        }
        for one in found
    ]
    if not found:
        return {"imports": []}, "nothing was imported yet; `neuratrade trades import FILE` takes a file in"
    lines = [
        f"{one.pk:>4}  {show(one.imported_at)}  {one.layout:<10} {one.added:>8,} rows  "
        f"{one.first_at:%Y-%m-%d} to {one.last_at:%Y-%m-%d}  {clean(one.file_name)}"
        f"{'' if one.removed_at is None else f'  (removed {one.removed_at:%Y-%m-%d})'}"
        for one in found
    ]
    return {"imports": answer}, "\n".join(lines)


def rows(events: Sequence[Event], *, limit: int) -> Answer:
    """The newest rows of one import, oldest first."""
    shown = events[-limit:] if limit > 0 else events
    answer = {
        "rows": [{"id": e.id, "at": e.at.isoformat(), "kind": e.kind.value, "text": _line(e)} for e in shown]
    }
    left = len(events) - len(shown)
    lines = [f"… {left:,} older ones"] if left else []
    return answer, "\n".join(
        [*lines, *(_line(event) for event in shown)]
    ) or "this import has no rows (any more)"


def removed(batch: PastImport) -> Answer:
    """What was taken back."""
    text = f"import {batch.pk} ({clean(batch.file_name)}): {batch.added:,} rows removed"
    return {"import": batch.pk, "rows": batch.added, "removed": True}, text


def exported(found: Report, *, path: Path, layout: str) -> Answer:
    """The year in a few numbers, and what is missing in it."""
    year, header = found.year, found.header
    answer = {
        "year": header.year,
        "file": str(path),
        "format": layout,
        "method": header.method,
        "lots": header.lots,
        "currency": header.currency,
        "timezone": header.zone,
        "mode": header.mode,
        "disposals": len(year.rows),
        **{f"{term}_gain": str(year.terms[term].gain) for term in Term},
        **{f"{term}_proceeds": str(year.terms[term].proceeds) for term in Term},
        **{f"{term}_cost": str(year.terms[term].cost) for term in Term},
        "income": str(year.income_total),
        "costs": str(year.costs_total),
        "fees": str(year.fees_total),
        "unknown_disposals": year.unknown,
        "unknown_proceeds": str(year.unknown_proceeds),
        "flags": {flag.value: count for flag, count in year.flags.items()},
        "warnings": list(found.warnings),
        "generated_at": header.generated_at.astimezone(UTC).isoformat(),
    }
    return answer, "\n".join(
        [*_head(found), *_sums(year, currency=header.currency), *_missing(found), f"wrote {path}"]
    )


def _head(found: Report) -> list[str]:
    header = found.header
    label = "PAPER TRADES, not for a tax return: " if header.mode == "paper" else ""
    stable = f"; {', '.join(header.stable)} counted as 1 USD" if header.stable else ""
    return [
        f"{label}tax year {header.year}, {header.method}, lots {header.lots}, days of {header.zone}{stable}"
    ]


def _sums(year: TaxYear, *, currency: str) -> list[str]:
    lines = []
    for term in Term:
        sums = year.terms[term]
        lines.append(
            f"  {term + ' term':<11} {sums.rows:>8,} disposals   proceeds {_money(sums.proceeds):>16}   "
            f"cost {_money(sums.cost):>16}   gain {_money(sums.gain):>14} {currency}"
        )
    told = (
        f"fees in these {_money(year.fees_total)}, income {_money(year.income_total)} ({len(year.income):,})"
    )
    lines.append(f"  {told}, costs outside trades {_money(year.costs_total)} {currency}")
    return lines


def _missing(found: Report) -> list[str]:
    year = found.year
    lines = [f"  note: {warning}" for warning in found.warnings]
    if year.unknown:
        lines.append(
            f"  {year.unknown:,} disposals are in no sum, because something about them is not known "
            f"(known proceeds {_money(year.unknown_proceeds)} {found.header.currency})"
        )
    lines += [f"  {flag} × {count:,}: {MEANING[flag]}" for flag, count in sorted(year.flags.items())]
    return lines


def _line(event: Event) -> str:
    about = f"{event.at:%Y-%m-%d %H:%M:%S}  {event.kind:<11} {event.size:f} {short(clean(event.asset), length=24)}"
    if event.quote:
        about += f" for {event.total:f} {event.quote}"
    if event.fee:
        about += f", fee {event.fee:f} {event.fee_asset}"
    where = clean(event.wallet) + (f" → {clean(event.to_wallet)}" if event.to_wallet else "")
    return f"{about}  [{where}]{f'  {short(clean(event.note), length=_NOTE)}' if event.note else ''}"


def _money(amount: Decimal) -> str:
    return f"{amount:,.2f}"
