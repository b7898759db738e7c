"""Status moves once, by one owner, and leaves a link in the chain."""

from datetime import datetime

import pytest
from django.db import transaction

from tests.factories import Desk
from trading.models import Decision, Event
from trading.services import decisions, events
from trading.services.events import GENESIS, digest_of

pytestmark = pytest.mark.postgres

Status = Decision.Status


def open_one(desk: Desk, at: datetime) -> Decision:
    return decisions.open_decision(
        account=desk.account(), instrument=desk.instrument(), source="test", market={"mid": "100"}, at=at
    )


def test_only_the_first_claim_wins(desk: Desk, at: datetime) -> None:
    decision = open_one(desk, at)
    claims = [
        decisions.claim(decision_id=decision.pk, from_status=Status.OPENED, to_status=Status.ANALYSING, at=at)
        for _ in range(3)
    ]
    assert claims == [True, False, False]


def test_an_ended_decision_stays_ended(desk: Desk, at: datetime) -> None:
    decision = open_one(desk, at)
    assert decisions.end(decision_id=decision.pk, status=Status.NO_TRADE, reason="flat market", at=at)
    assert not decisions.end(decision_id=decision.pk, status=Status.FAILED, reason="late", at=at)
    decision.refresh_from_db()
    assert (decision.status, decision.reason) == (Status.NO_TRADE, "flat market")


def test_an_approved_decision_cannot_be_ended(desk: Desk, at: datetime) -> None:
    decision = open_one(desk, at)
    Decision.objects.filter(pk=decision.pk).update(status=Status.APPROVED)
    assert not decisions.end(decision_id=decision.pk, status=Status.FAILED, reason="sweep", at=at)


def test_every_move_is_chained_to_the_one_before(desk: Desk, at: datetime) -> None:
    decision = open_one(desk, at)
    decisions.advance(decision_id=decision.pk, from_status=Status.OPENED, to_status=Status.ANALYSING, at=at)
    chain = list(Event.objects.order_by("id"))
    assert [event.kind for event in chain] == ["decision.opened", "decision.analysing"]
    assert chain[0].previous == GENESIS
    assert chain[1].previous == chain[0].digest
    assert all(event.digest == digest_of(event) for event in chain)


@pytest.mark.django_db(transaction=True)
def test_an_event_without_its_change_is_refused(at: datetime) -> None:
    with pytest.raises(transaction.TransactionManagementError):
        events.append(kind="x", mode="paper", payload={}, at=at)
