from datetime import UTC, datetime, timedelta, timezone

import pytest
from hypothesis import given
from hypothesis import strategies as st

from quests import schedule
from quests.types import Cadence

ROUTINE = st.sampled_from([c for c in Cadence if c is not Cadence.EVENT])
MICRO = st.integers(min_value=5, max_value=300)
OFFSETS = st.integers(min_value=-14 * 60, max_value=14 * 60).map(lambda m: timezone(timedelta(minutes=m)))
MOMENTS = st.datetimes(
    min_value=datetime(2000, 1, 1),  # noqa: DTZ001 - hypothesis adds the zone
    max_value=datetime(2100, 1, 1),  # noqa: DTZ001
    timezones=OFFSETS,
)


@given(cadence=ROUTINE, at=MOMENTS, every=MICRO)
def test_a_slot_holds_its_moment_and_is_its_own_slot(cadence: Cadence, at: datetime, every: int) -> None:
    start = schedule.slot(cadence, at=at, micro_every_s=every)
    length = schedule.period(cadence, micro_every_s=every)
    assert start <= at < start + length
    assert schedule.slot(cadence, at=start, micro_every_s=every) == start
    assert schedule.slot(cadence, at=start + length, micro_every_s=every) == start + length
    assert start.tzinfo is UTC


@given(cadence=ROUTINE, at=MOMENTS, later_s=st.floats(0, 1e7), every=MICRO)
def test_slots_never_run_backwards(cadence: Cadence, at: datetime, later_s: float, every: int) -> None:
    later = at + timedelta(seconds=later_s)
    assert schedule.slot(cadence, at=at, micro_every_s=every) <= schedule.slot(
        cadence, at=later, micro_every_s=every
    )


@given(cadence=ROUTINE, at=MOMENTS, zone=OFFSETS, every=MICRO)
def test_the_slot_does_not_depend_on_the_zone_the_moment_is_told_in(
    cadence: Cadence, at: datetime, zone: timezone, every: int
) -> None:
    assert schedule.slot(cadence, at=at, micro_every_s=every) == schedule.slot(
        cadence, at=at.astimezone(zone), micro_every_s=every
    )


@given(cadence=ROUTINE, every=MICRO)
def test_beat_asks_at_least_once_per_slot(cadence: Cadence, every: int) -> None:
    assert (
        schedule.beat_every_s(cadence, micro_every_s=every)
        <= schedule.period(cadence, micro_every_s=every).total_seconds()
    )


def test_days_start_at_midnight_utc_and_weeks_on_monday() -> None:
    friday = datetime(2026, 11, 20, 17, 45, 12, tzinfo=UTC)
    assert schedule.slot(Cadence.HOURLY, at=friday, micro_every_s=60) == datetime(
        2026, 11, 20, 17, tzinfo=UTC
    )
    assert schedule.slot(Cadence.DAILY, at=friday, micro_every_s=60) == datetime(2026, 11, 20, tzinfo=UTC)
    assert schedule.slot(Cadence.WEEKLY, at=friday, micro_every_s=60) == datetime(2026, 11, 16, tzinfo=UTC)


def test_a_time_without_a_zone_is_refused() -> None:
    with pytest.raises(ValueError, match="aware UTC"):
        schedule.slot(Cadence.DAILY, at=datetime(2026, 1, 1), micro_every_s=60)  # noqa: DTZ001


def test_an_event_has_no_slot() -> None:
    with pytest.raises(ValueError, match="trigger"):
        schedule.slot(Cadence.EVENT, at=datetime(2026, 1, 1, tzinfo=UTC), micro_every_s=60)


def test_retries_back_off_exponentially() -> None:
    at = datetime(2026, 1, 1, tzinfo=UTC)
    waits = [(schedule.retry_at(at=at, attempts=n) - at).total_seconds() for n in (1, 2, 3)]
    assert waits == [5, 10, 20]
