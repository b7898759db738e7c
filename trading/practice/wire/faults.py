"""Faults a test asks for: what happens to the next request that matches."""

from __future__ import annotations

from dataclasses import dataclass
from enum import StrEnum
from fnmatch import fnmatchcase

from trading.practice.errors import PracticeError


class Action(StrEnum):
    """What goes wrong. BEFORE means the venue has not seen the request; AFTER means it has done what was asked."""

    DROP_BEFORE = "drop_before"
    DROP_AFTER = "drop_after"
    DELAY_BEFORE = "delay_before"
    DELAY_AFTER = "delay_after"
    ERROR_BEFORE = "error_before"
    ERROR_AFTER = "error_after"
    HTML_AFTER = "html_after"
    CUT_BODY = "cut_body"
    RATE_LIMIT = "rate_limit"


@dataclass(slots=True)
class Fault:
    """One fault: it strikes from the ``nth`` matching request on, ``count`` times (0: until cleared).

    ``method`` and ``path`` are shell patterns; websocket API calls have method ``WS`` and the call's name as path.
    ``status`` is the HTTP status of errors and HTML answers; ``body`` replaces the default text.
    """

    action: Action
    method: str = "*"
    path: str = "*"
    nth: int = 1
    count: int = 1
    delay_s: float = 0.0
    status: int = 0
    retry_after_s: int | None = None
    body: str | None = None
    seen: int = 0
    struck: int = 0

    def strikes(self, method: str, path: str) -> bool:
        """Count a request; True when this fault is for it."""
        if not fnmatchcase(method, self.method) or not fnmatchcase(path, self.path):
            return False
        if self.count and self.struck >= self.count:
            return False
        self.seen += 1
        if self.seen < self.nth:
            return False
        self.struck += 1
        return True


class FaultBook:
    """The faults waiting at one venue."""

    def __init__(self) -> None:
        self.faults: list[Fault] = []

    def add(self, fault: Fault) -> None:
        """Arm a fault."""
        self.faults.append(fault)

    def clear(self) -> None:
        """Disarm everything."""
        self.faults.clear()

    def take(self, method: str, path: str) -> Fault | None:
        """The fault that strikes this request, or None."""
        return next((fault for fault in self.faults if fault.strikes(method, path)), None)


def fault_from(values: dict[str, object]) -> Fault:
    """A fault from JSON; PracticeError with one line when a field or its type is wrong."""
    known = {"action", "method", "path", "nth", "count", "delay_s", "status", "retry_after_s", "body"}
    unknown = sorted(set(values) - known)
    if unknown:
        raise PracticeError(f"fault: unknown field {unknown[0]!r}; known are {', '.join(sorted(known))}")
    try:
        action = Action(str(values.get("action")))
    except ValueError as error:
        raise PracticeError(f"fault: action must be one of {', '.join(Action)}") from error
    try:
        return Fault(
            action=action,
            method=str(values.get("method", "*")),
            path=str(values.get("path", "*")),
            nth=int(str(values.get("nth", 1))),
            count=int(str(values.get("count", 1))),
            delay_s=float(str(values.get("delay_s", 0))),
            status=int(str(values.get("status", 0))),
            retry_after_s=None if values.get("retry_after_s") is None else int(str(values["retry_after_s"])),
            body=None if values.get("body") is None else str(values["body"]),
        )
    except ValueError as error:
        raise PracticeError(f"fault: {error}") from error
