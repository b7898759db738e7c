"""What is a bar and what is missing; and a value that is aligned to bars never comes from the future."""

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from neuratrade.lib.clock import from_epoch_ms, to_epoch_ms
from tests.trading.history.builders import START_MS, make_bars, take
from trading.errors import InvalidValueError
from trading.history import quality
from trading.history.errors import BadFileError
from trading.history.quality import Rows
from trading.history.resample import resample
from trading.types.research import Bars

LATER = from_epoch_ms(START_MS + 10**9)
indices = st.sets(st.integers(0, 200), min_size=1).map(lambda chosen: np.array(sorted(chosen)))


@given(indices)
def test_bars_and_gaps_cover_the_range_exactly(index: "np.typing.NDArray[np.int64]") -> None:
    bars = take(make_bars(201), index)

    found = quality.gaps(bars)

    covered = [*bars.open_time_ms.tolist()]
    for gap in found:
        missing = list(range(to_epoch_ms(gap.since), to_epoch_ms(gap.until), bars.step_ms))
        assert len(missing) == gap.missing > 0
        covered += missing
    whole = range(int(bars.open_time_ms[0]), int(bars.open_time_ms[-1]) + 1, bars.step_ms)
    assert sorted(covered) == list(whole)


@given(
    index=indices,
    known=st.lists(st.tuples(st.integers(-5, 210), st.integers(0, 59_999), st.floats(-1, 1)), max_size=40),
)
def test_an_aligned_value_is_the_newest_known_at_the_close(
    index: "np.typing.NDArray[np.int64]", known: list[tuple[int, int, float]]
) -> None:
    bars = take(make_bars(201), index)
    series = sorted((START_MS + minute * 60_000 + offset_ms, value) for minute, offset_ms, value in known)
    times = np.array([time_ms for time_ms, _ in series], np.int64)

    aligned = quality.align(times, np.array([value for _, value in series]), bars)

    assert aligned.shape == bars.close.shape
    for open_ms, value in zip(bars.open_time_ms.tolist(), aligned.tolist(), strict=True):
        past = [one for time_ms, one in series if time_ms <= open_ms + bars.step_ms]
        assert np.array_equal([value], [past[-1] if past else np.nan], equal_nan=True)


@given(st.integers(1, 200), st.data())
def test_a_later_value_changes_no_earlier_bar(cut: int, data: st.DataObject) -> None:
    bars = make_bars(201)
    close_ms = int(bars.open_time_ms[cut]) + bars.step_ms
    times = np.array(sorted(data.draw(st.sets(st.integers(START_MS, close_ms), max_size=20))), np.int64)
    values = np.arange(times.size, dtype=np.float64)
    future = np.array([close_ms + 1, close_ms + 2], np.int64)

    before = quality.align(times, values, bars)[: cut + 1]
    after = quality.align(np.append(times, future), np.append(values, [-1.0, -2.0]), bars)[: cut + 1]

    assert np.array_equal(before, after, equal_nan=True)


def test_a_series_out_of_order_is_refused() -> None:
    with pytest.raises(InvalidValueError, match="one time per value, in order"):
        quality.align(np.array([2, 1]), np.array([0.0, 1.0]), make_bars(3))


def test_a_value_that_nobody_renewed_is_not_known_any_more() -> None:
    bars = make_bars(4)
    told = np.array([bars.open_time_ms[0] + bars.step_ms])  # at the first bar's close
    aligned = quality.align(told, np.array([0.5]), bars, most_age_s=2 * bars.step_ms / 1000)
    assert aligned.tolist()[:3] == [0.5, 0.5, 0.5]
    assert np.isnan(aligned[3])


def rows(**changes: tuple[int, float]) -> Rows:
    """Ten good rows with single values changed: column=(index, value)."""
    good = make_bars(10)
    columns = {
        name: np.array(getattr(good, name)) for name in ("open", "high", "low", "close", "volume_base")
    }
    columns["time_ms"] = np.array(good.open_time_ms)
    for name, (index, value) in changes.items():
        columns[name][index] = value
    return Rows(timeframe="1m", first_row=2, **columns)  # type: ignore[arg-type]


@pytest.mark.parametrize(
    ("bad", "line", "reason"),
    [
        (rows(open=(3, np.nan)), r"row 5 \(2022-01-01 00:03:00\): open is no number", "bad open"),
        (rows(low=(0, -1.0)), "row 2 .*: low must be above zero, not -1", "bad low"),
        (rows(high=(9, np.inf)), "row 11 .*: high must be above zero, not inf", "bad high"),
        (rows(volume_base=(1, -5.0)), "row 3 .*: volume must be zero or more, not -5", "bad volume"),
        (rows(high=(2, 1.0)), "row 4 .*: high 1 is below low", "high below low"),
        (rows(close=(2, 500.0)), "row 4 .*: close 500 lies outside low", "close outside low and high"),
        (rows(time_ms=(4, -1)), "row 6: its time cannot be read", "unreadable times"),
        (
            rows(time_ms=(4, START_MS + 240_001)),
            "row 6 .*: no 1m bar opens at this time",
            "times off the grid",
        ),
        (
            rows(time_ms=(9, START_MS + 10**9)),
            r"row 11 .*: no 1m bar opens at this time",
            "times off the grid",
        ),
        (
            rows(time_ms=(9, START_MS + 1_000_020_000)),
            r"row 11 .*: this bar has not ended at 2022-01-12",
            "bars that have not ended",
        ),
        (
            rows(time_ms=(4, START_MS + 180_000)),
            "row 6 .*: the time of the row before it again",
            "repeated times",
        ),
    ],
)
def test_a_row_that_is_no_bar_is_named_or_left_out(bad: Rows, line: str, reason: str) -> None:
    with pytest.raises(BadFileError, match=line) as caught:
        quality.screen(bad, at=LATER, skip_bad=False)
    assert str(caught.value).endswith("--skip-bad leaves such rows out")

    left = quality.screen(bad, at=LATER, skip_bad=True)

    assert left.dropped == {reason: 1}
    assert len(left.rows) == 9
    assert quality.first_problem(left.rows, at=LATER) == ""


def test_disorder_is_named_or_put_right() -> None:
    good = rows()
    swapped = good.take(np.array([0, 2, 1, *range(3, 10)]))
    with pytest.raises(BadFileError, match="row 4 .*: goes back in time"):
        quality.screen(swapped, at=LATER, skip_bad=False)

    left = quality.screen(swapped, at=LATER, skip_bad=True)

    assert left.dropped == {}
    assert np.array_equal(left.rows.time_ms, good.time_ms)
    assert np.array_equal(left.rows.close, good.close)


def test_of_repeated_times_the_last_row_counts() -> None:
    twice = rows(time_ms=(4, START_MS + 180_000))
    left = quality.screen(twice, at=LATER, skip_bad=True)
    assert left.rows.close[3] == twice.close[4]


@given(index=indices, ratio=st.sampled_from([("3m", 3), ("5m", 5), ("1h", 60)]))
def test_longer_bars_hold_exactly_their_whole_buckets(
    index: "np.typing.NDArray[np.int64]", ratio: tuple[str, int]
) -> None:
    timeframe, count = ratio
    bars = take(make_bars(201, start_ms=START_MS + 7 * 60_000), index)

    longer = resample(bars, timeframe=timeframe)

    buckets: dict[int, list[int]] = {}
    for position, time_ms in enumerate(bars.open_time_ms.tolist()):
        buckets.setdefault(time_ms // (count * 60_000) * count * 60_000, []).append(position)
    whole = {start: places for start, places in buckets.items() if len(places) == count}
    assert longer.open_time_ms.tolist() == sorted(whole)
    for row, start in enumerate(sorted(whole)):
        part = bars.part(whole[start][0], whole[start][-1] + 1)
        assert (longer.open[row], longer.close[row]) == (part.open[0], part.close[-1])
        assert (longer.high[row], longer.low[row]) == (part.high.max(), part.low.min())
        assert longer.volume_base[row] == pytest.approx(part.volume_base.sum(), rel=1e-12)


def test_shorter_bars_cannot_be_built() -> None:
    with pytest.raises(InvalidValueError, match="1m bars cannot be built from 5m ones"):
        resample(make_bars(10, timeframe="5m"), timeframe="1m")
    empty: Bars = make_bars(0)
    assert len(resample(empty, timeframe="5m")) == 0
