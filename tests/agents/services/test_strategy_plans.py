"""From a strategy's signal to the order: by the built-in desk, the plan reaches the gate as the strategy proposed it."""

from decimal import Decimal as D

import pytest

from agents.services import sessions
from agents.types import Role
from tests.agents.market import Ticker, open_decision
from tests.factories import AT, Desk
from trading.models import Decision
from trading.services import gate, keys, market, strategies

PROPOSAL = {"stop_ratio": "0.006", "target_ratio": "0.03", "max_hold_s": 1440, "confidence_ratio": "0.6"}


def debated(desk: Desk, **proposal: object) -> Decision:
    decision = open_decision(
        desk,
        market={"signal": {"engine": "mean-reversion"}, "proposal": {**PROPOSAL, **proposal}},
        skill_name="mean-reversion",
        skill_hash="ab" * 32,
    )
    for role in Role:
        sessions.run_role(decision_id=decision.pk, role=role, clock=Ticker())
    decision.refresh_from_db()
    return decision


def test_stop_target_and_time_of_the_order_are_the_strategy_s(trading_desk: Desk) -> None:
    keys.create_if_absent()
    decision = debated(trading_desk)
    assert decision.status == Decision.Status.REVIEWED, decision.reason
    verdict = gate.check_decision(decision_id=decision.pk, at=AT)
    assert verdict is not None
    assert verdict.is_approved, verdict.vetoes
    order = decision.orders.get()
    quote = market.latest_quote(venue="binance", symbol="BTC/USDT")
    assert quote is not None
    assert order.stop_price is not None
    assert order.target_price is not None
    assert order.close_by is not None
    # Rounded to the tick and to four digits of an ATR: the proposal within a part in a thousand.
    assert (quote.ask - order.stop_price) / quote.ask == pytest.approx(D("0.006"), rel=D("0.001"))
    assert (order.target_price - quote.ask) / quote.ask == pytest.approx(D("0.03"), rel=D("0.001"))
    assert (order.close_by - AT).total_seconds() == 1440
    assert (order.type, order.side) == ("market", "buy")


def test_the_version_stored_is_the_one_that_said_it(trading_desk: Desk) -> None:
    """Not that of the page as it stands when the analyst opens it."""
    decision = debated(trading_desk)
    assert (decision.skill_name, decision.skill_hash) == ("mean-reversion", "ab" * 32)
    assert strategies.find("mean-reversion")[1].digest != decision.skill_hash


@pytest.mark.parametrize(
    ("proposal", "words"),
    [
        ({"target_ratio": "0.0065"}, "the strategy's plan leaves no edge after fees"),
        ({"stop_ratio": "0.0001"}, "the desk takes 0.5 to 10"),
    ],
)
def test_a_plan_that_cannot_pay_or_fit_is_refused_not_changed(
    trading_desk: Desk, proposal: dict[str, str], words: str
) -> None:
    decision = debated(trading_desk, **proposal)
    assert decision.status == Decision.Status.NO_TRADE
    assert words in decision.reason
