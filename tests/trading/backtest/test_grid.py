"""Grids are read strictly, and every combination has one number."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from trading.backtest import grid
from trading.errors import InvalidValueError


def test_a_range_holds_both_ends_and_its_steps_are_exact() -> None:
    found = grid.parse(["x=10:30:5", "y=0.1:0.3:0.1", "z=7", "w=1,2,5"])
    assert found.axes["x"] == (10, 15, 20, 25, 30)
    assert found.axes["y"] == (0.1, 0.2, 0.3)
    assert (found.axes["z"], found.axes["w"]) == ((7,), (1, 2, 5))
    assert len(found) == 45
    assert found.varied == ("x", "y", "w")


def test_a_range_that_misses_its_end_stops_before_it() -> None:
    assert grid.parse(["x=1:10:4"]).axes["x"] == (1, 5, 9)


def test_no_parameter_at_all_is_one_point() -> None:
    assert [*grid.parse([]).points()] == [{}]


@given(st.lists(st.integers(1, 5), min_size=1, max_size=4))
def test_points_are_counted_in_the_order_they_come(sizes: list[int]) -> None:
    found = grid.Grid(axes={f"p{number}": tuple(range(size)) for number, size in enumerate(sizes)})
    points = [*found.points()]
    assert [found.point(index) for index in range(len(found))] == points
    assert len({tuple(point.items()) for point in points}) == len(points)


@pytest.mark.parametrize(
    ("option", "line"),
    [
        ("x", "write name=3"),
        ("=3", "write name=3"),
        ("x=", "write name=3"),
        ("x=a", "'a' is not a number"),
        ("x=1,,2", "'' is not a number"),
        ("x=nan", "not a finite number"),
        ("x=1:2", "from:to:step"),
        ("x=1:2:0", "step must be above zero"),
        ("x=1:2:-1", "step must be above zero"),
        ("x=3:2:1", "begins above its end"),
        ("x=0:1:0.000001", "1,000,001 values"),
        ("x=1,1", "each value once"),
    ],
)
def test_an_impossible_parameter_is_one_line(option: str, line: str) -> None:
    with pytest.raises(InvalidValueError, match="x|name") as caught:
        grid.parse([option])
    assert line in str(caught.value)
    assert "\n" not in str(caught.value)


def test_a_name_twice_and_too_many_combinations_are_refused() -> None:
    with pytest.raises(InvalidValueError, match="given twice"):
        grid.parse(["x=1", "x=2"])
    with pytest.raises(InvalidValueError, match="1,000,000 combinations"):
        grid.parse(["x=1:1000:1", "y=1:1000:1"])
