"""Which endpoints a call may go to."""

from decimal import Decimal

from agents.router import RULES, Spend, route
from agents.types import Endpoint

CLOUD = Endpoint(provider="openai", model="big", label="big", is_local=False, api_key="secret-key")
LOCAL = Endpoint(provider="openai_compatible", model="small", label="small", is_local=True)
D = Decimal


def spend(today: str = "0", month: str = "0") -> Spend:
    return Spend(today=D(today), this_month=D(month), daily_limit=D(5), monthly_limit=D(100))


def test_the_configured_endpoints_come_first_and_the_rules_last() -> None:
    assert route((CLOUD, LOCAL), spend=spend(), with_rules=True) == (CLOUD, LOCAL, RULES)
    assert route((CLOUD,), spend=spend(), with_rules=False) == (CLOUD,)


def test_a_spent_day_or_month_leaves_local_endpoints_only() -> None:
    for spent in (spend(today="5"), spend(month="100")):
        assert route((CLOUD, LOCAL), spend=spent, with_rules=True) == (LOCAL, RULES)
        assert route((CLOUD,), spend=spent, with_rules=False) == ()


def test_the_rules_desk_is_named_once() -> None:
    assert route((RULES,), spend=spend(), with_rules=True) == (RULES,)


def test_an_endpoint_does_not_show_its_key() -> None:
    assert "secret-key" not in f"{CLOUD!r} {CLOUD}"
