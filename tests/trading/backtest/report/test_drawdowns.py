"""Falls and recoveries, found one by one and compared with a slow search."""

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from tests.trading.backtest.runs import MONDAY_MS, START
from trading.backtest.report import drawdowns
from trading.backtest.report.curve import Curve, of_marks

HOUR_MS = 3_600_000


def curve(*equity: float) -> Curve:
    return of_marks(
        MONDAY_MS + np.arange(len(equity)) * HOUR_MS, np.array(equity), start=START, step_ms=HOUR_MS
    )


def close_of(bar: int) -> int:
    return MONDAY_MS + (bar + 1) * HOUR_MS


def test_each_fall_has_its_peak_its_low_and_its_way_back() -> None:
    found = drawdowns.deepest(curve(11_000, 9_900, 10_500, 11_000, 12_000, 6_000, 9_000))
    deep, shallow = found
    assert (deep.start_ms, deep.low_ms, deep.end_ms) == (close_of(4), close_of(5), None)
    assert (deep.depth_ratio, deep.peak_quote, deep.low_quote) == (0.5, 12_000, 6_000)
    assert (deep.length_s, deep.recovery_s) == (7_200, None)
    assert (shallow.start_ms, shallow.low_ms, shallow.end_ms) == (close_of(0), close_of(1), close_of(3))
    assert shallow.depth_ratio == pytest.approx(0.1)
    assert (shallow.length_s, shallow.recovery_s) == (3 * 3_600, 2 * 3_600)


def test_a_fall_from_the_first_bar_began_with_the_run() -> None:
    (fall,) = drawdowns.deepest(curve(9_000, 9_500))
    assert (fall.start_ms, fall.peak_quote) == (MONDAY_MS, START)
    assert fall.length_s == 2 * 3_600


def test_rising_equity_has_none() -> None:
    rising = curve(10_000, 10_000, 11_000)
    assert drawdowns.deepest(rising) == ()
    assert drawdowns.widest(rising) is None
    assert drawdowns.longest_s(rising) == 0


def test_the_costliest_fall_need_not_be_the_deepest() -> None:
    equity = curve(10_000, 5_000, 10_000, 100_000, 80_000, 100_000)
    assert drawdowns.deepest(equity)[0].depth_ratio == 0.5
    widest = drawdowns.widest(equity)
    assert widest is not None
    assert (widest.peak_quote, widest.low_quote) == (100_000, 80_000)


def test_only_the_deepest_are_listed() -> None:
    equity = [value for depth in range(1, 9) for value in (10_000, 10_000 - depth * 100)]
    found = drawdowns.deepest(curve(*equity))
    assert [round(fall.depth_ratio * 100) for fall in found] == [8, 7, 6, 5, 4]


@given(st.lists(st.floats(1, 1e6), min_size=1, max_size=80))
def test_deepest_and_longest_equal_a_slow_search(values: list[float]) -> None:
    found = curve(*values)
    peak, since, deepest, longest = START, MONDAY_MS, 0.0, 0.0
    for bar, equity in enumerate(values):
        if equity < peak:
            deepest = max(deepest, 1 - equity / peak)
            longest = max(longest, close_of(bar) - since)
        else:
            if since != close_of(bar - 1) and bar and values[bar - 1] < peak:
                longest = max(longest, close_of(bar) - since)
            peak, since = equity, close_of(bar)
    assert (drawdowns.deepest(found) or (None,))[0] is None or drawdowns.deepest(found)[
        0
    ].depth_ratio == pytest.approx(deepest)
    assert drawdowns.longest_s(found) == longest / 1000
    widest = drawdowns.widest(found)
    assert (widest.peak_quote - widest.low_quote if widest else 0.0) == pytest.approx(
        float((found.peak - found.equity).max())
    )
