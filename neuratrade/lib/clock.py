"""The only place that reads the clock. Everything that decides gets the time passed in as `at`."""

from datetime import UTC, datetime


def now() -> datetime:
    """The current time, aware, in UTC."""
    return datetime.now(UTC)


def from_epoch_ms(epoch_ms: int) -> datetime:
    """Milliseconds since 1970 as aware UTC."""
    return datetime.fromtimestamp(epoch_ms / 1000, UTC)


def to_epoch_ms(at: datetime) -> int:
    """Aware time as whole milliseconds since 1970; raises ValueError on a naive time."""
    if at.tzinfo is None:
        raise ValueError("a time without a zone has no epoch; pass aware UTC")
    return round(at.timestamp() * 1000)
