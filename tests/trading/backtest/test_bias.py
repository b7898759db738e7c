"""The checks tell cheats from honest strategies, and say where: one example of each kind of cheat."""

from collections.abc import Callable, Collection, Mapping, Sequence
from dataclasses import dataclass

import numpy as np
import pytest

from tests.trading.strategies.markets import market
from trading import indicators
from trading.backtest import bias
from trading.errors import InvalidValueError
from trading.protocols import IndicatorProvider
from trading.types.columns import always, before
from trading.types.research import Bars, BoolArray, FloatArray, MarketTerms, Signals

Answer = tuple[BoolArray, FloatArray]


@dataclass
class Example:
    """A strategy of one line: when to enter, and how far the stop is; it leaves when it would not enter."""

    name: str
    say: Callable[[Bars, IndicatorProvider], Answer]
    warmup: int = 300
    features: tuple[str, ...] = ()
    optional_features: tuple[str, ...] = ()
    is_pair: bool = False

    def warmup_bars(self, parameters: Mapping[str, float]) -> int:
        return self.warmup

    def signals(
        self, bars: Bars, *, parameters: Mapping[str, float], indicators: IndicatorProvider
    ) -> Signals:
        enter, stop = self.say(bars, indicators)
        return Signals(
            enter=enter,
            exit=~enter,
            stop_ratio=stop,
            target_ratio=always(np.nan),
            trailing_ratio=always(np.nan),
            confidence_ratio=always(0.5),
        )

    def objection(self, parameters: Mapping[str, float], *, terms: Sequence[MarketTerms]) -> str:
        return ""

    def remarks(
        self, parameters: Mapping[str, float], *, terms: Sequence[MarketTerms], features: Collection[str]
    ) -> tuple[str, ...]:
        return ()


def honest(bars: Bars, tools: IndicatorProvider) -> Answer:
    return tools.rsi(bars.close) < 35, 2 * tools.atr(bars.high, bars.low, bars.close) / bars.close


def knows_the_next_close(bars: Bars, tools: IndicatorProvider) -> Answer:
    return np.append(bars.close[1:] > bars.close[:-1], False), always(0.01)


def spares_itself_the_losers(bars: Bars, tools: IndicatorProvider) -> Answer:
    """Says no where the next bar falls; where there is no next bar, it says what an honest one would."""
    next_close = np.append(bars.close[1:], np.inf)
    return (tools.rsi(bars.close) < 35) & (next_close >= bars.close), always(0.01)


def knows_the_mean_of_all(bars: Bars, tools: IndicatorProvider) -> Answer:
    return bars.close < bars.close.mean(), always(0.01)


def scales_by_all(bars: Bars, tools: IndicatorProvider) -> Answer:
    """The flags are honest; only the stop is measured over the whole sample."""
    return bars.close < before(bars.close), np.full(len(bars), np.diff(np.log(bars.close)).std())


def fills_gaps_backwards(bars: Bars, tools: IndicatorProvider) -> Answer:
    """A centred average, as a careless resampling makes it."""
    smooth = np.convolve(bars.close, np.ones(5) / 5, mode="same")
    return bars.close < smooth * 0.999, always(0.01)


def seeded_by_the_first_bar(bars: Bars, tools: IndicatorProvider) -> Answer:
    """Measures from where the history happened to begin."""
    return bars.close > bars.close[0], always(0.01)


def forgets_too_slowly(bars: Bars, tools: IndicatorProvider) -> Answer:
    """An average over 200 bars whose warm-up says 10."""
    return bars.close > tools.ema(bars.close, period=5), 0.01 * bars.close / tools.sma(bars.close, period=200)


def check(
    which: Callable[..., bias.BiasReport],
    say: Callable[[Bars, IndicatorProvider], Answer],
    *,
    warmup: int = 300,
) -> bias.BiasReport:
    bars = market(5, size=3000)
    example = Example(say.__name__, say, warmup=warmup)
    return which(example, bars, parameters={}, indicators=indicators.provider())


def test_an_honest_strategy_is_clean_in_both() -> None:
    for which in (bias.lookahead, bias.recursive):
        report = check(which, honest)
        assert report.is_clean
        assert report.entries > 50
        assert "clean" in report.lines()[0]
        assert report.looks > 20


@pytest.mark.parametrize(
    ("say", "columns"),
    [
        (knows_the_next_close, {"enter", "exit"}),
        (spares_itself_the_losers, {"enter", "exit"}),
        (knows_the_mean_of_all, {"enter", "exit"}),
        (scales_by_all, {"stop_ratio"}),
        (fills_gaps_backwards, {"enter", "exit"}),
    ],
)
def test_lookahead_finds_who_knows_the_future_and_says_which_columns(
    say: Callable[[Bars, IndicatorProvider], Answer], columns: set[str]
) -> None:
    report = check(bias.lookahead, say)
    assert not report.is_clean
    assert {difference.column for difference in report.differences} == columns
    text = "\n".join(report.lines())
    assert "NOT clean" in text
    assert "bars that came later" in text
    assert f"{sorted(columns)[0]} differs at" in text
    assert "2024-01-0" in text


def test_it_names_the_bar_and_both_answers() -> None:
    report = check(bias.lookahead, knows_the_next_close)
    bars = market(5, size=3000)
    told = [difference for difference in report.differences if difference.column == "enter"]
    for difference in told:
        rises = bars.close[difference.bar + 1] > bars.close[difference.bar]
        assert rises == bool(difference.all)
        assert difference.at.timestamp() * 1000 == bars.open_time_ms[difference.bar]
    assert "yes with all bars, no without" in "\n".join(report.lines())


@pytest.mark.parametrize(
    ("say", "column"), [(seeded_by_the_first_bar, "enter"), (forgets_too_slowly, "stop_ratio")]
)
def test_recursive_finds_who_depends_on_where_history_began(
    say: Callable[[Bars, IndicatorProvider], Answer], column: str
) -> None:
    report = check(bias.recursive, say, warmup=10)
    assert not report.is_clean
    assert column in {difference.column for difference in report.differences}
    text = "\n".join(report.lines())
    assert "how far back the history began" in text
    assert "11 bars of history" in text
    assert report.stages[0].differing > 0


def test_recursive_shows_what_warm_up_would_do() -> None:
    enough = check(bias.recursive, forgets_too_slowly, warmup=200)
    assert enough.is_clean
    assert enough.stages[0].bars == 201
    # Where the history began matters at any length; a longer warm-up does not mend it.
    assert not check(bias.recursive, seeded_by_the_first_bar, warmup=1000).is_clean


def test_a_seed_is_no_look_ahead_and_a_future_known_is_no_seed() -> None:
    assert check(bias.lookahead, seeded_by_the_first_bar).is_clean
    assert check(bias.recursive, honest, warmup=300).is_clean


def test_a_check_that_saw_no_entry_says_that_it_proves_little() -> None:
    def never(bars: Bars, tools: IndicatorProvider) -> Answer:
        return np.zeros(len(bars), dtype=np.bool_), always(0.01)

    assert "proves little" in check(bias.lookahead, never).lines()[-1]


def test_too_few_bars_are_refused_in_one_line() -> None:
    example = Example("honest", honest)
    with pytest.raises(
        InvalidValueError, match="needs at least 302 bars to be checked, somewhere ADA/USDT has 100"
    ):
        bias.lookahead(example, market(1, size=100), parameters={}, indicators=indicators.provider())
