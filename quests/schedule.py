"""When what is due: the clock cut into slots, in UTC. Pure.

Beat only asks; the slot decides. A slot is named by its first instant, and a quest has at most one run per slot, so asking
twice, late, or from two beats changes nothing.
"""

from datetime import UTC, datetime, timedelta

from quests.types import Cadence

_DAY = timedelta(days=1)
_EPOCH = datetime(1970, 1, 1, tzinfo=UTC)
_FIRST_MONDAY = datetime(1970, 1, 5, tzinfo=UTC)


def period(cadence: Cadence, *, micro_every_s: int) -> timedelta:
    """The length of a cadence's slots; raises ValueError for EVENT, which has none."""
    match cadence:
        case Cadence.MICRO:
            return timedelta(seconds=micro_every_s)
        case Cadence.HOURLY:
            return timedelta(hours=1)
        case Cadence.DAILY:
            return _DAY
        case Cadence.WEEKLY:
            return 7 * _DAY
        case Cadence.EVENT:
            raise ValueError("an event has no period; it starts when a trigger fires")


def slot(cadence: Cadence, *, at: datetime, micro_every_s: int) -> datetime:
    """The first instant of the slot that holds `at`. Days start at 00:00 UTC, weeks on Monday."""
    return floor(at, length=period(cadence, micro_every_s=micro_every_s))


def floor(at: datetime, *, length: timedelta) -> datetime:
    """The last whole multiple of `length`, counted from a Monday midnight UTC, that is not after `at`."""
    if at.tzinfo is None:
        raise ValueError("a time without a zone has no slot; pass aware UTC")
    moment = at.astimezone(UTC)
    origin = _FIRST_MONDAY if length > _DAY else _EPOCH
    return moment - (moment - origin) % length


def beat_every_s(cadence: Cadence, *, micro_every_s: int) -> int:
    """How often beat asks whether a cadence is due. Far more often than the slots change, so that a desk that was off at
    midnight still writes its report; one question costs one query."""
    match cadence:
        case Cadence.MICRO:
            return micro_every_s
        case Cadence.HOURLY:
            return 60
        case Cadence.DAILY:
            return 300
        case Cadence.WEEKLY:
            return 900
        case Cadence.EVENT:
            raise ValueError("beat never asks for events; triggers start them")


def retry_at(*, at: datetime, attempts: int, base_s: int = 5) -> datetime:
    """When a failed run tries again: 5 s, 10 s, 20 s … after its first, second, third failure."""
    return at + timedelta(seconds=base_s * 2 ** max(attempts - 1, 0))
