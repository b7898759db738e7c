"""Once an hour: what the desk is worth and holds, how far that drifted from the hour before, whether the books are right, and a
checkpoint of the audit trail kept outside the database. A broken invariant is recorded as an event that streams and
dashboards show."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from datetime import timedelta
from decimal import Decimal
from typing import Any

from django.conf import settings
from django.db import transaction

from quests.protocols import RunContext
from quests.types import Cadence, JobKind, Outcome
from trading.models import EquityMark, Position
from trading.services import audit, events, invariants
from trading.types import ONE, ZERO

HOUR = timedelta(hours=1)


@dataclass(frozen=True, slots=True)
class PortfolioHealth:
    cadence: Cadence = Cadence.HOURLY
    job: JobKind = JobKind.REPORT
    purpose: str = "equity, drift, holdings, invariants of the books, checkpoint of the audit trail"

    def run(self, context: RunContext) -> Outcome:
        """Each part is saved as it is done, so that an interrupted run does not check the books twice."""
        parts: Mapping[str, Callable[[RunContext], dict[str, Any]]] = {
            "equity": _equity,
            "holdings": _holdings,
            "books": _books,
            "audit": _audit,
        }
        done: dict[str, Any] = dict(context.checkpoint)
        for number, (name, part) in enumerate(parts.items(), start=1):
            if name not in done:
                done[name] = part(context)
                context.save(done, number / (len(parts) + 1), name)
        broken = len(done["books"]["violations"])
        books = f"{broken} INVARIANTS BROKEN" if broken else "books are right"
        return Outcome(
            summary=f"equity {done['equity']['equity']}, {len(done['holdings']['positions'])} positions, {books}",
            result=done,
        )


def _equity(context: RunContext) -> dict[str, Any]:
    marks = EquityMark.objects.filter(mode=context.account_mode, at__lte=context.at)
    last = marks.order_by("-at").first()
    if last is None:
        return {"equity": "unknown", "note": "the risk guard has not marked equity yet"}
    before = marks.filter(at__lte=last.at - HOUR).order_by("-at").first()
    peak = max(marks.filter(at__gt=last.at - 24 * HOUR).values_list("nav", flat=True), default=last.nav)
    return {
        "equity": f"{last.equity:.2f}",
        "as_of": last.at.isoformat(),
        "is_fresh": last.is_fresh,
        "change_1h_ratio": None if before is None else _ratio(last.nav, before.nav),
        "below_24h_peak_ratio": _ratio(last.nav, peak),
    }


def _holdings(context: RunContext) -> dict[str, Any]:
    """Positions at cost with their share of the desk's equity: what drifted is what grew large."""
    mark = EquityMark.objects.filter(mode=context.account_mode).order_by("-at").first()
    held = Position.objects.filter(account__mode=context.account_mode).select_related("instrument__venue")
    positions = [
        {
            "instrument": str(position.instrument),
            "size_base": format(position.size_base, "f"),
            "cost": f"{position.size_base * position.average_cost:.2f}",
            "share_of_equity_ratio": _share(position, mark),
            "is_protected": position.unprotected_since is None,
        }
        for position in held
        if position.size_base != ZERO
    ]
    return {"positions": positions}


def _books(context: RunContext) -> dict[str, Any]:
    violations = invariants.check(at=context.at)
    if violations:
        with transaction.atomic():
            for violation in violations:
                events.append(
                    kind="invariant.violated",
                    mode=settings.MODE,
                    payload={"name": violation.name, "message": violation.message, "run": context.run_id},
                    at=context.at,
                )
    return {
        "checked": len(invariants.names()),
        "violations": [f"{violation.name}: {violation.message}" for violation in violations],
    }


def _audit(context: RunContext) -> dict[str, Any]:
    """A broken trail must not be stamped as right, nor end the run: the books' part has already reported it."""
    try:
        head = audit.checkpoint(at=context.at)
    except audit.AuditError as error:
        return {"error": str(error)}
    return {"head": head.id, "digest": head.digest}


def _share(position: Position, mark: EquityMark | None) -> str | None:
    if mark is None or mark.equity <= 0:
        return None
    return f"{position.size_base * position.average_cost / mark.equity:.4f}"


def _ratio(now: Decimal, before: Decimal) -> str | None:
    return f"{now / before - ONE:.6f}" if before > 0 else None


QUEST = PortfolioHealth()
