"""Quests made for tests: real plug-ins, only smaller."""

from collections.abc import Callable
from dataclasses import dataclass, field
from datetime import datetime, timedelta

from quests.models import Quest
from quests.protocols import RunContext
from quests.types import Cadence, JobKind, Opportunity, Outcome


@dataclass
class Steps:
    """Works through steps, saving each; dies once before the step named in `dies_before`."""

    steps: tuple[str, ...] = ("one", "two", "three")
    dies_before: str = ""
    opportunities: tuple[Opportunity, ...] = ()
    cadence: Cadence = Cadence.HOURLY
    job: JobKind = JobKind.REPORT
    purpose: str = "counts"
    worked: list[str] = field(default_factory=list)
    meanwhile: Callable[[], None] = lambda: None

    def run(self, context: RunContext) -> Outcome:
        done = list(context.checkpoint.get("done", []))
        for step in self.steps:
            if step in done:
                continue
            if step == self.dies_before:
                self.dies_before = ""
                raise ConnectionError("the power went out")
            self.worked.append(step)
            self.meanwhile()
            done.append(step)
            context.save({"done": done}, len(done) / len(self.steps), f"did {step}")
        return Outcome(summary=f"{len(done)} steps", result={"done": done}, opportunities=self.opportunities)


class Ticking:
    """A clock that the test moves."""

    def __init__(self, at: datetime) -> None:
        self.at = at

    def __call__(self) -> datetime:
        return self.at

    def forward(self, seconds: float) -> datetime:
        self.at += timedelta(seconds=seconds)
        return self.at


def install(name: str, plugin: Steps) -> Quest:
    return Quest.objects.create(name=name, cadence=plugin.cadence, job=plugin.job, purpose=plugin.purpose)


def opportunity(symbol: str = "BTC/USDT", *, venue: str = "binance", score: float = 1.0) -> Opportunity:
    return Opportunity(
        venue=venue,
        symbol=symbol,
        score=score,
        skill_name="momentum-scan",
        why="it rose",
        market={"quote": {"bid": "100"}},
    )
