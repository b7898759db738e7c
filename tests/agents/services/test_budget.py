"""AI spend is reserved before, settled after, and never goes beyond its limits."""

from datetime import timedelta
from decimal import Decimal

import pytest
from django.db import transaction

from agents.errors import BudgetError
from agents.models import Session, Step, StepAnswer
from agents.services import budget, sessions
from agents.services.transcript import transcript
from agents.types import Role
from tests.agents.conftest import Serve
from tests.agents.market import Ticker, open_decision
from tests.factories import AT, Desk
from trading.models import Decision

D = Decimal


def spent(desk: Desk, *, usd: str, days_ago: int = 0, settled: str | None = None) -> None:
    at = AT - timedelta(days=days_ago)
    decision = open_decision(desk)
    session = Session.objects.create(decision=decision, role="analyst", provider="x", started_at=at)
    step = Step.objects.create(
        session=session, number=1, kind="model", request_hash="0", reserved_usd=D(usd), requested_at=at
    )
    if settled is not None:
        StepAnswer.objects.create(step=step, outcome="answered", cost_usd=D(settled), answered_at=at)


def test_a_call_under_way_counts_with_its_worst_case(desk: Desk) -> None:
    spent(desk, usd="1.5")
    spent(desk, usd="1.5", settled="0.2")
    spent(desk, usd="3", settled="3", days_ago=5)
    spent(desk, usd="50", settled="50", days_ago=25)

    found = budget.spend(at=AT)

    assert (found.today, found.this_month) == (D("1.7"), D("4.7"))


def test_a_reservation_beyond_a_limit_is_refused(desk: Desk, settings) -> None:
    spent(desk, usd="4.99")
    with transaction.atomic():
        budget.lock_and_check(worst_case_usd=D("0.01"), at=AT)
        with pytest.raises(BudgetError, match="today's"):
            budget.lock_and_check(worst_case_usd=D("0.02"), at=AT)
    settings.AI_BUDGET_MONTHLY_USD = D("4.99")
    with transaction.atomic(), pytest.raises(BudgetError, match="month's"):
        budget.lock_and_check(worst_case_usd=D("0.01"), at=AT)


@pytest.mark.parametrize("with_rules", [True, False])
def test_a_spent_budget_leaves_the_rules_desk_or_nobody(
    trading_desk: Desk, serve: Serve, *, with_rules: bool
) -> None:
    server = serve("openai", AI_BUDGET_DAILY_USD=D("0.001"), AI_RULES_FALLBACK=with_rules)
    decision = open_decision(trading_desk)

    status = sessions.run_role(decision_id=decision.pk, role=Role.ANALYST, clock=Ticker())

    assert not server.turns
    assert status == (Decision.Status.ANALYSED if with_rules else Decision.Status.NO_TRADE)
    entry = transcript(decision.pk)["debate"][0]
    assert entry["stop_reason"] == ("answered" if with_rules else "budget")


def test_a_model_of_unknown_price_is_not_asked(trading_desk: Desk, serve: Serve) -> None:
    server = serve("anthropic", AI_MODEL="no-such-model")
    decision = open_decision(trading_desk)

    sessions.run_role(decision_id=decision.pk, role=Role.ANALYST, clock=Ticker())

    assert not server.turns
    decision.refresh_from_db()
    assert decision.status == Decision.Status.NO_TRADE
    assert "NEURATRADE_AI_LOCAL" in decision.reason


def test_an_answer_without_usage_costs_its_worst_case(trading_desk: Desk, serve: Serve) -> None:
    from dataclasses import replace

    from tests.agents.servers import debate

    serve("anthropic", lambda turn: replace(debate(turn), has_usage=False))
    sessions.run_role(decision_id=open_decision(trading_desk).pk, role=Role.ANALYST, clock=Ticker())

    for answer in StepAnswer.objects.filter(step__kind="model"):
        assert answer.cost_usd == answer.step.reserved_usd > 0
