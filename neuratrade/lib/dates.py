"""Dates and times as an operator types them, in UTC. One reading for backtests, history, drift and taxes."""

import argparse
import re
from datetime import UTC, datetime

EARLIEST = datetime(1970, 1, 1, tzinfo=UTC)
LATEST = datetime(2200, 1, 1, tzinfo=UTC)
_EXAMPLES = "give a day as 2022-01-31, or a time as 2022-01-31T09:30 (UTC unless it names a zone)"


class DateError(argparse.ArgumentTypeError, ValueError):
    """The text is no date that can be used; the message is one line for the operator.

    Being argparse's own error too, it keeps its words when `day_or_time` is the `type` of an option.
    """


def add_period(options: argparse._ActionsContainer) -> None:
    """--from and --to, the same in every command; freqtrade's and ccxt's word for the start is understood too."""
    options.add_argument(
        "--from",
        type=day_or_time,
        dest="since",
        metavar="DATE",
        help="the first day or time, as 2024-01-31",
    )
    options.add_argument(
        "--to", type=day_or_time, dest="until", metavar="DATE", help="the day or time after the last"
    )
    for alias, meant in (("--since", "since"), ("--until", "until")):
        options.add_argument(
            alias, type=day_or_time, dest=meant, default=argparse.SUPPRESS, help=argparse.SUPPRESS
        )


def day_or_time(text: str) -> datetime:
    """The first instant of the day, month or year that `text` names, or the instant itself; aware, in UTC.

    Reads 2022, 2022-01, 2022-01-31, 20220131, ISO times with or without a zone (none means UTC), and seconds or milliseconds
    since 1970 (10 or 13 digits). Raises DateError.
    """
    text = text.strip()
    try:
        at = _parse(text)
        at = at.replace(tzinfo=UTC) if at.tzinfo is None else at.astimezone(UTC)
    except (ValueError, OverflowError) as error:
        raise DateError(f"{text!r} is no date ({error}); {_EXAMPLES}") from error
    if not EARLIEST <= at < LATEST:
        raise DateError(f"{text!r} lies outside {EARLIEST:%Y} to {LATEST:%Y}; {_EXAMPLES}")
    return at


def period(since: datetime | None, until: datetime | None) -> tuple[datetime | None, datetime | None]:
    """The same two ends, None meaning open. Raises DateError unless `since` lies before `until`, which itself is left out."""
    if since is not None and until is not None and since >= until:
        raise DateError(
            f"the period from {show(since)} to {show(until)} is empty; give a start before its end"
        )
    return since, until


def show(at: datetime) -> str:
    """A time as an operator reads it: the day alone at midnight, else to the minute or second; UTC."""
    at = at.astimezone(UTC)
    if (at.hour, at.minute, at.second, at.microsecond) == (0, 0, 0, 0):
        return f"{at:%Y-%m-%d}"
    return f"{at:%Y-%m-%d %H:%M}" if at.second == 0 and at.microsecond == 0 else f"{at:%Y-%m-%d %H:%M:%S}"


def _parse(text: str) -> datetime:
    if re.fullmatch(r"\d{4}", text):
        return datetime(int(text), 1, 1, tzinfo=UTC)
    if re.fullmatch(r"\d{4}-\d{2}", text):
        return datetime(int(text[:4]), int(text[5:]), 1, tzinfo=UTC)
    if re.fullmatch(r"\d{10}|\d{13}", text):
        return datetime.fromtimestamp(int(text) / (1000 if len(text) == 13 else 1), UTC)
    return datetime.fromisoformat(text)
