"""A market turned wild: takes the asset out of play for a while. Ends its debates, recalls its entries, holds its lock.

Open positions are not touched: their stops, targets and the risk guard look after them, and selling into a spike is how
desks lose. Volatility above 5 % starts this protocol (user's plan, "Triggered quests").
"""

from dataclasses import dataclass
from datetime import datetime

from quests.errors import AssetBusyError
from quests.locks import asset_lease
from quests.protocols import RunContext
from quests.types import Cadence, JobKind, Outcome
from trading.models import Decision, Instrument, Order
from trading.services import cancels, decisions, leases
from trading.types import OrderState, Purpose

HOLD_S = 600
_OWNER = "safe_harbour"
_MAY_REST = [state.value for state in OrderState if state.may_rest_at_venue]


@dataclass(frozen=True, slots=True)
class SafeHarbour:
    cadence: Cadence = Cadence.EVENT
    job: JobKind = JobKind.RISK_CHECK
    purpose: str = "keeps the desk out of an asset that moves too wildly"

    def run(self, context: RunContext) -> Outcome:
        facts, at = context.facts, context.at
        asset = Instrument.objects.get(venue__name=facts["venue"], symbol=facts["symbol"]).base
        reason = f"safe harbour: {facts['venue']} {facts['symbol']} ranged {facts['value']} {facts['unit']}"
        if leases.acquire(name=asset_lease(asset), owner=_OWNER, ttl_s=HOLD_S, at=at) is None:
            raise AssetBusyError(f"another job holds {asset}")
        ended = _end_debates(asset=asset, reason=reason, at=at)
        recalled = _recall_entries(asset=asset, reason=reason, at=at)
        summary = f"{asset} held for {HOLD_S} s, {ended} debates ended, {recalled} entries recalled"
        return Outcome(
            summary=summary, result={"asset": asset, "reason": reason, "ended": ended, "recalled": recalled}
        )


def _end_debates(*, asset: str, reason: str, at: datetime) -> int:
    open_ids = Decision.objects.filter(
        status__in=decisions.OPEN_STATUSES, instrument__base=asset
    ).values_list("pk", flat=True)
    return sum(
        decisions.end(decision_id=pk, status=Decision.Status.NO_TRADE, reason=reason, at=at)
        for pk in list(open_ids)
    )


def _recall_entries(*, asset: str, reason: str, at: datetime) -> int:
    resting = Order.objects.filter(
        purpose=Purpose.ENTRY, state__in=_MAY_REST, cancel_requested_at=None, instrument__base=asset
    ).values_list("pk", flat=True)
    return sum(cancels.request(order_id=pk, reason=reason, at=at) for pk in list(resting))


QUEST = SafeHarbour()
