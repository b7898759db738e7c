"""The gate: sizes a reviewed decision, asks every rule, and signs or vetoes. The only way an order comes into being approved."""

import logging
from dataclasses import dataclass
from datetime import datetime, timedelta
from functools import partial
from uuid import UUID

import redis
from django.conf import settings
from django.db import transaction

from neuratrade.lib import redis as bus
from trading.encoding import decode
from trading.errors import ApprovalError, InvalidValueError, TradingError
from trading.models import Account, Decision, Instrument, Order, RiskCheck
from trading.risk.digest import digest
from trading.risk.limits import RiskLimits, for_exit, for_profile
from trading.risk.sizing import size_entry
from trading.risk.verdict import judge, refusal
from trading.services import approvals, decisions, events, journal, snapshot
from trading.types import (
    ONE,
    ZERO,
    OrderState,
    OrderType,
    ProposedOrder,
    Purpose,
    Review,
    Side,
    Snapshot,
    TimeInForce,
    TradeIdea,
    TradePlan,
    Verdict,
)

log = logging.getLogger(__name__)

Status = Decision.Status
REDUCE_ONLY = (Purpose.PROTECT, Purpose.EXIT, Purpose.LIQUIDATE)


@dataclass(frozen=True, slots=True, kw_only=True)
class Judgement:
    """A verdict with what it was about. `order` None: it never got as far as an order."""

    verdict: Verdict
    order: ProposedOrder | None
    seen: Snapshot
    limits: RiskLimits


def check_decision(*, decision_id: UUID | str, at: datetime) -> Verdict | None:
    """Takes a REVIEWED decision to APPROVED, with its signed order, or to VETOED with the reasons.

    None when the decision is not waiting for the gate: a message that arrives twice does nothing the second time.
    """
    if not decisions.claim(
        decision_id=decision_id, from_status=Status.REVIEWED, to_status=Status.CHECKING, at=at
    ):
        return None
    decision = Decision.objects.select_related(
        "account__operator", "account__venue", "instrument__venue"
    ).get(pk=decision_id)
    try:
        idea, plan, review = _inputs(decision)
        judged = consider(
            account=decision.account,
            instrument=decision.instrument,
            idea=idea,
            plan=plan,
            review=review,
            strategy=decision.skill_name,
            at=at,
        )
    except TradingError as error:
        decisions.end(decision_id=decision_id, status=Status.FAILED, reason=f"risk gate: {error}", at=at)
        return refusal("inputs", str(error))
    _conclude(decision, judged=judged, plan=plan, at=at)
    return judged.verdict


def consider(
    *,
    account: Account,
    instrument: Instrument,
    idea: TradeIdea,
    plan: TradePlan,
    review: Review,
    at: datetime,
    strategy: str = "",
) -> Judgement:
    """What the gate would say now. Writes nothing, so tools may ask it too; raises TradingError when the desk cannot be read."""
    limits = for_profile(account.operator.risk_profile)
    seen = snapshot.take(account=account, instrument=instrument, at=at)
    if instrument.quote not in settings.STABLE_ASSETS:
        verdict = refusal(
            "reporting_currency",
            f"{instrument.quote} is not counted as {settings.REPORTING_CURRENCY}; its risk cannot be measured",
        )
        return Judgement(verdict=verdict, order=None, seen=seen, limits=limits)
    sized = size_entry(idea=idea, plan=plan, review=review, snapshot=seen, limits=limits, strategy=strategy)
    verdict = Verdict(results=()) if sized.order is None else judge(sized.order, snapshot=seen, limits=limits)
    verdict = verdict.plus(sized.result)
    if review.is_veto:
        reasons = "; ".join(review.reasons) or "no reason given"
        verdict = verdict.plus(refusal("review", f"the reviewer vetoed it: {reasons}").results[0])
    return Judgement(verdict=verdict, order=sized.order, seen=seen, limits=limits)


def sign_reduce_only(*, order_id: UUID | str, at: datetime) -> Verdict | None:
    """Signs a PROPOSED order that only reduces a position, or aborts it with the reason; None when it is not such an order."""
    order = (
        Order.objects.select_related("account__operator", "account__venue", "instrument__venue", "decision")
        .filter(
            pk=order_id,
            state=OrderState.PROPOSED,
            reduce_only=True,
            purpose__in=[item.value for item in REDUCE_ONLY],
        )
        .first()
    )
    if order is None:
        return None
    limits = for_exit(order.account.operator.risk_profile)
    seen = snapshot.take_for_exit(account=order.account, instrument=order.instrument, at=at)
    verdict = judge(_proposed(order), snapshot=seen, limits=limits)
    with transaction.atomic():
        _record(verdict, seen=seen, decision=order.decision, order=order, at=at)
        if not verdict.is_approved:
            journal.move(
                order_id=order.pk,
                from_states=(OrderState.PROPOSED,),
                to_state=OrderState.ABORTED,
                reason=_reasons(verdict),
                at=at,
            )
        else:
            _approve(order, seen=seen, limits=limits, at=at)
    return verdict


def _inputs(decision: Decision) -> tuple[TradeIdea, TradePlan, Review]:
    """The debate's typed answers; raises InvalidValueError when one is missing or about another instrument."""
    if decision.idea is None or decision.plan is None:
        raise InvalidValueError("the decision has no idea or no plan to check")
    idea = decode(TradeIdea, decision.idea)
    if (idea.venue, idea.symbol) != (decision.instrument.venue.name, decision.instrument.symbol):
        raise InvalidValueError(
            f"the idea is about {idea.venue} {idea.symbol}, the decision about {decision.instrument}"
        )
    if decision.review is None:
        raise InvalidValueError("the decision was never reviewed")
    return idea, decode(TradePlan, decision.plan), decode(Review, decision.review)


def _conclude(decision: Decision, *, judged: Judgement, plan: TradePlan, at: datetime) -> None:
    """Writes the verdict and what follows from it, all or nothing."""
    with transaction.atomic():
        if judged.verdict.is_approved and judged.order is not None:
            moved = decisions.advance(
                decision_id=decision.pk,
                from_status=Status.CHECKING,
                to_status=Status.APPROVED,
                at=at,
                reason="every rule passed",
            )
        else:
            moved = decisions.end(
                decision_id=decision.pk, status=Status.VETOED, reason=_reasons(judged.verdict), at=at
            )
        if not moved:
            return
        _record(judged.verdict, seen=judged.seen, decision=decision, order=None, at=at)
        if judged.verdict.is_approved and judged.order is not None:
            order = _propose(decision, judged.order, plan=plan, at=at)
            _approve(order, seen=judged.seen, limits=judged.limits, at=at)


def _propose(decision: Decision, proposed: ProposedOrder, *, plan: TradePlan, at: datetime) -> Order:
    order = Order(
        decision=decision,
        account=decision.account,
        instrument=decision.instrument,
        purpose=proposed.purpose,
        reason=f"entry of decision {decision.pk.hex[:8]}",
        mode=decision.account.mode,
        side=proposed.side,
        type=proposed.type,
        time_in_force=proposed.time_in_force,
        size_base=proposed.size_base,
        price_bound=proposed.price_bound,
        stop_price=proposed.stop_price,
        target_price=proposed.target_price,
        close_by=at + timedelta(seconds=plan.max_hold_s),
        created_at=at,
        changed_at=at,
    )
    order.client_order_id = journal.client_order_id(order_id=order.pk, leg=order.leg)
    order.save(force_insert=True)
    events.append(
        kind="order.proposed",
        mode=order.mode,
        decision=decision,
        payload=journal.payload_of(order, reason=order.reason),
        at=at,
    )
    return order


def _approve(order: Order, *, seen: Snapshot, limits: RiskLimits, at: datetime) -> None:
    if not journal.move(
        order_id=order.pk,
        from_states=(OrderState.PROPOSED,),
        to_state=OrderState.APPROVED,
        reason="every rule passed; signed",
        at=at,
    ):
        raise ApprovalError("the order was taken back before it could be signed")
    approvals.issue(order=order, seen=seen, limits=limits, at=at)
    transaction.on_commit(partial(_wake_executor, order.pk))


def _record(
    verdict: Verdict, *, seen: Snapshot, decision: Decision | None, order: Order | None, at: datetime
) -> None:
    snapshot_hash = digest(seen)
    RiskCheck.objects.bulk_create(
        RiskCheck(
            decision=decision,
            order=order,
            rule=result.rule,
            passed=result.passed,
            message=result.message,
            numbers=result.numbers,
            snapshot_hash=snapshot_hash,
            checked_at=at,
        )
        for result in verdict.results
    )
    events.append(
        kind="verdict.given",
        mode=seen.mode,
        decision=decision,
        payload={
            "order": str(order.pk) if order else None,
            "is_approved": verdict.is_approved,
            "vetoes": [f"{result.rule}: {result.message}" for result in verdict.vetoes],
            "rules": len(verdict.results),
            "snapshot_hash": snapshot_hash,
        },
        at=at,
    )


def _proposed(order: Order) -> ProposedOrder:
    """A reduce-only order as the rules see it. A stop has no bound: what it is compared with is where it triggers."""
    return ProposedOrder(
        purpose=Purpose(order.purpose),
        side=Side(order.side),
        type=OrderType(order.type),
        time_in_force=TimeInForce(order.time_in_force),
        size_base=order.size_base,
        price_bound=order.price_bound or order.stop_price or ZERO,
        stop_price=order.stop_price,
        target_price=order.target_price,
        confidence_ratio=ONE,
    )


def _reasons(verdict: Verdict) -> str:
    return "; ".join(f"{result.rule}: {result.message}" for result in verdict.vetoes)


def _wake_executor(order_id: UUID) -> None:
    try:
        bus.publish(bus.WAKE_EXECUTOR, str(order_id))
    except redis.RedisError:
        log.warning(
            "order %s is approved but Redis did not take the hint; the executor's poll finds it", order_id
        )
