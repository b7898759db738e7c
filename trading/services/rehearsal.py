"""Plays stored bars through the real desk: the gate sizes, judges and signs, the executor sends, the paper venue fills, the ledger books.

Bars in which no signal fires, no level is touched and no time is up are passed over without a look, however many there are. What
happens in the others is `rehearsal_player.py`; which parts play, `rehearsal_desk.py`; the market and the clock, `rehearsal_market.py`.
"""

import tempfile
import time
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

from asgiref.sync import async_to_sync
from django.conf import settings

from trading.errors import InvalidValueError
from trading.services.rehearsal_desk import Setting, build
from trading.services.rehearsal_player import Player, Veto
from trading.types.research import Bars, Signals


@dataclass(frozen=True, slots=True, kw_only=True)
class Rehearsal:
    """What was played; the trades are in the books. `looked_at` counts the bars in which something could happen."""

    account_id: int
    instrument_id: int
    bars: int
    looked_at: int
    entries: int
    vetoes: tuple[Veto, ...]
    elapsed_s: float

    @property
    def bars_per_s(self) -> float:
        return self.bars / self.elapsed_s if self.elapsed_s > 0 else 0.0


def check(bars: Bars, signals: Signals, *, setting: Setting) -> None:
    """Raises InvalidValueError for what cannot be played."""
    if signals.enter.size != len(bars):
        raise InvalidValueError(f"there are {len(bars)} bars and signals for {signals.enter.size}")
    if len(bars) < 2:
        raise InvalidValueError("a rehearsal needs at least two bars; give a longer period")
    if not 0 <= setting.delay_s * 1000 < bars.step_ms:
        raise InvalidValueError(
            f"a delay lies within a bar of {bars.timeframe}: give 0 up to less than {bars.step_ms / 1000:.0f} s"
        )


def play(
    bars: Bars,
    signals: Signals,
    *,
    setting: Setting,
    strategy: str,
    skill_hash: str = "",
    on_progress: Callable[[int], None] = lambda _bar: None,
) -> Rehearsal:
    """Plays all of `bars` and leaves the books as the desk wrote them, under the strategy's name.

    Raises InvalidValueError for what does not fit together, ConfigurationError in a home that is in use, and RehearsalError when the
    desk does not come to rest.
    """
    check(bars, signals, setting=setting)
    started_s = time.monotonic()

    async def story() -> Player:
        with tempfile.TemporaryDirectory(prefix="paper-", dir=settings.HOME) as folder:
            desk = await build(bars, setting=setting, folder=Path(folder))
            player = Player(desk, signals=signals, setting=setting, strategy=strategy, skill_hash=skill_hash)
            await player.run(on_progress)
            return player

    player = async_to_sync(story)()
    desk = player.desk
    return Rehearsal(
        account_id=desk.account.pk,
        instrument_id=desk.instrument.pk,
        bars=len(bars),
        looked_at=player.looked_at,
        entries=player.entries,
        vetoes=tuple(player.vetoes),
        elapsed_s=time.monotonic() - started_s,
    )
