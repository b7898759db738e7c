"""Walk-forward windows follow one another without a gap, and never try on what they chose from."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from trading.backtest import windows
from trading.backtest.windows import Plan
from trading.errors import InvalidValueError

DAY = 86_400_000


@given(st.integers(1, 40), st.integers(1, 40), st.integers(0, 200), st.booleans())
def test_the_tries_cover_everything_after_the_first_choice_once(
    choose: int, attempt: int, more: int, is_anchored: bool
) -> None:
    plan = Plan(choose_ms=choose, try_ms=attempt, is_anchored=is_anchored)
    until = choose + attempt + more
    found = windows.split(plan, since_ms=0, until_ms=until)
    assert found[0].split_ms == choose
    assert found[-1].until_ms == until
    assert [window.until_ms for window in found[:-1]] == [window.split_ms for window in found[1:]]
    for window in found:
        assert window.since_ms == (0 if is_anchored else window.split_ms - choose)
        assert window.until_ms - window.split_ms <= attempt


def test_spans_are_read_with_their_units() -> None:
    assert windows.parse("30d:7d") == Plan(choose_ms=30 * DAY, try_ms=7 * DAY)
    assert windows.parse("2w:12h:anchored") == Plan(choose_ms=14 * DAY, try_ms=DAY // 2, is_anchored=True)


@pytest.mark.parametrize("text", ["", "30d", "30:7", "30d:7d:8d", "30d:7d:anchor", "-3d:7d", "30d:7m"])
def test_what_is_no_plan_is_one_line(text: str) -> None:
    with pytest.raises(InvalidValueError, match="write 30d:7d"):
        windows.parse(text)


def test_lengths_of_zero_too_little_time_and_too_many_windows_are_refused() -> None:
    with pytest.raises(InvalidValueError, match="above zero"):
        windows.parse("0d:7d")
    with pytest.raises(InvalidValueError, match="needs 37 days and there are 20"):
        windows.split(windows.parse("30d:7d"), since_ms=0, until_ms=20 * DAY)
    with pytest.raises(InvalidValueError, match="more than 500"):
        windows.split(windows.parse("1d:1h"), since_ms=0, until_ms=400 * DAY)
