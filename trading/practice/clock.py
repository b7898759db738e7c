"""The clock a practice world lives by: the machine's own, or a virtual one that a test moves by hand."""

from __future__ import annotations

import time
from typing import Protocol


class Clock(Protocol):
    """Tells the time in whole milliseconds since the Unix epoch."""

    @property
    def is_virtual(self) -> bool:
        """True when somebody moves this clock by hand and nothing happens by itself."""

    def now_ms(self) -> int:
        """Milliseconds since the Unix epoch."""


class WallClock:
    """The machine's clock."""

    is_virtual = False

    def now_ms(self) -> int:
        """Milliseconds since the Unix epoch."""
        return time.time_ns() // 1_000_000


class VirtualClock:
    """A clock that stands still until `advance` moves it. Two runs with one seed under it are identical."""

    is_virtual = True

    def __init__(self, *, start_ms: int = 1_767_225_600_000) -> None:
        self._now_ms = start_ms

    def now_ms(self) -> int:
        """Milliseconds since the Unix epoch."""
        return self._now_ms

    def advance(self, *, by_ms: int) -> None:
        """Move time on by ``by_ms``; raises ValueError when that is negative."""
        if by_ms < 0:
            raise ValueError("time does not run backwards")
        self._now_ms += by_ms


class SkewedClock:
    """A venue's own idea of the time: another clock plus an error that a test sets."""

    def __init__(self, clock: Clock, *, skew_ms: int = 0) -> None:
        self._clock = clock
        self.skew_ms = skew_ms

    @property
    def is_virtual(self) -> bool:
        """As the clock below."""
        return self._clock.is_virtual

    def now_ms(self) -> int:
        """Milliseconds since the Unix epoch, with the error."""
        return self._clock.now_ms() + self.skew_ms
