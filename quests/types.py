"""The values that quests and triggers pass around: frozen, plain, without a database."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import datetime
from enum import StrEnum
from typing import Any


class Cadence(StrEnum):
    """How often a quest runs. EVENT quests run when a trigger fires, never by the clock."""

    MICRO = "micro"
    HOURLY = "hourly"
    DAILY = "daily"
    WEEKLY = "weekly"
    EVENT = "event"


class Priority(StrEnum):
    """One Celery queue each, with a worker process of its own: a flood below never delays what is above."""

    CRITICAL = "critical"
    HIGH = "high"
    NORMAL = "normal"
    LOW = "low"


class JobKind(StrEnum):
    """What a run is about; decides its queue."""

    RISK_CHECK = "risk_check"
    TRADE_EXECUTE = "trade_execute"
    MARKET_SCAN = "market_scan"
    REBALANCE = "rebalance"
    REPORT = "report"

    @property
    def priority(self) -> Priority:
        return _PRIORITY[self]

    @property
    def time_limit_s(self) -> int:
        """How long one run may take. Reports read whole histories; everything else must be quick."""
        return 300 if self is JobKind.REPORT else 60


_PRIORITY = {
    JobKind.RISK_CHECK: Priority.CRITICAL,
    JobKind.TRADE_EXECUTE: Priority.HIGH,
    JobKind.MARKET_SCAN: Priority.NORMAL,
    JobKind.REBALANCE: Priority.NORMAL,
    JobKind.REPORT: Priority.LOW,
}


@dataclass(frozen=True, slots=True, kw_only=True)
class Fired:
    """A trigger saw its condition on one instrument. `value` and `threshold` are in `unit`."""

    trigger: str
    quest: str
    skill_name: str
    venue: str
    symbol: str
    value: float
    threshold: float
    unit: str
    cooldown_s: int
    at: datetime

    @property
    def subject(self) -> str:
        """What the woken run is about; part of its unique slot."""
        return f"{self.trigger} {self.venue} {self.symbol}"

    def as_facts(self) -> dict[str, Any]:
        """JSON-able, kept on the run and shown as evidence."""
        return {
            "trigger": self.trigger,
            "skill_name": self.skill_name,
            "venue": self.venue,
            "symbol": self.symbol,
            "value": round(self.value, 4),
            "threshold": self.threshold,
            "unit": self.unit,
            "at": self.at.isoformat(),
        }


@dataclass(frozen=True, slots=True, kw_only=True)
class Opportunity:
    """Something worth a debate. `score` only ranks; `market` is the JSON evidence the decision will carry.

    `skill_hash` names the version that saw it, where a strategy did; empty: the one the analyst opens.
    """

    venue: str
    symbol: str
    score: float
    skill_name: str
    why: str
    market: Mapping[str, Any]
    skill_hash: str = ""


@dataclass(frozen=True, slots=True, kw_only=True)
class Outcome:
    """What a finished quest leaves behind: one line, JSON figures, and the opportunities it saw, in any order."""

    summary: str
    result: Mapping[str, Any] = field(default_factory=dict)
    opportunities: tuple[Opportunity, ...] = ()
