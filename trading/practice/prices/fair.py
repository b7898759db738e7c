"""Fair prices: one common price per instrument, and what each venue adds to it (noise, and now and then a gap)."""

from __future__ import annotations

import math
import random
from dataclasses import dataclass

from trading.practice.prices.drivers import Driver

NOISE_RATIO = 0.00008
NOISE_PULL_PER_S = 1 / 15
GAP_RATIO = (0.0030, 0.0090)
GAP_HALF_LIFE_S = 12.0


@dataclass(slots=True)
class _Offset:
    noise: float = 0.0
    gap: float = 0.0


class FairPrices:
    """Where each venue's other traders think the price is. ``gap_every_s`` is the mean wait between gaps per instrument."""

    def __init__(
        self,
        start: dict[str, float],
        *,
        driver: Driver,
        venues: tuple[str, ...],
        seed: int,
        gap_every_s: float = 300.0,
    ) -> None:
        self.driver = driver
        self._common = dict(start)
        self._random = random.Random(f"{seed}:fair")
        self._gap_every_s = gap_every_s
        self._offsets = {(venue, symbol): _Offset() for venue in venues for symbol in start}
        self._pinned: dict[tuple[str, str], float] = {}

    def advance(self, *, dt_s: float) -> None:
        """Let ``dt_s`` seconds pass."""
        for symbol, log_return in self.driver.returns(dt_s=dt_s).items():
            self._common[symbol] *= math.exp(log_return)
        uniform, gauss, root = self._random.random, self._random.gauss, math.sqrt(dt_s)
        noise_step = NOISE_RATIO * math.sqrt(2 * NOISE_PULL_PER_S) * root
        keep_gap = 0.5 ** (dt_s / GAP_HALF_LIFE_S)
        chance = dt_s / self._gap_every_s / 2 if self._gap_every_s > 0 else 0.0
        for offset in self._offsets.values():
            offset.noise += -offset.noise * NOISE_PULL_PER_S * dt_s + noise_step * gauss(0, 1)
            offset.gap *= keep_gap
            if uniform() < chance:
                offset.gap += self._random.choice((-1, 1)) * self._random.uniform(*GAP_RATIO)

    def fair(self, venue: str, symbol: str) -> float:
        """The fair price of ``symbol`` at ``venue``."""
        pinned = self._pinned.get((venue, symbol))
        if pinned is not None:
            return pinned
        offset = self._offsets[venue, symbol]
        return self._common[symbol] * math.exp(offset.noise + offset.gap)

    def put(self, venue: str, symbol: str, *, price: float, is_held: bool) -> None:
        """Put one venue's price at ``price``: held there until put again, or left to drift back to the common price."""
        if is_held:
            self._pinned[venue, symbol] = price
        else:
            self._pinned.pop((venue, symbol), None)
            offset = self._offsets[venue, symbol]
            offset.noise, offset.gap = 0.0, math.log(price / self._common[symbol])

    def put_everywhere(self, symbol: str, *, price: float) -> None:
        """Move the common price to ``price``; every venue follows and goes on from there."""
        self._common[symbol] = price
        for (venue, name), offset in self._offsets.items():
            if name == symbol:
                offset.noise = offset.gap = 0.0
                self._pinned.pop((venue, name), None)

    def common(self) -> dict[str, float]:
        """The common prices (for a restart)."""
        return dict(self._common)
