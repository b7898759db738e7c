"""A frozen account is shown everywhere, and released by name with an event."""

import io

import pytest
from django.core.management import CommandError, call_command

from neuratrade.checks import accounts
from neuratrade.lib.health import CheckStatus
from neuratrade.supervise import summary
from tests.factories import AT, Desk
from trading.models import Event
from trading.services import freezing
from trading.types import TradingState

REASON = "order 7 is not ours"


def release(*arguments: str) -> str:
    out = io.StringIO()
    call_command("release", *arguments, stdout=out)
    return out.getvalue()


@pytest.fixture
def frozen(desk: Desk) -> Desk:
    assert freezing.freeze(account=desk.account(), reason=REASON, at=AT)
    return desk


def test_without_a_name_the_frozen_accounts_are_listed(frozen: Desk) -> None:
    assert release() == f"binance:paper  {REASON}\n"
    assert freezing.frozen() == [frozen.account()]


def test_a_release_is_an_event(frozen: Desk) -> None:
    assert "binance:paper takes new entries again" in release("binance:paper")

    assert release() == "no account is frozen\n"
    assert Event.objects.filter(kind="account.released", payload__account="binance:paper").count() == 1


@pytest.mark.parametrize(
    ("name", "line"),
    [
        ("kraken:paper", "kraken:paper is not frozen"),
        ("binance", "the desk has: binance:paper, kraken:paper"),
    ],
)
def test_a_wrong_name_changes_nothing(frozen: Desk, name: str, line: str) -> None:
    with pytest.raises(CommandError, match=line):
        release(name)

    assert freezing.frozen() == [frozen.account()]


def test_doctor_and_status_say_how_to_go_on(frozen: Desk) -> None:
    result = accounts.check(AT)

    assert result.status is CheckStatus.WARNING
    assert REASON in result.evidence
    assert "neuratrade release binance:paper" in result.remedy
    (notice,) = summary.read().notices
    assert REASON in notice
    assert "neuratrade release binance:paper" in notice


def test_nothing_is_said_about_a_desk_that_trades(desk: Desk) -> None:
    assert summary.read().notices == ()
    assert accounts.check(AT).status is CheckStatus.OK


def test_a_halted_desk_says_so_and_how_to_go_on(desk: Desk) -> None:
    desk.state.state, desk.state.cause = TradingState.HALTED, "kill switch"
    desk.state.save()

    (notice,) = summary.read().notices
    assert notice == "The desk is halted (kill switch): `neuratrade resume` lets it trade again."
