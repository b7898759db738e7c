"""The local filter on the stream: quotes and candles in, fired triggers out. Pure, in memory, no clock of its own.

It answers "wake whom?" so that the desk debates a probable setup only instead of polling. `stats` measures that honestly,
the moves it slept through included.
"""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from datetime import datetime, timedelta

from quests.protocols import Gauge, Trigger
from quests.types import Fired
from trading.types import Candle, Quote

# A move this large within this time, with nobody woken in it, counts as a setup missed.
MISSED_MOVE_RATIO = 0.015
MISSED_WINDOW = timedelta(minutes=15)


@dataclass(slots=True)
class WatchdogStats:
    """`suppressed` counts conditions that were met during a cool-down, `missed` large moves without a wake."""

    updates: int = 0
    wakes: int = 0
    suppressed: int = 0
    missed: int = 0

    def line(self) -> str:
        return (
            f"watchdog {self.updates} updates, {self.wakes} wakes, "
            f"{self.suppressed} suppressed, {self.missed} missed"
        )


@dataclass(slots=True)
class Latch:
    """Fires once per excursion: after firing it waits for the value to come back and for the cool-down to pass."""

    fire_at: float
    rearm_at: float
    cooldown: timedelta
    is_armed: bool = True
    fired_at: datetime | None = None

    def is_beyond(self, value: float) -> bool:
        return value <= self.fire_at if self.fire_at < self.rearm_at else value >= self.fire_at

    def is_back(self, value: float) -> bool:
        return value >= self.rearm_at if self.fire_at < self.rearm_at else value <= self.rearm_at

    def is_cooling(self, *, at: datetime) -> bool:
        return self.fired_at is not None and at < self.fired_at + self.cooldown

    def settle(self, value: float) -> None:
        """Re-arms when the value came back, and disarms while it stands beyond, without firing."""
        if self.is_back(value):
            self.is_armed = True
        elif self.is_beyond(value):
            self.is_armed = False

    def fires(self, value: float, *, at: datetime) -> bool:
        """True at most once per excursion and cool-down."""
        if self.is_beyond(value) and self.is_armed and not self.is_cooling(at=at):
            self.is_armed = False
            self.fired_at = at
            return True
        if self.is_back(value):
            self.is_armed = True
        return False


@dataclass(slots=True)
class _Watch:
    """One trigger on one instrument."""

    trigger: Trigger
    gauge: Gauge
    latch: Latch


@dataclass(slots=True)
class _Instrument:
    watches: list[_Watch]
    woken_at: datetime | None = None
    reference: tuple[datetime, float] | None = None


@dataclass(slots=True, kw_only=True)
class Watchdog:
    triggers: Mapping[str, Trigger]
    stats: WatchdogStats = field(default_factory=WatchdogStats)
    _instruments: dict[tuple[str, str], _Instrument] = field(default_factory=dict)

    def on_quote(self, quote: Quote, *, at: datetime) -> tuple[Fired, ...]:
        """The triggers that this quote fires; almost always none."""
        instrument = self._instrument(quote.venue, quote.symbol)
        price = (float(quote.bid) + float(quote.ask)) / 2
        fired = [
            _fired(watch.trigger, venue=quote.venue, symbol=quote.symbol, value=value, at=at)
            for watch in instrument.watches
            if (value := watch.gauge.on_price(price, at=at)) is not None and self._fires(watch, value, at)
        ]
        self._count(instrument, fired, price=price, at=at)
        return tuple(fired)

    def on_candle(self, candle: Candle, *, venue: str, symbol: str, at: datetime) -> tuple[Fired, ...]:
        """The triggers that this closed 1m candle fires."""
        instrument = self._instrument(venue, symbol)
        fired = [
            _fired(watch.trigger, venue=venue, symbol=symbol, value=value, at=at)
            for watch in instrument.watches
            if (value := watch.gauge.on_candle(candle)) is not None and self._fires(watch, value, at)
        ]
        self._count(instrument, fired, price=float(candle.close), at=at)
        return tuple(fired)

    def prime(self, candles: Iterable[Candle], *, venue: str, symbol: str) -> None:
        """Fills the gauges from stored 1m candles, oldest first, and fires nothing: what is past is past."""
        for candle in candles:
            for watch in self._instrument(venue, symbol).watches:
                value = watch.gauge.on_candle(candle)
                if value is not None:
                    watch.latch.settle(value)

    def _instrument(self, venue: str, symbol: str) -> _Instrument:
        found = self._instruments.get((venue, symbol))
        if found is None:
            watches = [_Watch(t, t.gauge(), _latch(t)) for t in self.triggers.values()]
            found = self._instruments[venue, symbol] = _Instrument(watches)
        return found

    def _fires(self, watch: _Watch, value: float, at: datetime) -> bool:
        latch = watch.latch
        was_met_while_cooling = latch.is_armed and latch.is_beyond(value) and latch.is_cooling(at=at)
        if was_met_while_cooling:
            self.stats.suppressed += 1
            latch.is_armed = False
            return False
        return latch.fires(value, at=at)

    def _count(self, instrument: _Instrument, fired: list[Fired], *, price: float, at: datetime) -> None:
        self.stats.updates += 1
        self.stats.wakes += len(fired)
        if fired:
            instrument.woken_at, instrument.reference = at, (at, price)
        if instrument.reference is None or at - instrument.reference[0] > MISSED_WINDOW:
            instrument.reference = (at, price)
        elif abs(price / instrument.reference[1] - 1) >= MISSED_MOVE_RATIO:
            slept = instrument.woken_at is None or at - instrument.woken_at > MISSED_WINDOW
            self.stats.missed += int(slept)
            instrument.reference = (at, price)


def _latch(trigger: Trigger) -> Latch:
    return Latch(trigger.fire_at, trigger.rearm_at, timedelta(seconds=trigger.cooldown_s))


def _fired(trigger: Trigger, *, venue: str, symbol: str, value: float, at: datetime) -> Fired:
    return Fired(
        trigger=trigger.name,
        quest=trigger.quest,
        skill_name=trigger.skill_name,
        venue=venue,
        symbol=symbol,
        value=value,
        threshold=trigger.fire_at,
        unit=trigger.unit,
        cooldown_s=trigger.cooldown_s,
        at=at,
    )
