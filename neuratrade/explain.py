"""One decision as one object: what was seen, said, checked, signed, sent, filled, earned and paid. Reads only.

All decimals are text, all times ISO 8601 in UTC. A part that did not happen is empty or None, never left out.
"""

from collections.abc import Iterable
from datetime import UTC, datetime
from decimal import Decimal
from typing import Any
from uuid import UUID

from django.db.models import Q

from agents.services.transcript import transcript
from trading.accounting import fifo
from trading.errors import ApprovalError, ConfigurationError, StaleDataError
from trading.models import Approval, Decision, Fill, Lot, LotClosure, Order, RiskCheck
from trading.risk.approval import decode, verify
from trading.services import keys, market
from trading.types import ZERO, Purpose

Plain = dict[str, Any]


def explain(decision_id: UUID | str) -> Plain:
    """The whole chain of a decision; raises Decision.DoesNotExist.

    Keys: decision, market, debate, evidence, verdict {rules}, approval, orders, fills, pnl, cost, skill. `market` is what the
    quest saw, and `approval` is the entry's; each order carries its own too.
    """
    decision = Decision.objects.select_related("operator", "instrument__venue", "account__venue").get(
        pk=decision_id
    )
    rows = decision.orders.select_related("instrument", "account__venue").order_by("created_at", "leg", "pk")
    orders = sorted(rows, key=lambda order: (order.created_at, order.purpose != Purpose.ENTRY))
    fills = Fill.objects.filter(order__in=orders).order_by("executed_at", "pk")
    said = transcript(decision.pk)
    entry = next((order for order in orders if order.purpose == Purpose.ENTRY), None)
    return {
        "decision": _decision(decision),
        "market": decision.market,
        "debate": said["debate"],
        "evidence": said["evidence"],
        "verdict": _verdict(decision),
        "approval": _approval(entry) if entry else None,
        "orders": [_order(order) for order in orders],
        "fills": [_fill(fill) for fill in fills],
        "pnl": _pnl(decision),
        "cost": said["cost"],
        "skill": said["skill"],
    }


def latest_executed_decision(mode: str | None = None) -> Decision | None:
    """The decision of the newest entry fill; None when none was executed yet. `mode` None: in any mode."""
    fills = Fill.objects.filter(order__decision__isnull=False, order__purpose=Purpose.ENTRY)
    if mode is not None:
        fills = fills.filter(order__mode=mode)
    newest = fills.select_related("order__decision").order_by("-executed_at", "-pk").first()
    return newest.order.decision if newest is not None and newest.order is not None else None


def _decision(decision: Decision) -> Plain:
    return {
        "id": str(decision.pk),
        "status": decision.status,
        "reason": decision.reason,
        "mode": decision.mode,
        "operator": decision.operator.name,
        "venue": decision.instrument.venue.name,
        "symbol": decision.instrument.symbol,
        "base": decision.instrument.base,
        "quote": decision.instrument.quote,
        "source": decision.source,
        "opened_at": _time(decision.opened_at),
        "changed_at": _time(decision.changed_at),
        "idea": decision.idea,
        "plan": decision.plan,
        "review": decision.review,
    }


def _verdict(decision: Decision) -> Plain:
    """The rules' answers about the entry; `approved` None: the gate was never asked."""
    rows = list(
        decision.risk_checks.filter(Q(order=None) | Q(order__purpose=Purpose.ENTRY)).order_by(
            "checked_at", "pk"
        )
    )
    return {
        "approved": all(row.passed for row in rows) if rows else None,
        "checked_at": _time(rows[-1].checked_at) if rows else None,
        "snapshot_hash": rows[-1].snapshot_hash if rows else None,
        "rules": _rules(rows),
    }


def _rules(rows: Iterable[RiskCheck]) -> list[Plain]:
    return [
        {"rule": row.rule, "passed": row.passed, "message": row.message, "numbers": row.numbers}
        for row in rows
    ]


def _approval(order: Order) -> Plain | None:
    """The signed permission; `signature_ok` None: the public key is not on this machine."""
    approval = order.approvals.select_related("use").order_by("-issued_at").first()
    if approval is None:
        return None
    use = getattr(approval, "use", None)
    try:
        terms: Plain = {name: getattr(decode(bytes(approval.payload)), name) for name in _SHOWN_TERMS}
    except ApprovalError:
        terms = {}
    return {
        "id": str(approval.pk),
        "order": str(order.pk),
        "key_id": approval.key_id,
        "issued_at": _time(approval.issued_at),
        "expires_at": _time(approval.expires_at),
        "used_at": _time(use.used_at) if use else None,
        "notional_quote": _text(use.notional_quote) if use else None,
        "signature_ok": _signature_ok(approval),
        "signature": bytes(approval.signature).hex(),
        "terms": terms,
    }


_SHOWN_TERMS = (
    "purpose",
    "mode",
    "venue",
    "symbol",
    "side",
    "type",
    "time_in_force",
    "size_base",
    "price_bound",
    "stop_price",
    "target_price",
    "reduce_only",
    "notional_cap_quote",
    "exposure_cap_quote",
    "reference_price",
    "max_deviation_bps",
    "breaker_epoch",
    "policy_hash",
    "snapshot_hash",
    "skill_hash",
)


def _signature_ok(approval: Approval) -> bool | None:
    try:
        key = keys.public_key()
    except ConfigurationError:
        return None
    try:
        verify(bytes(approval.payload), signature=bytes(approval.signature), key_id=approval.key_id, key=key)
    except ApprovalError:
        return False
    return True


def _order(order: Order) -> Plain:
    steps = order.transitions.order_by("version")
    return {
        "id": str(order.pk),
        "purpose": order.purpose,
        "reason": order.reason,
        "state": order.state,
        "side": order.side,
        "type": order.type,
        "time_in_force": order.time_in_force,
        "size_base": _text(order.size_base),
        "filled_base": _text(order.filled_base),
        "price_bound": _text(order.price_bound),
        "stop_price": _text(order.stop_price),
        "target_price": _text(order.target_price),
        "close_by": _time(order.close_by),
        "reduce_only": order.reduce_only,
        "client_order_id": order.client_order_id,
        "venue_order_id": order.venue_order_id,
        "created_at": _time(order.created_at),
        "sent_at": _time(order.sent_at),
        "approval": _approval(order),
        "rules": _rules(order.risk_checks.order_by("checked_at", "pk")),
        "transitions": [
            {"from": step.from_state, "to": step.to_state, "reason": step.reason, "at": _time(step.at)}
            for step in steps
        ],
    }


def _fill(fill: Fill) -> Plain:
    return {
        "order": str(fill.order_id),
        "trade_id": fill.trade_id,
        "side": fill.side,
        "price": _text(fill.price),
        "size_base": _text(fill.size_base),
        "value_quote": _text(fifo.product(fill.size_base, fill.price)),
        "fee": _text(fill.fee),
        "fee_asset": fill.fee_asset,
        "fee_quote": _text(fill.fee_quote),
        "is_maker": fill.is_maker,
        "executed_at": _time(fill.executed_at),
    }


def _pnl(decision: Decision) -> Plain:
    """What the lots of this decision earned, after fees; `unrealised` None: nothing is open, or no price is known now."""
    lots = list(Lot.objects.filter(fill__order__decision=decision))
    closures = LotClosure.objects.filter(lot__in=lots)
    realised = fifo.total(closures.values_list("pnl", flat=True))
    open_base = fifo.total(lot.remaining_base for lot in lots)
    open_cost = fifo.total(lot.remaining_cost for lot in lots)
    mark = _mark(decision, open_base=open_base)
    unrealised = None if mark is None else fifo.total([fifo.product(open_base, mark), -open_cost])
    fills = Fill.objects.filter(order__decision=decision)
    fees = [fee for fee in fills.values_list("fee_quote", flat=True) if fee is not None]
    return {
        "asset": decision.instrument.quote,
        "status": "none" if not lots else "open" if open_base else "closed",
        "realised": _text(realised),
        "unrealised": _text(unrealised),
        "total": _text(fifo.total([realised, unrealised or ZERO])),
        "fees_quote": _text(fifo.total(fees)),
        "open_base": _text(open_base),
        "open_cost": _text(open_cost),
        "mark_price": _text(mark),
        "closed_at": _time(max((row.closed_at for row in closures), default=None)) if not open_base else None,
    }


def _mark(decision: Decision, *, open_base: Decimal) -> Decimal | None:
    """What the open part could be closed at now: the bid for a long, the ask for a short."""
    if not open_base:
        return None
    try:
        quote = market.latest_quote(venue=decision.instrument.venue.name, symbol=decision.instrument.symbol)
    except StaleDataError:
        return None
    return None if quote is None else quote.bid if open_base > 0 else quote.ask


def _text(value: Decimal | None) -> str | None:
    """Plain digits without exponent or idle zeros."""
    if value is None:
        return None
    text = format(value, "f")
    return (text.rstrip("0").rstrip(".") if "." in text else text) or "0"


def _time(value: datetime | None) -> str | None:
    return None if value is None else value.astimezone(UTC).isoformat()
