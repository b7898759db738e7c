"""What an operator may type as a date, and the one line that anything else gets."""

import argparse
from datetime import UTC, datetime

import pytest
from hypothesis import given
from hypothesis import strategies as st

from neuratrade.lib import dates
from neuratrade.lib.clock import from_epoch_ms


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("2022", datetime(2022, 1, 1, tzinfo=UTC)),
        ("2022-03", datetime(2022, 3, 1, tzinfo=UTC)),
        ("2022-01-31", datetime(2022, 1, 31, tzinfo=UTC)),
        ("20220131", datetime(2022, 1, 31, tzinfo=UTC)),
        (" 2022-01-31T09:30 ", datetime(2022, 1, 31, 9, 30, tzinfo=UTC)),
        ("2022-01-31 09:30:05", datetime(2022, 1, 31, 9, 30, 5, tzinfo=UTC)),
        ("2022-01-31T09:30Z", datetime(2022, 1, 31, 9, 30, tzinfo=UTC)),
        ("2022-01-31T09:30+02:00", datetime(2022, 1, 31, 7, 30, tzinfo=UTC)),
        ("1640995200", datetime(2022, 1, 1, tzinfo=UTC)),
        ("1640995200500", datetime(2022, 1, 1, 0, 0, 0, 500_000, tzinfo=UTC)),
    ],
)
def test_what_is_a_date(text: str, expected: datetime) -> None:
    assert dates.day_or_time(text) == expected
    assert dates.day_or_time(text).tzinfo is UTC


@pytest.mark.parametrize(
    "text",
    ["", "yesterday", "2022-13-01", "2022-02-30", "2022-13", "0000", "1969-12-31", "2300-01-01", "1e9"],
)
def test_anything_else_is_one_line_that_says_what_to_give(text: str) -> None:
    with pytest.raises(dates.DateError, match=r"give a day as 2022-01-31") as caught:
        dates.day_or_time(text)
    assert "\n" not in str(caught.value)
    assert repr(text) in str(caught.value)


def test_as_an_options_type_the_words_reach_the_operator(capsys: pytest.CaptureFixture[str]) -> None:
    parser = argparse.ArgumentParser()
    parser.add_argument("--from", type=dates.day_or_time)
    with pytest.raises(SystemExit):
        parser.parse_args(["--from", "2022-13-01"])
    assert "argument --from: '2022-13-01' is no date" in capsys.readouterr().err


def test_a_period_must_not_be_empty() -> None:
    first, second = dates.day_or_time("2022-01-01"), dates.day_or_time("2022-01-01T00:01")
    assert dates.period(first, second) == (first, second)
    assert dates.period(None, first) == (None, first)
    for since, until in ((second, first), (first, first)):
        with pytest.raises(dates.DateError, match="give a start before its end"):
            dates.period(since, until)


@given(st.integers(0, 7_000_000_000_000))
def test_what_is_shown_can_be_typed(epoch_ms: int) -> None:
    at = from_epoch_ms(epoch_ms)
    assert dates.day_or_time(dates.show(at)) == at.replace(microsecond=0)
    assert dates.day_or_time(at.isoformat()) == at


def test_only_what_is_needed_is_shown() -> None:
    assert dates.show(datetime(2022, 1, 31, tzinfo=UTC)) == "2022-01-31"
    assert dates.show(datetime(2022, 1, 31, 9, 30, tzinfo=UTC)) == "2022-01-31 09:30"


@pytest.mark.parametrize(
    "words",
    [("--from", "2022-01-01", "--to", "2022-02-01"), ("--since", "2022-01-01", "--until", "2022-02-01")],
)
def test_every_command_understands_both_words_for_a_period(words: tuple[str, ...]) -> None:
    parser = argparse.ArgumentParser()
    dates.add_period(parser.add_argument_group("market"))
    found = parser.parse_args(words)
    assert (found.since, found.until) == (datetime(2022, 1, 1, tzinfo=UTC), datetime(2022, 2, 1, tzinfo=UTC))
    assert vars(parser.parse_args([])) == {"since": None, "until": None}
    assert "--until" not in parser.format_help()
