"""Turns the best opportunity into a decision, if the desk may take it on. One job at a time may touch an asset."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta

from django.conf import settings
from django.db import transaction

from quests.errors import AssetBusyError, RunLostError
from quests.locks import asset_lease, asset_lock
from quests.models import Run
from quests.types import Opportunity
from trading.models import Account, Decision, DeskState, Instrument, Order, Position
from trading.services import decisions, leases, protection
from trading.types import Mode, OrderState, Purpose, TradingState

# How much may be under debate at once: each open decision costs model calls and waits for the same few workers.
MAX_OPEN_DECISIONS = 3
MAX_OPEN_DECISIONS_PER_VENUE = 2
# After a decision ended, its asset rests for this many micro slots: the same evidence gives the same answer.
REST_SLOTS = 2
_LOCK_TTL_S = 30

_FINISHED = [state.value for state in OrderState if state.is_terminal]


@dataclass(frozen=True, slots=True, kw_only=True)
class Opened:
    """`decision` None: nothing was opened. `passed_over` says why, per opportunity, best first."""

    decision: Decision | None
    passed_over: tuple[str, ...] = ()


def open_best(*, run: Run, opportunities: Sequence[Opportunity], account_mode: Mode, at: datetime) -> Opened:
    """Opens a decision for the best opportunity that nothing speaks against; at most one per run, whoever repeats it."""
    passed_over: list[str] = []
    for opportunity in sorted(opportunities, key=lambda o: (-o.score, o.venue, o.symbol)):
        name = f"{opportunity.venue} {opportunity.symbol}"
        try:
            decision, refusal = _try(run=run, opportunity=opportunity, account_mode=account_mode, at=at)
        except AssetBusyError as error:
            decision, refusal = None, str(error)
        if decision is not None:
            return Opened(decision=decision, passed_over=tuple(passed_over))
        passed_over.append(f"{name}: {refusal}")
    return Opened(decision=None, passed_over=tuple(passed_over))


def _try(
    *, run: Run, opportunity: Opportunity, account_mode: Mode, at: datetime
) -> tuple[Decision | None, str]:
    """The decision, or None with the reason why not."""
    instrument = Instrument.objects.filter(
        venue__name=opportunity.venue, symbol=opportunity.symbol, is_active=True, venue__is_enabled=True
    ).first()
    if instrument is None:
        return None, "not an active instrument"
    accounts = Account.objects.select_related("operator", "venue").filter(
        venue=instrument.venue, mode=account_mode, is_enabled=True
    )
    owner, refusal = f"run:{run.id}:{run.attempts}", "no enabled account at this venue"
    with asset_lock(asset=instrument.base, owner=owner, ttl_s=_LOCK_TTL_S, at=at) as epoch:
        for account in accounts.order_by("id"):
            with transaction.atomic():
                refusal = _refusal(account=account, instrument=instrument, at=at)
                if refusal:
                    continue
                if not leases.is_held(name=asset_lease(instrument.base), owner=owner, epoch=epoch, at=at):
                    return None, f"lost the hold on {instrument.base}"
                return _open(
                    run=run, account=account, instrument=instrument, opportunity=opportunity, at=at
                ), ""
    return None, refusal


def _open(
    *, run: Run, account: Account, instrument: Instrument, opportunity: Opportunity, at: datetime
) -> Decision:
    """Inside a transaction: the decision, and the run pointing at it, or neither."""
    decision = decisions.open_decision(
        account=account,
        instrument=instrument,
        source=run.quest.name if not run.subject else f"{run.quest.name}: {run.subject}",
        market={**opportunity.market, "score": round(opportunity.score, 4), "why": opportunity.why},
        skill_name=opportunity.skill_name,
        skill_hash=opportunity.skill_hash,
        at=at,
    )
    pointed = Run.objects.filter(
        pk=run.pk, status=Run.Status.RUNNING, attempts=run.attempts, decision=None
    ).update(decision=decision)
    if pointed != 1:
        raise RunLostError(f"run {run.pk} was taken over before it opened a decision")
    return decision


def _refusal(*, account: Account, instrument: Instrument, at: datetime) -> str:
    """Why this account may not take on this asset now; empty when it may."""
    state = DeskState.objects.filter(operator=account.operator, mode=account.mode).first()
    if state is None or state.state != TradingState.ACTIVE:
        return f"the desk is {state.state if state else 'not started'}"
    if state.ok_until is None or state.ok_until <= at:
        return "the risk guard has not vouched for the desk"
    theirs = Decision.objects.filter(operator=account.operator, mode=account.mode)
    under_debate = theirs.filter(status__in=decisions.OPEN_STATUSES)
    if under_debate.filter(instrument__base=instrument.base).exists():
        return f"{instrument.base} is under debate already"
    if under_debate.count() >= MAX_OPEN_DECISIONS:
        return f"{MAX_OPEN_DECISIONS} decisions are open already"
    if under_debate.filter(account=account).count() >= MAX_OPEN_DECISIONS_PER_VENUE:
        return f"{MAX_OPEN_DECISIONS_PER_VENUE} decisions are open at this venue already"
    rest = timedelta(seconds=REST_SLOTS * settings.MICRO_EVERY_S)
    if theirs.filter(instrument__base=instrument.base, changed_at__gt=at - rest).exists():
        return f"{instrument.base} was decided less than {rest.total_seconds():.0f} s ago"
    return _exposure_refusal(account=account, asset=instrument.base)


def _exposure_refusal(*, account: Account, asset: str) -> str:
    scope = {"account__operator": account.operator, "account__mode": account.mode, "instrument__base": asset}
    held = Position.objects.filter(**scope).select_related("instrument")
    if any(not protection.is_left_over(position) for position in held):
        return f"a position in {asset} is open already"
    entries = Order.objects.filter(purpose=Purpose.ENTRY, **scope).exclude(state__in=_FINISHED)
    if entries.exists():
        return f"an entry order for {asset} is pending"
    return ""
