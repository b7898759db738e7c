"""The admin shows every table of the agents, and changes none."""

from django.contrib.auth.models import User
from django.test import Client

from agents.models import Evidence, Session, Step, StepAnswer
from agents.services import sessions
from agents.types import Role
from tests.agents.market import Ticker, open_decision
from tests.factories import Desk


def test_every_page_is_there_to_read_only(trading_desk: Desk, client: Client) -> None:
    sessions.run_role(decision_id=open_decision(trading_desk).pk, role=Role.ANALYST, clock=Ticker())
    client.force_login(User.objects.create_superuser("operator", password="not-used"))

    for model in (Session, Step, StepAnswer, Evidence):
        name = model._meta.model_name
        row = model._default_manager.first()
        assert row is not None
        assert client.get(f"/admin/agents/{name}/").status_code == 200
        assert client.get(f"/admin/agents/{name}/{row.pk}/change/").status_code == 200
        assert client.get(f"/admin/agents/{name}/add/").status_code == 403
        assert client.post(f"/admin/agents/{name}/{row.pk}/delete/", {"post": "yes"}).status_code == 403
