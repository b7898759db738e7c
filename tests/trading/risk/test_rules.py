"""Every rule, on both sides of its line; and what holds for all of them together."""

from dataclasses import replace
from datetime import timedelta
from decimal import Decimal as D

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from tests.trading.risk import builders as make
from trading.risk.limits import PROFILES
from trading.risk.verdict import all_rules, judge
from trading.types import (
    OrderType,
    PendingOrder,
    ProposedOrder,
    Purpose,
    RuleResult,
    Side,
    Snapshot,
    TradingState,
)

EXPECTED = {
    "balance",
    "blacklist",
    "consecutive_losses",
    "daily_loss",
    "exposure_asset",
    "exposure_venue",
    "fat_finger",
    "freshness",
    "kelly",
    "leverage",
    "liquidity",
    "long_only_spot",
    "max_drawdown",
    "max_notional",
    "min_notional",
    "precision",
    "reduce_only",
    "risk_per_trade",
    "stop_volatility",
    "trading_state",
    "watchdog",
}
FOR_REDUCE_ONLY = {"fat_finger", "precision", "reduce_only", "trading_state"}


def failed(order: ProposedOrder, snapshot: Snapshot) -> set[str]:
    verdict = judge(order, snapshot=snapshot, limits=make.LIMITS)
    assert {result.rule for result in verdict.results} == EXPECTED
    return {result.rule for result in verdict.vetoes}


def test_no_rule_goes_missing_unseen():
    assert set(all_rules()) == EXPECTED
    assert all(name == rule.name for name, rule in all_rules().items())
    for_exits = {name for name, rule in all_rules().items() if getattr(rule, "applies_to_reduce_only", None)}
    assert for_exits == FOR_REDUCE_ONLY


def test_a_sound_entry_passes_every_rule_with_its_numbers():
    verdict = judge(make.entry(), snapshot=make.snapshot(), limits=make.LIMITS)
    assert verdict.is_approved, verdict.vetoes
    assert all(result.numbers for result in verdict.results if result.rule != "reduce_only")
    risk = next(result for result in verdict.results if result.rule == "risk_per_trade")
    # 0.05 x (50150 - 49251.8 + 0.001 x (50150 + 49251.8)), the stop filled 30 bps below 49,400
    assert D(risk.numbers["risk_quote"]) == D("49.88009")
    assert risk.numbers["max_risk_quote"] == "200"


@pytest.mark.parametrize(
    ("rule", "order", "world"),
    [
        ("trading_state", {}, {"trading_state": TradingState.REDUCING}),
        ("trading_state", {}, {"trading_state": TradingState.HALTED}),
        ("watchdog", {}, {"watchdog_ok_until": None}),
        ("watchdog", {}, {"watchdog_ok_until": make.AT}),
        ("watchdog", {}, {"watchdog_ok_until": make.AT + timedelta(hours=1)}),  # the clock went back
        ("freshness", {}, {"quote": make.quote(age_s=5.1)}),
        ("freshness", {}, {"book": make.book(age_s=5.1)}),
        ("freshness", {}, {"quote": make.quote(as_of=make.AT + timedelta(seconds=3))}),
        ("long_only_spot", {"side": Side.SELL, "stop_price": D(50600), "target_price": D(48000)}, {}),
        ("fat_finger", {"price_bound": D("52500.01")}, {}),
        ("fat_finger", {"price_bound": D("47499.99"), "stop_price": D("46900")}, {}),
        ("risk_per_trade", {"stop_price": D("49400"), "size_base": D("0.3")}, {}),
        ("risk_per_trade", {"stop_price": None}, {}),
        ("risk_per_trade", {"stop_price": D("51000")}, {}),
        ("kelly", {"confidence_ratio": D("0.3")}, {}),
        ("kelly", {"target_price": D("50200")}, {}),
        ("max_notional", {"size_base": D("0.0798")}, {}),
        ("leverage", {}, {"portfolio": make.portfolio(positions=(make.holding("0.28", venue="kraken"),))}),
        (
            "exposure_asset",
            {},
            {"portfolio": make.portfolio(positions=(make.holding("0.08", venue="kraken"),))},
        ),
        ("exposure_venue", {}, {"portfolio": make.portfolio(positions=(make.holding("0.2", base="ETH"),))}),
        ("daily_loss", {}, {"portfolio": make.portfolio(equity=D(19_600), daily_realised_pnl=D(-400))}),
        ("max_drawdown", {}, {"portfolio": make.portfolio(equity=D(19_000))}),
        (
            "consecutive_losses",
            {},
            {"portfolio": make.portfolio(consecutive_losses=4, last_loss_at=make.AT - timedelta(minutes=59))},
        ),
        ("consecutive_losses", {}, {"portfolio": make.portfolio(consecutive_losses=4)}),
        ("precision", {"size_base": D("0.050001")}, {}),
        ("precision", {"size_base": D("-0.05")}, {}),
        ("precision", {"price_bound": D("50150.001")}, {}),
        ("precision", {"stop_price": D("49400.005")}, {}),
        ("precision", {}, {"instrument": replace(make.INSTRUMENT, max_size=D("0.04"))}),
        ("min_notional", {"size_base": D("0.0001")}, {}),
        ("blacklist", {}, {"blacklist": frozenset({"btc"})}),
        ("blacklist", {}, {"blacklist": frozenset({"binance:BTC/USDT"})}),
        ("blacklist", {}, {"instrument": replace(make.INSTRUMENT, is_active=False)}),
        ("balance", {}, {"free_quote": D("2510")}),
        ("stop_volatility", {}, {"atr": D(50)}),
        ("stop_volatility", {"stop_price": D("49960")}, {}),
        ("stop_volatility", {}, {"atr": None}),
        ("stop_volatility", {"stop_price": D("49999.99")}, {}),
        ("liquidity", {}, {"book": make.book(size="0.009")}),
        ("liquidity", {}, {"quote": make.quote(bid="49900", ask="50060")}),
        ("liquidity", {}, {"book": None}),
    ],
)
def test_a_breach_is_vetoed_by_its_rule(rule, order, world):
    assert rule in failed(make.entry(**order), make.snapshot(**world))


@pytest.mark.parametrize(
    ("rule", "order", "world"),
    [
        ("max_drawdown", {}, {"portfolio": make.portfolio(equity=D("19000.01"))}),
        ("daily_loss", {}, {"portfolio": make.portfolio(equity=D(19_601), daily_realised_pnl=D(-399))}),
        ("fat_finger", {"price_bound": D("52500"), "target_price": D("55000")}, {}),
        ("freshness", {}, {"quote": make.quote(age_s=5), "book": make.book(age_s=5)}),
        (
            "consecutive_losses",
            {},
            {"portfolio": make.portfolio(consecutive_losses=9, last_loss_at=make.AT - timedelta(hours=1))},
        ),
        ("balance", {}, {"free_quote": D("2510.0075")}),
        ("max_notional", {"size_base": D("0.07976")}, {}),
    ],
)
def test_the_line_itself_is_inside(rule, order, world):
    assert rule not in failed(make.entry(**order), make.snapshot(**world))


def test_a_pending_entry_counts_as_filled():
    pending = PendingOrder(
        venue="kraken",
        symbol="BTC/USD",
        base="BTC",
        side=Side.BUY,
        remaining_base=D("0.08"),
        price=D(50_000),
    )
    assert "exposure_asset" in failed(
        make.entry(), make.snapshot(portfolio=make.portfolio(pending=(pending,)))
    )


@pytest.mark.parametrize("state", [TradingState.ACTIVE, TradingState.REDUCING])
def test_an_exit_passes_where_no_entry_would(state):
    """Stale, drawn down, cooling down, blacklisted, thin book, guard silent: the way out stays open."""
    world = make.snapshot(
        trading_state=state,
        quote=None,
        book=None,
        atr=None,
        watchdog_ok_until=None,
        blacklist=frozenset({"BTC"}),
        portfolio=make.portfolio(
            equity=D(1), daily_realised_pnl=D(-9_000), consecutive_losses=9, positions=(make.holding(),)
        ),
    )
    assert failed(make.exit_order(), world) == set()
    assert len(failed(make.entry(), world)) > 8


@pytest.mark.parametrize(
    ("rule", "order"),
    [
        ("reduce_only", {"size_base": D("0.05001")}),
        ("reduce_only", {"side": Side.BUY}),
        ("precision", {"size_base": D("0")}),
        ("precision", {"type": OrderType.STOP, "purpose": Purpose.PROTECT}),
        ("fat_finger", {"price_bound": D("39999.99")}),
    ],
)
def test_an_exit_only_ever_reduces(rule, order):
    world = make.snapshot(portfolio=make.portfolio(positions=(make.holding(),)))
    assert rule in failed(make.exit_order(**order), world)


@pytest.mark.parametrize("purpose", [Purpose.EXIT, Purpose.PROTECT, Purpose.LIQUIDATE])
def test_nothing_passes_when_halted(purpose):
    world = make.snapshot(
        trading_state=TradingState.HALTED, portfolio=make.portfolio(positions=(make.holding(),))
    )
    assert failed(make.exit_order(purpose=purpose), world) == {"trading_state"}


class Broken:
    name = "broken"

    def __init__(self, answer):
        self.answer = answer

    def check(self, order, snapshot, limits):
        if isinstance(self.answer, Exception):
            raise self.answer
        return self.answer


@pytest.mark.parametrize(
    "answer",
    [
        ValueError("boom"),
        RecursionError(),
        None,
        True,
        RuleResult(rule="broken", passed=1, message=""),  # type: ignore[arg-type]
        RuleResult(rule="broken", passed=None, message=""),  # type: ignore[arg-type]
    ],
)
def test_a_rule_without_a_proper_answer_is_a_veto(answer):
    rules = {**all_rules(), "broken": Broken(answer)}
    verdict = judge(make.entry(), snapshot=make.snapshot(), limits=make.LIMITS, rules=rules)
    assert [result.rule for result in verdict.vetoes] == ["broken"]


def test_no_rules_is_no_approval():
    assert not judge(make.entry(), snapshot=make.snapshot(), limits=make.LIMITS, rules={}).is_approved


# Values from every corner: signs, zeros, NaN, infinities and exponents that break naive arithmetic.
wild = st.one_of(
    st.decimals(allow_nan=True, allow_infinity=True),
    st.sampled_from([D(0), D("-0"), D("1e-40"), D("1e40"), D("NaN"), D("Infinity"), D("50000")]),
)
orders = st.builds(
    ProposedOrder,
    purpose=st.sampled_from(Purpose),
    side=st.sampled_from(Side),
    type=st.sampled_from(OrderType),
    time_in_force=st.just(make.entry().time_in_force),
    size_base=wild,
    price_bound=wild,
    stop_price=st.none() | wild,
    target_price=st.none() | wild,
    confidence_ratio=wild,
)
worlds = st.builds(
    lambda **changes: make.snapshot(**changes),
    trading_state=st.sampled_from(TradingState),
    quote=st.none() | st.just(make.quote()) | st.just(make.quote(age_s=100)),
    book=st.none() | st.just(make.book()) | st.just(replace(make.book(), bids=(), asks=())),
    atr=st.none() | wild,
    free_quote=wild,
    free_base=wild,
    portfolio=st.builds(
        lambda **changes: make.portfolio(**changes),
        equity=wild,
        equity_peak_24h=wild,
        daily_realised_pnl=wild,
        consecutive_losses=st.integers(),
    ),
)


@settings(max_examples=300, deadline=None)
@given(order=orders, world=worlds, profile=st.sampled_from(sorted(PROFILES)), data=st.data())
def test_never_raises_and_one_more_rule_never_allows_more(order, world, profile, data):
    limits = PROFILES[profile]
    names = data.draw(st.sets(st.sampled_from(sorted(EXPECTED))))
    some = judge(
        order, snapshot=world, limits=limits, rules={name: all_rules()[name] for name in sorted(names)}
    )
    whole = judge(order, snapshot=world, limits=limits)
    if whole.is_approved and names:
        assert some.is_approved
    assert {result.rule for result in some.vetoes} <= {result.rule for result in whole.vetoes}


@settings(max_examples=300, deadline=None)
@given(order=orders, world=worlds)
def test_what_is_not_a_number_is_never_approved(order, world):
    numbers = [order.size_base, order.price_bound]
    if any(not value.is_finite() or value <= 0 for value in numbers):
        assert not judge(order, snapshot=world, limits=make.LIMITS).is_approved
