"""A replay gives the same outcome from the transcript alone, and fails on a miss instead of calling out."""

import pytest

from agents.errors import ReplayMissError
from agents.models import Session
from agents.services import sessions
from agents.services.replay import replay
from agents.types import Role, StopReason
from tests.agents.conftest import Serve
from tests.agents.market import Ticker, open_decision
from tests.agents.servers import PROTOCOLS
from tests.factories import Desk


@pytest.mark.parametrize("protocol", PROTOCOLS)
def test_a_session_replays_without_its_server(trading_desk: Desk, serve: Serve, protocol: str) -> None:
    server = serve(protocol)
    decision = open_decision(trading_desk)
    sessions.run_role(decision_id=decision.pk, role=Role.ANALYST, clock=Ticker())
    asked = len(server.turns)
    session = Session.objects.get()

    outcome = replay(session.pk)

    assert len(server.turns) == asked
    assert outcome.stop is StopReason.ANSWERED
    assert outcome.answer is not None
    assert outcome.answer.words == (session.answer or {})["thesis"]


def test_a_question_the_transcript_does_not_hold_fails(trading_desk: Desk, serve: Serve) -> None:
    server = serve("openai")
    sessions.run_role(decision_id=open_decision(trading_desk).pk, role=Role.ANALYST, clock=Ticker())
    asked = len(server.turns)
    session = Session.objects.get()
    Session.objects.update(brief=session.brief.replace("47.2", "12.0"))

    with pytest.raises(ReplayMissError, match="no answer"):
        replay(session.pk)
    assert len(server.turns) == asked
