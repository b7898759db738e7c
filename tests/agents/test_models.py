"""What was asked, answered and found cannot be changed, not even by SQL."""

import pytest
from django.db import DatabaseError, connection, transaction
from django.db.models import Model

from agents.models import Evidence, Step, StepAnswer
from agents.services import sessions
from agents.types import Role
from tests.agents.market import Ticker, open_decision
from tests.factories import Desk


@pytest.mark.parametrize("model", [Step, StepAnswer, Evidence])
def test_a_recorded_row_takes_no_change(trading_desk: Desk, model: type[Model]) -> None:
    sessions.run_role(decision_id=open_decision(trading_desk).pk, role=Role.ANALYST, clock=Ticker())
    assert model._default_manager.exists()
    table = model._meta.db_table
    column = "error" if model is not Step else "label"

    for statement in (f"UPDATE {table} SET {column} = 'x'", f"DELETE FROM {table}"):
        with (
            pytest.raises(DatabaseError, match="append-only"),
            transaction.atomic(),
            connection.cursor() as cursor,
        ):
            cursor.execute(statement)
