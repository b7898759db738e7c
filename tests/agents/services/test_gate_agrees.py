"""What the rules desk plans, the gate approves: both use the same arithmetic."""

from agents.services import sessions
from agents.types import Role
from tests.agents.market import Ticker, open_decision
from tests.factories import AT, Desk
from trading.models import Decision
from trading.services import gate, keys


def test_the_gate_approves_what_the_rules_desk_plans(trading_desk: Desk) -> None:
    keys.create_if_absent()
    decision = open_decision(trading_desk)
    for role in Role:
        sessions.run_role(decision_id=decision.pk, role=role, clock=Ticker())

    verdict = gate.check_decision(decision_id=decision.pk, at=AT)

    assert verdict is not None
    assert verdict.is_approved, verdict.vetoes
    decision.refresh_from_db()
    assert decision.status == Decision.Status.APPROVED
    assert decision.orders.get().size_base > 0
