"""The built-in desk's rules, by example."""

from typing import Any

import pytest

from agents.rules import Fact, UnknownFactError, analyse, find_objection, find_signal, next_proposal, review

BRIEF: dict[str, Any] = {
    "instrument": {"symbol": "BTC/USDT", "taker_fee_ratio": "0.001"},
    "idea": {"horizon_s": 1800},
}


def candles(*, rsi: str = "55", fast: str = "101", slow: str = "100", atr_ratio: str = "0.002") -> Fact:
    values = {"rsi_14": rsi, "ema_9": fast, "ema_21": slow, "atr_ratio": atr_ratio, "atr_14": "1"}
    return Fact("A2", {"indicators": values})


def facts(**changes: Fact) -> dict[str, Fact]:
    return {
        "get_price": Fact("A1", {"spread_bps": "0.5"}),
        "1m": candles(),
        "5m": candles(),
        "get_order_book": Fact(
            "R1",
            {"spread_bps": "0.5", "bid_depth_10bps_quote": "90000", "ask_depth_10bps_quote": "80000"},
        ),
        "portfolio_exposure_snapshot": Fact("R3", {"asset_exposure_ratio": "0.1"}),
        "check_risk_limits": Fact(
            "R4",
            {
                "limits": {"max_asset_exposure_ratio": "0.3", "max_drawdown_ratio": "0.05"},
                "used": {"drawdown_ratio": "0.01"},
            },
        ),
        **changes,
    }


@pytest.mark.parametrize(
    ("rsi", "fast", "expected"),
    [
        ("55", "101", "EMA 9 above EMA 21"),
        ("40", "101", "EMA 9 above EMA 21"),
        ("70", "101", "EMA 9 above EMA 21"),
        ("71", "101", None),
        ("39", "101", None),
        ("55", "99", None),
        ("31.9", "99", "oversold rebound"),
        ("32", "99", None),
    ],
)
def test_a_signal_is_a_trend_or_a_rebound(rsi: str, fast: str, expected: str | None) -> None:
    signal = find_signal(candles(rsi=rsi, fast=fast))
    assert (signal.words.startswith(expected) if signal and expected else signal) == (
        True if expected else None
    )


def test_the_analyst_weighs_spread_and_costs() -> None:
    assert analyse(BRIEF, facts())["action"] == "buy"
    wide = facts(get_price=Fact("A1", {"spread_bps": "11"}))
    assert "spread" in analyse(BRIEF, wide)["thesis"]
    calm = facts(**{"5m": candles(atr_ratio="0.0002")})
    assert "too calm" in analyse(BRIEF, calm)["thesis"]


def test_what_is_not_known_stops_the_rules() -> None:
    with pytest.raises(UnknownFactError):
        analyse(BRIEF, facts(get_price=Fact("", None)))


@pytest.mark.parametrize(
    ("name", "path", "value", "words"),
    [
        ("get_order_book", "spread_bps", "21", "too wide"),
        ("get_order_book", "bid_depth_10bps_quote", "1999", "thin"),
        ("portfolio_exposure_snapshot", "asset_exposure_ratio", "0.24", "in this asset already"),
    ],
)
def test_the_risk_manager_vetoes(name: str, path: str, value: str, words: str) -> None:
    found = facts()
    found[name] = Fact("R1", {**(found[name].data or {}), path: value})
    assert words in find_objection(
        found["get_order_book"], found["portfolio_exposure_snapshot"], found["check_risk_limits"]
    )
    assert review(BRIEF, found)["verdict"] == "veto"


def test_the_risk_manager_shrinks_with_volatility_and_never_enlarges() -> None:
    scales = [
        review(BRIEF, facts(**{"5m": candles(atr_ratio=ratio)}))["size_scale_ratio"]
        for ratio in ("0.001", "0.003", "0.006", "0.1")
    ]
    assert scales == ["1", "1", "0.50", "0.25"]


PROPOSED: dict[str, Any] = {
    "instrument": {"symbol": "BTC/USDT", "taker_fee_ratio": "0.001"},
    "idea": {"horizon_s": 1800},
    "market": {
        "proposal": {
            "stop_ratio": "0.004",
            "target_ratio": "0.01",
            "max_hold_s": 1440,
            "confidence_ratio": "0.55",
        }
    },
}


def at_price(*, ask: str = "500", spread: str = "0.5", atr: str = "1") -> dict[str, Fact]:
    """An ATR of 1 at a price of 500 is 0.2 %: a stop of 0.4 % is two of them, a target of 1 % five."""
    slow = Fact("A3", {"indicators": {"atr_ratio": "0.002", "atr_14": atr}})
    falling = candles(rsi="50", fast="99")
    return facts(get_price=Fact("A1", {"spread_bps": spread, "ask": ask}), **{"1m": falling, "5m": slow})


def test_a_strategy_s_plan_is_followed_as_it_stands() -> None:
    assert analyse(BRIEF, at_price())["action"] == "no_trade", "by their own rules there is nothing here"
    answer = analyse(PROPOSED, at_price())
    assert (answer["action"], answer["confidence_ratio"], answer["horizon_s"]) == ("buy", "0.55", 1440)
    assert next_proposal(PROPOSED, at_price(), tried=0) == {
        "symbol": "BTC/USDT",
        "order_type": "market",
        "stop_distance_atr": "2",
        "target_distance_atr": "5",
        "max_hold_s": 1440,
        "size_scale_ratio": "1",
    }


def test_a_strategy_s_plan_is_not_bent_until_it_fits() -> None:
    assert next_proposal(PROPOSED, at_price(), tried=1) is None
    assert "spread" in analyse(PROPOSED, at_price(spread="11"))["thesis"]
    tight = analyse(PROPOSED, at_price(atr="5"))  # two tenths of what was an ATR
    assert tight["action"] == "no_trade"
    assert "stop is 0.4 ATR of 5m candles; the desk takes 0.5 to 10" in tight["thesis"]
    far = analyse(PROPOSED, at_price(atr="0.21"))
    assert "target is 23.8095 ATR" in far["thesis"]
    with pytest.raises(UnknownFactError):
        analyse(PROPOSED, at_price(atr="0"))


def test_a_strategy_without_a_target_gets_the_farthest_and_a_hold_within_bounds() -> None:
    proposal = {"stop_ratio": "0.004", "max_hold_s": 900_000, "confidence_ratio": "0.55"}
    plan = next_proposal({**PROPOSED, "market": {"proposal": proposal}}, at_price(), tried=0)
    assert plan is not None
    assert (plan["target_distance_atr"], plan["max_hold_s"]) == ("20", 86_400)
