"""What a plug-in of the quests package must provide.

| folder | object in each module | what it is |
|---|---|---|
| `quests/catalog/` | `QUEST: Quest` | one recurring or woken piece of work |
| `quests/triggers/` | `TRIGGER: Trigger` | one market condition that wakes the desk |
"""

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import Any, Protocol

from quests.types import Cadence, JobKind, Outcome
from trading.types import Candle, Mode


@dataclass(frozen=True, slots=True, kw_only=True)
class RunContext:
    """What a quest is given. `checkpoint` is what an earlier, interrupted attempt saved; empty on the first.

    `facts` are the trigger's, empty for a routine run. `save(checkpoint, progress_ratio, note)` makes progress durable.
    """

    run_id: int
    at: datetime
    scheduled_for: datetime
    mode: Mode
    facts: Mapping[str, Any]
    checkpoint: Mapping[str, Any]
    save: Callable[[Mapping[str, Any], float, str], None]

    @property
    def account_mode(self) -> Mode:
        """Whose accounts this desk decides for and reports on: shadow never touches a live account."""
        return Mode.LIVE if self.mode is Mode.LIVE else Mode.PAPER


class Quest(Protocol):
    """One piece of work. It may run twice for one slot after a crash, so what it writes must bear repetition."""

    @property
    def cadence(self) -> Cadence: ...

    @property
    def job(self) -> JobKind: ...

    @property
    def purpose(self) -> str: ...

    def run(self, context: RunContext) -> Outcome: ...


class Gauge(Protocol):
    """One instrument's running measurement. Both methods return the new value, or None while it is not known."""

    def on_price(self, price: float, *, at: datetime) -> float | None: ...

    def on_candle(self, candle: Candle) -> float | None: ...


class Trigger(Protocol):
    """A condition with hysteresis: it fires at `fire_at`, and again only after the value came back to `rearm_at`
    and `cooldown_s` passed. `fire_at` below `rearm_at` means that it fires when the value falls."""

    @property
    def name(self) -> str: ...

    @property
    def quest(self) -> str: ...

    @property
    def skill_name(self) -> str: ...

    @property
    def unit(self) -> str: ...

    @property
    def fire_at(self) -> float: ...

    @property
    def rearm_at(self) -> float: ...

    @property
    def cooldown_s(self) -> int: ...

    def gauge(self) -> Gauge: ...
