"""A demo on recorded candles begins where something happens."""

import math
from pathlib import Path

import pytest

from neuratrade.demo_start import drift_t, first_setup
from trading.practice.errors import PracticeError

FLAT, RISE, REST = 200, 20, 40


def recording(path: Path, closes: list[float]) -> Path:
    rows = [f"{1_640_995_200_000 + minute * 60_000},{p},{p},{p},{p},1" for minute, p in enumerate(closes)]
    path.write_text("timestamp,open,high,low,close,volume\n" + "\n".join(rows) + "\n", encoding="utf-8")
    return path


def quiet(minute: int) -> float:
    return 100 + 0.3 * math.sin(minute * 1.7)


def stairs(minute: int) -> float:
    """Flat, a steady rise, and a rest on the new level: there the drift still counts and the rise is not overdone."""
    return quiet(minute) + 0.15 * min(max(minute - FLAT, 0), RISE)


def test_it_begins_after_the_rise_and_not_before(tmp_path: Path) -> None:
    closes = [stairs(minute) for minute in range(FLAT + RISE + REST)]
    start = first_setup(recording(tmp_path / "rise.csv", closes), past_minutes=60)
    assert start is not None
    assert FLAT < start < FLAT + RISE + REST


def test_the_past_is_never_shorter_than_asked_for(tmp_path: Path) -> None:
    file = recording(tmp_path / "rise.csv", [stairs(minute) for minute in range(FLAT + RISE + REST)])
    start = first_setup(file, past_minutes=60)
    assert start is not None
    assert first_setup(file, past_minutes=start + 1) != start
    assert first_setup(file, past_minutes=1_000) is None


def test_a_falling_market_has_no_setup(tmp_path: Path) -> None:
    closes = [quiet(minute) - 0.03 * minute for minute in range(400)]
    assert first_setup(recording(tmp_path / "fall.csv", closes), past_minutes=60) is None


def test_a_market_that_does_not_move_has_no_drift() -> None:
    assert drift_t([5.0] * 31) == 0


def test_a_broken_file_says_so(tmp_path: Path) -> None:
    file = tmp_path / "broken.csv"
    file.write_text("not,candles\n1,2\n", encoding="utf-8")
    with pytest.raises(PracticeError):
        first_setup(file, past_minutes=60)


def test_the_recorded_month_has_a_setup_within_its_first_days(recorded: Path) -> None:
    start = first_setup(recorded / "btc-perp-1m-2022-01.csv.gz", past_minutes=1_500)
    assert start is not None
    assert 1_500 <= start < 4_000
