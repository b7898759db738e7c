"""The shape of a readiness check's answer."""

from collections.abc import Callable
from dataclasses import dataclass
from datetime import datetime
from enum import StrEnum


class CheckStatus(StrEnum):
    OK = "ok"
    WARNING = "warning"
    FAILED = "failed"


@dataclass(frozen=True, slots=True, kw_only=True)
class CheckResult:
    """`evidence` says what was seen; `remedy` says exactly what to do, and is empty when all is well."""

    name: str
    status: CheckStatus
    evidence: str
    remedy: str = ""


Check = Callable[[datetime], CheckResult]
