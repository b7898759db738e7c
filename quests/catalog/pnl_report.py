"""Once a day: what the UTC day before earned, after fees and after what the models cost."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from decimal import Decimal
from typing import Any

from django.conf import settings

from agents.models import StepAnswer
from quests.protocols import RunContext
from quests.types import Cadence, JobKind, Outcome
from trading.accounting.fifo import total
from trading.accounting.performance import max_drawdown_ratio
from trading.models import Decision, EquityMark, Fill, LotClosure, Operator
from trading.services import performance
from trading.types import ONE, Mode

DAY = timedelta(days=1)
_INSTANT = timedelta(microseconds=1)  # the ledger's windows include their end, a day does not


@dataclass(frozen=True, slots=True)
class PnlReport:
    cadence: Cadence = Cadence.DAILY
    job: JobKind = JobKind.REPORT
    purpose: str = "realised PnL, fees, AI cost, equity and decisions of the day before"

    def run(self, context: RunContext) -> Outcome:
        start, end = context.scheduled_for - DAY, context.scheduled_for
        quotes = _by_quote(mode=context.account_mode, start=start, end=end)
        stable = settings.STABLE_ASSETS
        realised = total(Decimal(row["realised_pnl"]) for quote, row in quotes.items() if quote in stable)
        ai_cost = total(
            StepAnswer.objects.filter(answered_at__gte=start, answered_at__lt=end).values_list(
                "cost_usd", flat=True
            )
        )
        result = {
            "from": start.isoformat(),
            "to": end.isoformat(),
            "by_quote": quotes,
            "realised_pnl": f"{realised:.2f}",
            "ai_cost_usd": f"{ai_cost:.4f}",
            "net_pnl": f"{realised - ai_cost:.2f}",
            "round_trips": _round_trips(mode=context.account_mode, start=start, end=end),
            "equity": _equity(mode=context.account_mode, start=start, end=end),
            "decisions": _decisions(mode=context.account_mode, start=start, end=end),
        }
        trades = sum(row["fills"] for row in quotes.values())
        summary = (
            f"{start:%Y-%m-%d}: net {realised - ai_cost:+.2f} {settings.REPORTING_CURRENCY}, {trades} fills"
        )
        return Outcome(summary=summary, result=result)


def _by_quote(*, mode: Mode, start: datetime, end: datetime) -> dict[str, dict[str, Any]]:
    """Quote asset -> fills, turnover, fees and realised PnL (after fees) of the period."""
    fills = Fill.objects.filter(
        account__mode=mode, order__isnull=False, executed_at__gte=start, executed_at__lt=end
    ).select_related("instrument")
    closures = LotClosure.objects.filter(
        lot__account__mode=mode, closed_at__gte=start, closed_at__lt=end
    ).select_related("lot__instrument")
    found: dict[str, dict[str, Any]] = {}
    quotes = {fill.instrument.quote for fill in fills} | {row.lot.instrument.quote for row in closures}
    for quote in sorted(quotes):
        here = [fill for fill in fills if fill.instrument.quote == quote]
        pnl = total(row.pnl for row in closures if row.lot.instrument.quote == quote)
        found[quote] = {
            "fills": len(here),
            "turnover": format(total(fill.price * fill.size_base for fill in here), "f"),
            "fees": format(total(fill.fee_quote for fill in here if fill.fee_quote is not None), "f"),
            "realised_pnl": format(pnl, "f"),
        }
    return found


def _round_trips(*, mode: Mode, start: datetime, end: datetime) -> dict[str, dict[str, Any]]:
    """Operator -> what became flat in the period. Ratios are None where there is nothing to divide by."""
    found: dict[str, dict[str, Any]] = {}
    for operator in Operator.objects.order_by("name"):
        measured = performance.measure(operator=operator, mode=mode, since=start, until=end - _INSTANT)
        found[operator.name] = {
            "trips": measured.trips,
            "wins": measured.wins,
            "losses": measured.losses,
            "win_rate_ratio": _text(measured.win_rate_ratio),
            "profit_factor": _text(measured.profit_factor),
        }
    return found


def _text(value: Decimal | None) -> str | None:
    return None if value is None else f"{value:.4f}"


def _equity(*, mode: Mode, start: datetime, end: datetime) -> dict[str, str] | None:
    """None when equity was not marked in the period. Ratios are of net asset value, so deposits do not look like profit."""
    marks: Sequence[tuple[Decimal, Decimal]] = list(
        EquityMark.objects.filter(mode=mode, at__gte=start, at__lt=end)
        .order_by("at")
        .values_list("equity", "nav")
    )
    if not marks:
        return None
    navs = [nav for _, nav in marks]
    return {
        "start": f"{marks[0][0]:.2f}",
        "end": f"{marks[-1][0]:.2f}",
        "change_ratio": f"{navs[-1] / navs[0] - ONE:.6f}" if navs[0] > 0 else "unknown",
        "max_drawdown_ratio": f"{max_drawdown_ratio(navs):.6f}",
    }


def _decisions(*, mode: Mode, start: datetime, end: datetime) -> dict[str, int]:
    """Status -> how many of the decisions opened in the period stand there now."""
    rows = Decision.objects.filter(mode=mode, opened_at__gte=start, opened_at__lt=end)
    found: dict[str, int] = {}
    for status in rows.values_list("status", flat=True):
        found[status] = found.get(status, 0) + 1
    return found


QUEST = PnlReport()
