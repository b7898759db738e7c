"""Once a week: whether each venue charged what its fee schedule says, and what share of turnover went to fees."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import timedelta
from decimal import Decimal
from typing import Any

from quests.protocols import RunContext
from quests.types import Cadence, JobKind, Outcome
from trading.accounting.fifo import total
from trading.models import Fill
from trading.types import ONE, ZERO

WEEK = timedelta(days=7)
# Rounding of tiny fills moves the ratio a little; more than this above the schedule is worth a question to the venue.
TOLERANCE_RATIO = Decimal("0.05")


@dataclass(frozen=True, slots=True)
class FeeAudit:
    cadence: Cadence = Cadence.WEEKLY
    job: JobKind = JobKind.REPORT
    purpose: str = "fees charged against the venues' schedules, maker share, fees against turnover"

    def run(self, context: RunContext) -> Outcome:
        start, end = context.scheduled_for - WEEK, context.scheduled_for
        fills = list(
            Fill.objects.filter(
                account__mode=context.account_mode, executed_at__gte=start, executed_at__lt=end
            ).select_related("instrument__venue")
        )
        venues = sorted({fill.instrument.venue.name for fill in fills})
        audited = {venue: _audit([f for f in fills if f.instrument.venue.name == venue]) for venue in venues}
        overcharged = [venue for venue, row in audited.items() if row["is_overcharged"]]
        summary = f"{len(fills)} fills at {len(venues)} venues; " + (
            f"charged above schedule: {', '.join(overcharged)}"
            if overcharged
            else "nobody charged above schedule"
        )
        return Outcome(
            summary=summary, result={"from": start.isoformat(), "to": end.isoformat(), "venues": audited}
        )


def _audit(fills: Sequence[Fill]) -> dict[str, Any]:
    """Fees in third assets are counted apart: their worth in quote is not known here."""
    priced = [fill for fill in fills if fill.fee_quote is not None]
    turnover = total(_notional(fill) for fill in priced)
    charged = total(fill.fee_quote for fill in priced if fill.fee_quote is not None)
    scheduled = total(_notional(fill) * _scheduled_ratio(fill) for fill in priced)
    made = total(_notional(fill) for fill in priced if fill.is_maker)
    return {
        "fills": len(fills),
        "fills_with_fee_in_third_asset": len(fills) - len(priced),
        "turnover": f"{turnover:.2f}",
        "charged": f"{charged:.6f}",
        "scheduled": f"{scheduled:.6f}",
        "effective_ratio": f"{charged / turnover:.6f}" if turnover else None,
        "maker_share_ratio": f"{made / turnover:.4f}" if turnover else None,
        "is_overcharged": scheduled > ZERO and charged > scheduled * (ONE + TOLERANCE_RATIO),
    }


def _notional(fill: Fill) -> Decimal:
    return fill.price * fill.size_base


def _scheduled_ratio(fill: Fill) -> Decimal:
    """The instrument's fee as the venue published it when instruments were last read."""
    return fill.instrument.maker_fee_ratio if fill.is_maker else fill.instrument.taker_fee_ratio


QUEST = FeeAudit()
