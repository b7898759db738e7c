"""The guard: only what the stored record says may be claimed."""

from datetime import timedelta
from decimal import Decimal
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from agents.errors import NoTradeError
from agents.evidence import EvidenceView, agrees, check_claims, look_up
from agents.types import Claim
from tests.factories import AT

DATA = {
    "venue": "binance",
    "symbol": "BTC/USDT",
    "ask": "50000.01",
    "flag": True,
    "indicators": {"rsi_14": "47.31", "empty": None},
    "asks": [{"price": "50000.01"}],
}


def view(**changes: Any) -> EvidenceView:
    fields: dict[str, Any] = {
        "evidence_id": "A1",
        "tool": "get_price",
        "data": DATA,
        "as_of": AT,
        "fresh_until": AT + timedelta(seconds=60),
    }
    return EvidenceView(**{**fields, **changes})


def check(*claims: tuple[str, str, str], evidence: EvidenceView | None = None, at=AT, symbol="BTC/USDT"):
    given_evidence = {"A1": evidence or view()}
    return check_claims(
        [Claim(evidence_id=e, field=f, value=v) for e, f, v in claims],
        evidence=given_evidence,
        venue="binance",
        symbol=symbol,
        at=at,
    )


def test_true_claims_come_back_with_the_stored_value() -> None:
    checked = check(
        ("A1", "ask", "50000"), ("A1", "indicators.rsi_14", "47.3"), ("A1", "asks.0.price", "50000.01")
    )
    assert [claim.value for claim in checked] == ["50000.01", "47.31", "50000.01"]


@pytest.mark.parametrize(
    ("claim", "words"),
    [
        (("A2", "ask", "50000.01"), "no tool result"),
        (("A1", "bid", "1"), "has no value"),
        (("A1", "indicators", "47"), "has no value"),
        (("A1", "indicators.empty", "None"), "has no value"),
        (("A1", "asks.1.price", "50000.01"), "has no value"),
        (("A1", "ask", "50001"), "contradicts"),
        (("A1", "ask", "6E+4"), "contradicts"),
        (("A1", "ask", "NaN"), "contradicts"),
        (("A1", "ask", "1E+99999999"), "contradicts"),
        (("A1", "ask", "fifty thousand"), "contradicts"),
        (("A1", "indicators.rsi_14", "48"), "contradicts"),
        (("A1", "symbol", "DOGE/USDT"), "contradicts"),
    ],
)
def test_what_does_not_hold_is_no_trade(claim: tuple[str, str, str], words: str) -> None:
    with pytest.raises(NoTradeError, match=words):
        check(claim)


def test_no_claim_no_trade() -> None:
    with pytest.raises(NoTradeError, match="no claim"):
        check()


def test_old_evidence_is_no_evidence() -> None:
    assert check(("A1", "ask", "50000.01"), at=AT + timedelta(seconds=60))
    with pytest.raises(NoTradeError, match="61 s old"):
        check(("A1", "ask", "50000.01"), at=AT + timedelta(seconds=61))


def test_one_claim_must_be_about_the_instrument_itself() -> None:
    with pytest.raises(NoTradeError, match="no claim is about ETH/USDT"):
        check(("A1", "ask", "50000.01"), symbol="ETH/USDT")


@given(st.decimals(min_value="0.0001", max_value="1000000", places=6), st.integers(0, 6))
def test_rounding_is_agreed_to_only_within_a_percent(true: Decimal, places: int) -> None:
    said = round(true, places)
    assert agrees(str(said), str(true)) == (said == true or abs(said - true) <= true / 100)


@given(
    st.decimals(min_value="0.01", max_value="1000000", places=2),
    st.decimals(min_value="0.01", max_value="1000000", places=2),
)
def test_what_is_more_than_a_percent_off_never_agrees(said: Decimal, true: Decimal) -> None:
    if abs(said - true) > true / 100:
        assert not agrees(str(said), str(true))


@given(st.text(max_size=30))
def test_looking_up_and_comparing_never_raise(text: str) -> None:
    look_up(DATA, text)
    assert agrees(text, "50000.01") in (True, False)
