"""Does a strategy cheat? Two checks that run it on less than everything, and compare what it says.

Look-ahead: what it said about a bar must not change when later bars are cut off, nor when they turn out differently. Recursive: what it says
about the last bar must not depend on how far back the history began, once it is as long as the strategy asks for: live it never has all.
"""

from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from datetime import UTC, datetime

import numpy as np

from trading.errors import InvalidValueError
from trading.protocols import IndicatorProvider, Strategy
from trading.types.research import Bars, BoolArray, FloatArray, IntArray, Signals

# Prefixes are computed by the same steps: only the last digits of a differently cut vector may differ.
SAME_RATIO = 1e-9
# What is left of Wilder's and exponential averages' beginning after the warm-up.
FORGOTTEN_RATIO = 1e-6
FLAGS = ("enter", "exit")
NUMBERS = ("stop_ratio", "target_ratio", "trailing_ratio", "confidence_ratio")
_LOOKS = 48
_GROWTH = (1, 2, 4)
_SHOWN = 3


@dataclass(frozen=True, slots=True, kw_only=True)
class Difference:
    """One column at one bar: what it says with `all` bars, and what with `fewer` of them (flags as 0 and 1; NaN: nothing)."""

    column: str
    bar: int
    at: datetime
    all: float
    fewer: float

    def __str__(self) -> str:
        said = (
            ("yes" if self.all else "no", "yes" if self.fewer else "no")
            if self.column in FLAGS
            else (f"{self.all:.6g}", f"{self.fewer:.6g}")
        )
        return f"bar {self.bar} ({self.at:%Y-%m-%d %H:%M} UTC): {said[0]} with all bars, {said[1]} without"


@dataclass(frozen=True, slots=True, kw_only=True)
class Stage:
    """Looks at histories of one length: how many there were, in how many anything differed, and by how much at most."""

    bars: int
    looks: int
    differing: int
    largest_ratio: float


@dataclass(frozen=True, slots=True, kw_only=True)
class BiasReport:
    """`looks` counts the comparisons; `entries` the entry signals seen with all bars: few of them prove little."""

    check: str
    strategy: str
    market: str
    bars: int
    looks: int
    entries: int
    differences: tuple[Difference, ...]
    stages: tuple[Stage, ...] = ()

    @property
    def is_clean(self) -> bool:
        return not self.differences

    def lines(self) -> tuple[str, ...]:
        """The report for a person, a line each, the verdict first."""
        return tuple(_lines(self))


def lookahead(
    strategy: Strategy, bars: Bars, *, parameters: Mapping[str, float], indicators: IndicatorProvider
) -> BiasReport:
    """Compares every bar said with a cut-off or changed future with what was said in the light of all bars."""

    def say(part: Bars) -> Signals:
        return strategy.signals(part, parameters=parameters, indicators=indicators)

    everything = _enough(strategy, bars, parameters, say)
    found: dict[tuple[str, int], Difference] = {}
    cuts = _places(everything, first=strategy.warmup_bars(parameters) + 1, most=_LOOKS)
    for cut in cuts:
        # The first finds what needs the future to speak, the second what needs it to keep silent.
        for other in (bars.part(0, cut), _other_future(bars, cut)):
            for difference in _compare(everything, say(other), bars, size=cut):
                found.setdefault((difference.column, difference.bar), difference)
    return BiasReport(
        check="look-ahead",
        strategy=strategy.name,
        market=f"{bars.venue} {bars.symbol} {bars.timeframe}",
        bars=len(bars),
        looks=2 * len(cuts),
        entries=int(everything.enter.sum()),
        differences=tuple(sorted(found.values(), key=lambda d: (d.column, d.bar))),
    )


def recursive(
    strategy: Strategy, bars: Bars, *, parameters: Mapping[str, float], indicators: IndicatorProvider
) -> BiasReport:
    """Compares the last bar of histories as short as `warmup_bars` allows, and of longer ones, with the same bar of the whole."""

    def say(part: Bars) -> Signals:
        return strategy.signals(part, parameters=parameters, indicators=indicators)

    everything = _enough(strategy, bars, parameters, say)
    shortest = strategy.warmup_bars(parameters) + 1
    ends = _places(everything, first=shortest, most=_LOOKS)
    stages: list[Stage] = []
    found: list[Difference] = []
    for length in (shortest * times for times in _GROWTH):
        looks = [end for end in ends if end > length or length == shortest]
        missed = [
            (end, list(_last(everything, say(bars.part(end - length, end)), bars, end=end))) for end in looks
        ]
        seen = [difference for _, differences in missed for difference in differences]
        stages.append(
            Stage(
                bars=length,
                looks=len(looks),
                differing=sum(1 for _, differences in missed if differences),
                largest_ratio=max((_apart(d) for d in seen), default=0.0),
            )
        )
        found += seen if length == shortest else []
    return BiasReport(
        check="recursive",
        strategy=strategy.name,
        market=f"{bars.venue} {bars.symbol} {bars.timeframe}",
        bars=len(bars),
        looks=len(ends),
        entries=int(everything.enter.sum()),
        differences=tuple(sorted(found, key=lambda d: (d.column, d.bar))),
        stages=tuple(stage for stage in stages if stage.looks),
    )


def _enough(
    strategy: Strategy, bars: Bars, parameters: Mapping[str, float], say: Callable[[Bars], Signals]
) -> Signals:
    needed = strategy.warmup_bars(parameters) + 2
    if len(bars) < needed:
        raise InvalidValueError(
            f"{strategy.name} needs at least {needed} bars to be checked, {bars.venue} {bars.symbol} has {len(bars)}"
        )
    return say(bars)


def _places(signals: Signals, *, first: int, most: int) -> tuple[int, ...]:
    """Where to cut: just after bars that said something, as far as there are such, and evenly over all. Sorted, each once."""
    size = signals.enter.size
    spread: IntArray = np.linspace(first, size, num=most // 2).astype(np.int64)
    chosen = set(spread.tolist())
    for flags in (signals.enter, signals.exit):
        said = np.flatnonzero(flags) + 1
        said = said[(said >= first) & (said <= size)]
        if said.size:
            chosen.update(said[np.linspace(0, said.size - 1, num=most // 4).astype(np.int64)].tolist())
    return tuple(sorted(chosen))


def _other_future(bars: Bars, cut: int) -> Bars:
    """The same bars up to `cut`; after it what rose falls, volume runs backwards, and features change their sign."""
    pivot = bars.close[cut - 1] ** 2

    def mirrored(column: FloatArray) -> FloatArray:
        return np.concatenate((column[:cut], pivot / column[cut:]))

    return Bars(
        venue=bars.venue,
        symbol=bars.symbol,
        timeframe=bars.timeframe,
        open_time_ms=bars.open_time_ms,
        open=mirrored(bars.open),
        high=np.concatenate((bars.high[:cut], pivot / bars.low[cut:])),
        low=np.concatenate((bars.low[:cut], pivot / bars.high[cut:])),
        close=mirrored(bars.close),
        volume_base=np.concatenate((bars.volume_base[:cut], bars.volume_base[cut:][::-1])),
        features={
            name: np.concatenate((column[:cut], -column[cut:])) for name, column in bars.features.items()
        },
    )


def _compare(everything: Signals, fewer: Signals, bars: Bars, *, size: int) -> Iterator[Difference]:
    """Every bar before `size` about which the two do not agree."""
    for column in (*FLAGS, *NUMBERS):
        whole, part = _column(everything, column)[:size], _column(fewer, column)[:size]
        for bar in np.flatnonzero(~_agree(whole, part, within=SAME_RATIO)).tolist():
            yield _difference(column, bar, bars, whole[bar], part[bar])


def _last(everything: Signals, fewer: Signals, bars: Bars, *, end: int) -> Iterator[Difference]:
    """Where the two do not agree about the bar before `end`. Numbers matter only where an entry uses them."""
    matters = bool(everything.enter[end - 1] or fewer.enter[-1])
    for column in (*FLAGS, *(NUMBERS if matters else ())):
        whole, part = _column(everything, column)[end - 1 : end], _column(fewer, column)[-1:]
        if not _agree(whole, part, within=FORGOTTEN_RATIO)[0]:
            yield _difference(column, end - 1, bars, whole[0], part[0])


def _column(signals: Signals, name: str) -> FloatArray:
    values = np.asarray(getattr(signals, name), dtype=np.float64)
    return np.broadcast_to(values, signals.enter.shape)


def _agree(one: FloatArray, other: FloatArray, *, within: float) -> BoolArray:
    return np.isclose(one, other, rtol=within, atol=0.0, equal_nan=True)


def _difference(column: str, bar: int, bars: Bars, whole: float, part: float) -> Difference:
    at = datetime.fromtimestamp(int(bars.open_time_ms[bar]) / 1000, tz=UTC)
    return Difference(column=column, bar=bar, at=at, all=float(whole), fewer=float(part))


def _apart(difference: Difference) -> float:
    """How far apart the two are, as a part of the larger; 1 where only one of them says anything."""
    largest = max(abs(difference.all), abs(difference.fewer))
    apart = abs(difference.all - difference.fewer) / largest if largest else 0.0
    return apart if np.isfinite(apart) else 1.0


def _lines(report: BiasReport) -> Iterator[str]:
    what = f"{report.check} check of {report.strategy} on {report.bars} bars of {report.market}"
    if report.is_clean:
        yield f"{what}: clean; {_CLEAN[report.check]} ({report.looks} looks)"
    else:
        yield f"{what}: NOT clean; {_MEANING[report.check]}"
    for column in (*FLAGS, *NUMBERS):
        mine = [difference for difference in report.differences if difference.column == column]
        if mine:
            yield f"  {column} differs at {len(mine)} of the bars looked at:"
            yield from (f"    {difference}" for difference in mine[:_SHOWN])
    for stage in report.stages:
        yield (
            f"  {stage.bars} bars of history: {stage.differing} of {stage.looks} looks differ"
            + (f", by up to {stage.largest_ratio:.2%}" if stage.differing else "")
        )
    if report.entries == 0:
        yield "  it never entered on these bars, so this proves little: give it a longer or livelier stretch"


_CLEAN = {
    "look-ahead": "later bars, cut off or changed, change nothing",
    "recursive": "a history as short as its warm-up says the same as the whole",
}
_MEANING = {
    "look-ahead": "what it said about a bar changes with bars that came later, so its backtest knows the future",
    "recursive": "what it says depends on how far back the history began, so live it says something else than here",
}
