"""Which accounts the desk looks after: a switched-off account is not forgotten while something is open there."""

from datetime import datetime
from decimal import Decimal

import pytest

from tests.factories import Desk
from trading.models import Position
from trading.services import guard, kill_switch
from trading.services.accounts import working_accounts
from trading.types import Mode


def hold(desk: Desk, *, size: str, at: datetime) -> Position:
    return Position.objects.create(
        account=desk.account(), instrument=desk.instrument(), size_base=Decimal(size), changed_at=at
    )


def switch_off(desk: Desk, *, what: str) -> None:
    row = desk.account() if what == "account" else desk.account().venue
    row.is_enabled = False
    row.save()


@pytest.mark.parametrize("what", ["account", "venue"])
def test_a_switched_off_account_is_looked_after_while_it_holds_something(
    desk: Desk, at: datetime, what: str
) -> None:
    switch_off(desk, what=what)
    assert desk.account() not in working_accounts(Mode.PAPER)

    position = hold(desk, size="0.5", at=at)
    assert desk.account() in working_accounts(Mode.PAPER)
    assert str(position) in kill_switch.progress(begun={}, at=at).open

    Position.objects.filter(pk=position.pk).update(size_base=Decimal("0.000001"))
    assert desk.account() not in working_accounts(Mode.PAPER), "a rest that nobody can sell is nothing to do"


def test_kill_and_guard_reach_an_operator_whose_every_account_is_off(desk: Desk, at: datetime) -> None:
    for account in desk.accounts.values():
        account.is_enabled = False
        account.save()
    assert kill_switch.operators() == []
    hold(desk, size="0.5", at=at)
    assert kill_switch.operators() == [desk.operator]
    assert guard.desks() == [(desk.operator, "paper")]


def test_each_mode_has_its_own_accounts(desk: Desk) -> None:
    assert working_accounts(Mode.LIVE) == working_accounts(Mode.SHADOW) == []
    assert working_accounts(Mode.PAPER) == list(desk.accounts.values())
