"""Runs on every strategy found: it knows nothing of the future, never enters without a stop, and says live what it said here."""

from collections.abc import Iterator, Mapping
from functools import cache
from pathlib import Path

import numpy as np
import pytest
from hypothesis import given
from hypothesis import settings as hypothesis_settings
from hypothesis import strategies as st
from skills_ref import validate

from tests.trading.strategies.markets import market
from trading import indicators
from trading.backtest import bias
from trading.playbook import Play
from trading.protocols import Strategy
from trading.services import strategies
from trading.types.research import Bars, MarketTerms, Signals

SKILLS = Path(__file__).resolve().parents[2] / "skills"
FOUND = {play.name: (engine, play) for engine, play in strategies.all()}
EACH = pytest.mark.parametrize("name", FOUND)
COLUMNS = ("enter", "exit", "stop_ratio", "target_ratio", "trailing_ratio", "confidence_ratio")
SIZE = 6000
# Carried out around the engine, by the portfolio and the live scan.
OUTSIDE = {"max_open_positions"}
few = hypothesis_settings(max_examples=40, deadline=None)


@cache
def bars_of(name: str, seed: int) -> Bars:
    timeframe = FOUND[name][1].timeframes[0]
    return market(seed, size=SIZE, timeframe=timeframe)


def say(name: str, bars: Bars, parameters: Mapping[str, float] | None = None) -> Signals:
    engine, play = FOUND[name]
    return engine.signals(bars, parameters=parameters or play.values(), indicators=indicators.provider())


def assert_same(one: Signals, other: Signals, *, size: int) -> None:
    for column in COLUMNS:
        whole = np.broadcast_to(getattr(one, column), one.enter.shape)[:size]
        part = np.broadcast_to(getattr(other, column), other.enter.shape)[:size]
        np.testing.assert_allclose(part.astype(float), whole.astype(float), rtol=1e-9, atol=0, err_msg=column)


def test_the_first_strategies_are_there_each_with_its_page() -> None:
    engines = strategies.engines()
    assert set(engines) >= {
        "mean-reversion",
        "sentiment-momentum",
        "scalping",
        "cross-venue-arbitrage",
        "funding-arbitrage",
    }
    assert set(engines) <= set(FOUND), "an engine's name is the folder of its page"


@EACH
def test_its_page_is_valid_and_holds_every_number_the_engine_reads_and_no_other(name: str) -> None:
    engine, play = FOUND[name]
    assert validate(SKILLS / name) == []
    values = Recorded(play)
    engine.signals(bars_of(name, 1), parameters=values, indicators=indicators.provider())
    engine.warmup_bars(values)
    engine.objection(values, terms=terms(engine))
    engine.remarks(values, terms=terms(engine), features=())
    assert values.read | OUTSIDE >= {parameter.name for parameter in play.parameters}


@EACH
def test_it_enters_and_leaves_on_these_markets_at_all(name: str) -> None:
    said = say(name, bars_of(name, 1))
    assert said.enter.sum() > 3, "the tests below would prove nothing"
    assert said.exit.sum() > 5


@EACH
@few
@given(seed=st.integers(1, 4), cut=st.integers(1, SIZE))
def test_what_it_said_about_a_bar_needs_no_later_bar(name: str, seed: int, cut: int) -> None:
    bars = bars_of(name, seed)
    assert_same(say(name, bars), say(name, bars.part(0, cut)), size=cut)


@EACH
@few
@given(seed=st.integers(1, 4), cut=st.integers(1, SIZE - 1))
def test_another_future_changes_nothing_before_it(name: str, seed: int, cut: int) -> None:
    bars, other = bars_of(name, seed), bars_of(name, seed + 10)
    mixed = {
        column: np.concatenate((getattr(bars, column)[:cut], getattr(other, column)[cut:]))
        for column in ("open", "high", "low", "close", "volume_base")
    }
    features = {
        key: np.concatenate((bars.features[key][:cut], other.features[key][cut:])) for key in bars.features
    }
    changed = Bars(
        venue=bars.venue,
        symbol=bars.symbol,
        timeframe=bars.timeframe,
        open_time_ms=bars.open_time_ms,
        features=features,
        **mixed,
    )
    assert_same(say(name, bars), say(name, changed), size=cut)


def drawn_values(data: st.DataObject, play: Play) -> Mapping[str, float]:
    """Any numbers that the page's bounds allow."""
    values = {
        parameter.name: data.draw(
            st.integers(int(parameter.low), int(parameter.high)).map(float)
            if parameter.is_whole
            else st.floats(parameter.low, parameter.high),
            label=parameter.name,
        )
        for parameter in play.parameters
    }
    return play.values(values)


@EACH
@few
@given(data=st.data(), seed=st.integers(1, 4))
def test_every_entry_has_a_stop_whatever_the_numbers(name: str, data: st.DataObject, seed: int) -> None:
    said = say(name, bars_of(name, seed), drawn_values(data, FOUND[name][1]))
    stop = np.broadcast_to(said.stop_ratio, said.enter.shape)[said.enter]
    assert np.all(np.isfinite(stop))
    assert np.all(stop > 0)
    target = np.broadcast_to(said.target_ratio, said.enter.shape)[said.enter]
    assert np.all(np.isnan(target) | (target > 0))
    assert said.max_hold_bars > 0, "the desk holds nothing for ever"


@EACH
@few
@given(data=st.data(), seed=st.integers(1, 4), more=st.integers(1, 300), place=st.floats(0, 1))
def test_the_last_bars_say_the_same_as_the_whole_history(
    name: str, data: st.DataObject, seed: int, more: int, place: float
) -> None:
    """Flags are equal, and distances to a millionth, on `warmup_bars` and as few as one bar more. Half of the looks are at entries."""
    engine, play = FOUND[name]
    values = drawn_values(data, play) if data.draw(st.booleans(), label="other numbers") else play.values()
    bars, whole = bars_of(name, seed), say(name, bars_of(name, seed), values)
    length = engine.warmup_bars(values) + more
    entries = np.flatnonzero(whole.enter) + 1
    for ends in (entries[entries >= length], np.arange(length, SIZE + 1)):
        if ends.size:
            end = int(ends[int(place * (ends.size - 1))])
            last = say(name, bars.part(end - length, end), values)
            assert (last.enter[-1], last.exit[-1]) == (whole.enter[end - 1], whole.exit[end - 1])
            if last.enter[-1]:
                for column in ("stop_ratio", "target_ratio"):
                    expected = np.broadcast_to(getattr(whole, column), whole.enter.shape)[end - 1]
                    np.testing.assert_allclose(getattr(last, column)[-1], expected, rtol=bias.FORGOTTEN_RATIO)


@EACH
def test_the_checks_of_the_command_call_it_honest(name: str) -> None:
    engine, play = FOUND[name]
    for check in (bias.lookahead, bias.recursive):
        report = check(engine, bars_of(name, 2), parameters=play.values(), indicators=indicators.provider())
        assert report.is_clean, "\n".join(report.lines())


@EACH
def test_the_same_question_has_the_same_answer_and_too_few_bars_none(name: str) -> None:
    bars = bars_of(name, 3)
    assert_same(say(name, bars), say(name, bars), size=SIZE)
    for size in (0, 1, 2, 5):
        said = say(name, bars.part(0, size))
        assert said.enter.size == size


@EACH
def test_without_a_feature_it_needs_it_refuses_in_one_line(name: str) -> None:
    engine, play = FOUND[name]
    bars = bars_of(name, 1)
    bare = Bars(
        venue=bars.venue,
        symbol=bars.symbol,
        timeframe=bars.timeframe,
        open_time_ms=bars.open_time_ms,
        **{column: getattr(bars, column) for column in ("open", "high", "low", "close", "volume_base")},
    )
    if not engine.features:
        assert say(name, bare).enter.size == SIZE
        return
    with pytest.raises(Exception, match=f"needs the feature '{engine.features[0]}'") as caught:
        say(name, bare)
    assert "\n" not in str(caught.value)


class Recorded(Mapping[str, float]):
    """A strategy's values that remember which were asked for."""

    def __init__(self, play: Play) -> None:
        self._values = play.values()
        self.read: set[str] = set()

    def __getitem__(self, name: str) -> float:
        self.read.add(name)
        return self._values[name]

    def __iter__(self) -> Iterator[str]:
        return iter(self._values)

    def __len__(self) -> int:
        return len(self._values)


def terms(engine: Strategy) -> tuple[MarketTerms, ...]:
    leg = MarketTerms(venue="somewhere", symbol="ADA/USDT", maker_fee_ratio=0.0, taker_fee_ratio=0.0002)
    return (leg, leg) if engine.is_pair else (leg,)
