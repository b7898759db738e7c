"""What each engine looks for, on markets drawn by hand: the numbers beside each drawing can be checked on paper."""

from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from tests.trading.strategies.markets import market
from trading import indicators, playbook
from trading.errors import InvalidValueError
from trading.services.strategies import engines
from trading.types.research import Bars, FloatArray, MarketTerms, Signals

SKILLS = Path(__file__).resolve().parents[3] / "skills"
NAN = float("nan")


def say(name: str, bars: Bars, **overrides: float) -> Signals:
    play = playbook.read(SKILLS / name)
    return engines()[name].signals(bars, parameters=play.values(overrides), indicators=indicators.provider())


def drawn(close: FloatArray, *, timeframe: str = "1m", **features: FloatArray) -> Bars:
    """Bars that open at the close before, close at their high when rising and at their low when falling, with equal volume."""
    opened = np.concatenate((close[:1], close[:-1]))
    return Bars(
        venue="somewhere",
        symbol="ADA/USDT",
        timeframe=timeframe,
        open_time_ms=np.arange(close.size, dtype=np.int64) * {"1m": 60_000, "1h": 3_600_000}[timeframe],
        open=opened,
        high=np.maximum(opened, close),
        low=np.minimum(opened, close),
        close=close,
        volume_base=np.ones(close.size),
        features=features,
    )


def terms(*, fee: float, slippage_bps: float = 0) -> MarketTerms:
    return MarketTerms(
        venue="binance",
        symbol="ADA/USDT",
        maker_fee_ratio=fee,
        taker_fee_ratio=fee,
        slippage_bps=slippage_bps,
    )


# --- mean reversion ------------------------------------------------------------------------------------------------------------


def dip(*, last: float) -> FloatArray:
    """Sixty bars swinging by 0.7 around 100, a slide to 95 over five bars, then one more close at `last`."""
    swing = 100 + np.where(np.arange(60) % 2, 0.35, -0.35)
    return np.concatenate((swing, [99, 98, 97, 96, 95], [last]))


def test_mean_reversion_waits_for_the_fall_to_stop() -> None:
    assert not say("mean-reversion", drawn(dip(last=94.5)), knife_atr=30).enter.any()
    said = say("mean-reversion", drawn(dip(last=95.6)), knife_atr=30)
    assert np.flatnonzero(said.enter).tolist() == [65]


def test_mean_reversion_keeps_its_hands_off_a_falling_knife() -> None:
    bars = drawn(dip(last=95.6))
    # 4.75 in 12 bars, where an ATR is 0.8: six of them.
    assert not say("mean-reversion", bars, knife_atr=4).enter.any()
    assert say("mean-reversion", bars, knife_atr=8).enter.any()
    dumped = np.ones(66)
    dumped[64] = 10  # the last falling bar, which closed at its low
    assert not say("mean-reversion", replace(bars, volume_base=dumped), knife_atr=8).enter.any()


@pytest.mark.parametrize(("sentiment", "enters"), [(-0.5, False), (-0.1, True), (NAN, True)])
def test_mean_reversion_heeds_bad_news_where_it_is_known(sentiment: float, *, enters: bool) -> None:
    bars = drawn(dip(last=95.6), sentiment=np.full(66, sentiment))
    assert say("mean-reversion", bars, knife_atr=8).enter.any() == enters


def test_mean_reversion_leaves_at_the_middle_band_and_measures_its_plan_in_atrs() -> None:
    bars = market(2)
    said = say("mean-reversion", bars)
    tools = indicators.provider()
    _, middle, _ = tools.bollinger(bars.close, period=20, deviations=2)
    atr = tools.atr(bars.high, bars.low, bars.close, period=14)
    beyond = bars.close > middle * 1.00001
    assert np.all(said.exit[beyond])
    assert not said.exit[bars.close < middle * 0.99999].any()
    np.testing.assert_allclose(said.stop_ratio[100:], (2 * atr / bars.close)[100:])
    np.testing.assert_allclose(said.target_ratio[100:], (6 * atr / bars.close)[100:])


# --- sentiment momentum --------------------------------------------------------------------------------------------------------


def climb() -> FloatArray:
    """Quiet swings by one in a thousand, then half a percent up at each bar."""
    quiet = 100 + np.where(np.arange(80) % 2, 0.05, -0.05)
    return np.concatenate((quiet, 100 * 1.005 ** np.arange(1, 21)))


@pytest.mark.parametrize(("sentiment", "enters"), [(0.8, True), (0.0, True), (-0.2, False), (NAN, False)])
def test_momentum_needs_news_that_does_not_contradict(sentiment: float, *, enters: bool) -> None:
    bars = drawn(climb(), sentiment=np.full(100, sentiment))
    assert say("sentiment-momentum", bars, momentum_bars=5).enter.any() == enters


def test_better_news_is_acted_on_sooner_and_only_the_rise_through_the_score_enters() -> None:
    def first(sentiment: float) -> int:
        bars = drawn(climb(), sentiment=np.full(100, sentiment))
        said = say("sentiment-momentum", bars, momentum_bars=12, enter_score=2.5, sentiment_weight=1.0)
        entries = np.flatnonzero(said.enter)
        assert entries.size == 1
        return int(entries[0])

    assert first(0.9) < first(0.0)


def test_momentum_leaves_when_the_news_turns_although_the_price_rises() -> None:
    sentiment = np.where(np.arange(100) < 92, 0.5, -0.5)
    said = say("sentiment-momentum", drawn(climb(), sentiment=sentiment), momentum_bars=5)
    assert not said.exit[85:92].any()
    assert said.exit[92:].all()


def test_contradicting_numbers_are_an_objection() -> None:
    engine, play = engines()["sentiment-momentum"], playbook.read(SKILLS / "sentiment-momentum")
    assert engine.objection(play.values(), terms=()) == ""
    assert "must be below ema_slow" in engine.objection(play.values({"ema_fast": 50}), terms=())
    assert "must be below enter_score" in engine.objection(play.values({"exit_score": 2}), terms=())


# --- scalping --------------------------------------------------------------------------------------------------------------------


def divergence() -> FloatArray:
    """A steep fall to a first low at bar 49, a bounce, and a slow slide to a lower second low at bar 64; then up."""
    quiet = 100 + np.where(np.arange(40) % 2, 0.1, -0.1)
    fall = 100 - 0.5 * np.arange(1, 11)
    bounce = [95.6, 96.2, 96.6]
    slide = np.linspace(96.5, 94.9, 12)
    return np.concatenate((quiet, fall, bounce, slide, [95.2, 95.6, 95.9]))


def test_scalping_sees_the_divergence_only_when_its_second_low_is_confirmed() -> None:
    close = divergence()
    bars = drawn(close)
    rsi = indicators.provider().rsi(close)
    assert close[64] < close[49]
    assert rsi[64] > rsi[49]
    said = say("scalping", bars, volume_times=0.5, rsi_below=60, rsi_exit=95)
    assert np.flatnonzero(said.enter).tolist() == [66], "two bars after the low at 64, not sooner"
    later = say("scalping", bars, volume_times=0.5, rsi_below=60, rsi_exit=95, pivot_bars=3)
    assert np.flatnonzero(later.enter).tolist() == [67]


def test_scalping_wants_volume_and_bids_where_they_are_known() -> None:
    loose = {"volume_times": 2.0, "rsi_below": 60.0, "rsi_exit": 95.0}
    bars = drawn(divergence())
    assert not say("scalping", bars, **loose).enter.any()
    busy = np.ones(68)
    busy[66] = 2.5
    bars = replace(bars, volume_base=busy)
    assert say("scalping", bars, **loose).enter[66]
    for share, enters in ((0.7, True), (0.6, False), (0.4, False), (NAN, False)):
        known = replace(bars, features={"bid_share_ratio": np.full(68, share)})
        assert say("scalping", known, **loose).enter[66] == enters


def test_scalping_is_for_minutes() -> None:
    with pytest.raises(InvalidValueError, match="scalping reads bars of 1m, not 1h"):
        say("scalping", drawn(divergence(), timeframe="1h"))


def test_scalping_carries_its_stop_target_and_time() -> None:
    said = say("scalping", drawn(divergence()))
    assert (said.stop_ratio.tolist(), said.target_ratio.tolist(), said.max_hold_bars) == (
        [0.001],
        [0.003],
        15,
    )
    assert np.isnan(said.trailing_ratio).all()
    assert say("scalping", drawn(divergence()), trailing_ratio=0.001).trailing_ratio.tolist() == [0.001]


@pytest.mark.parametrize(
    ("fee", "slippage_bps", "needed"),
    [(0.0, 0.0, 0.25), (0.0002, 0.0, 0.35), (0.001, 0.0, 0.75), (0.001, 2.0, 0.85)],
)
def test_scalping_states_the_win_rate_its_costs_demand(
    fee: float, slippage_bps: float, needed: float
) -> None:
    """(0.1 % + costs) / (0.1 % + 0.3 %), as the page says."""
    engine, play = engines()["scalping"], playbook.read(SKILLS / "scalping")
    market_terms = terms(fee=fee, slippage_bps=slippage_bps)
    assert engine.objection(play.values(), terms=(market_terms,)) == ""
    said = engine.remarks(play.values(), terms=(market_terms,), features=("bid_share_ratio",))
    assert len(said) == 1
    assert f"a win rate above {needed:.1%}" in said[0]
    assert "no recorded books" in engine.remarks(play.values(), terms=(market_terms,), features=())[1]


def test_scalping_refuses_where_it_cannot_win() -> None:
    engine, play = engines()["scalping"], playbook.read(SKILLS / "scalping")
    kraken = terms(fee=0.0026)
    objection = engine.objection(play.values(), terms=(kraken,))
    assert objection == (
        "it cannot win at binance ADA/USDT: the target of 0.300% does not pay the costs of 0.520% "
        "(two taker fees of 0.260%, slippage of 0 bps a fill)"
    )
    assert engine.objection(play.values(), terms=(terms(fee=0.0015),)), "equal costs are no win either"


@given(
    stop=st.floats(0.0005, 0.001),
    target=st.floats(0.001, 0.003),
    fee=st.floats(0, 0.001),
    wins=st.integers(0, 100),
)
def test_at_the_break_even_nothing_is_won(stop: float, target: float, fee: float, wins: int) -> None:
    """Against the sum itself: a share of wins above the stated rate earns, one below it loses."""
    engine, play = engines()["scalping"], playbook.read(SKILLS / "scalping")
    values = play.values({"stop_ratio": stop, "target_ratio": target})
    market_terms = terms(fee=fee)
    rate = (stop + 2 * fee) / (stop + target)
    result = wins * (target - 2 * fee) - (100 - wins) * (stop + 2 * fee)
    if abs(wins / 100 - rate) > 1e-9:
        assert (result > 0) == (wins / 100 > rate)
    assert bool(engine.objection(values, terms=(market_terms,))) == (rate >= 1)


# --- pairs -----------------------------------------------------------------------------------------------------------------------


def gaps(*bps: float) -> Bars:
    close = np.full(len(bps), 100.0)
    return drawn(close, other_close=close * (1 + np.array(bps) / 10_000))


def test_arbitrage_enters_when_a_lasting_gap_pays_all_fills_and_leaves_when_it_closed() -> None:
    # costs of 48 and at least 5 left: 53 is enough, twice in a row.
    said = say("cross-venue-arbitrage", gaps(10, 60, 20, 54, 53.5, 52, 3, -1, NAN, 60))
    assert np.flatnonzero(said.enter).tolist() == [4]
    assert np.flatnonzero(said.exit).tolist() == [7]


def test_a_gap_that_need_not_close_whole_must_be_wider() -> None:
    said = say("cross-venue-arbitrage", gaps(54, 54, 63, 63), exit_gap_bps=9)
    assert np.flatnonzero(said.enter).tolist() == [3]


@pytest.mark.parametrize("name", ["cross-venue-arbitrage", "funding-arbitrage"])
def test_a_pair_refuses_terms_that_cost_more_than_it_allows_for(name: str) -> None:
    engine, play = engines()[name], playbook.read(SKILLS / name)
    cheap, dear = terms(fee=0.001, slippage_bps=2), terms(fee=0.0026, slippage_bps=2)
    assert engine.objection(play.values(), terms=(cheap, cheap)) == ""  # 4 x (10 + 2) = 48
    assert "set it to 80 or more" in engine.objection(play.values(), terms=(cheap, dear))  # 24 + 56
    assert "two legs" in engine.objection(play.values(), terms=(cheap,))
    assert engine.objection(play.values({"costs_bps": 80}), terms=(cheap, dear)) == ""


def test_funding_is_collected_when_its_lowest_recent_rate_pays_for_the_hold() -> None:
    """Hourly bars, a payment each 8: 90 payments at 0.8 bps are 72, above 48 + 20; at 0.7 they are 63."""
    rate = np.full(60, 0.00008)
    rate[20] = 0.00007
    said = say("funding-arbitrage", drawn(np.full(60, 100.0), timeframe="1h", funding_ratio=rate))
    expected = set(range(16, 60)) - {
        20,
        28,
        36,
    }  # three rates are known from bar 16 on; the low one stays in view for two more
    assert set(np.flatnonzero(said.enter).tolist()) == expected
    assert said.max_hold_bars == 720


def test_funding_that_turned_is_left() -> None:
    rate = np.concatenate((np.full(40, 0.0001), np.full(20, -0.00001)))
    said = say("funding-arbitrage", drawn(np.full(60, 100.0), timeframe="1h", funding_ratio=rate))
    assert np.flatnonzero(said.exit).tolist() == list(range(40, 60))
    assert not said.enter[40:].any()
    with pytest.raises(InvalidValueError, match="reads bars of 1h or longer, not 1m"):
        say("funding-arbitrage", drawn(np.full(60, 100.0), funding_ratio=rate))
