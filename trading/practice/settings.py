"""Everything that can be set about a practice world."""

from __future__ import annotations

from dataclasses import dataclass, field
from decimal import Decimal
from pathlib import Path

from trading.practice.errors import PracticeError

DEFAULT_BALANCE_QUOTE = Decimal(10_000)
# An hour of prices in a second; above that no book could follow.
FASTEST = 3_600


@dataclass(frozen=True)
class PracticeSettings:
    """How the practice venues are set up. Ports of 0 are given by the system; ``proxy_port`` None means no proxy.

    ``tls_dir`` is where the proxy's certificate authority goes; None: a directory that lives as long as the venues.

    ``candles`` maps a symbol to a recorded file; ``speed`` is how many recorded seconds pass in one; ``start_minute`` is
    where in the recordings play begins, None: after the part that serves as the past;
    ``messages_per_s`` above zero adds cheap book changes at that rate over all markets together (for benchmarks).
    """

    seed: int = 7
    instruments: int = 6
    start_prices: dict[str, Decimal] = field(default_factory=dict)
    balances: dict[str, Decimal] = field(default_factory=lambda: {"USDT": DEFAULT_BALANCE_QUOTE})
    candles: dict[str, Path] = field(default_factory=dict)
    speed: float = 1.0
    start_minute: int | None = None
    volatility: float = 1.0
    gap_every_s: float = 300.0
    is_flowing: bool = True
    ticks_per_s: float = 4.0
    messages_per_s: int = 0
    history_minutes: int = 1_500
    host: str = "127.0.0.1"
    binance_port: int = 0
    kraken_port: int = 0
    control_port: int = 0
    proxy_port: int | None = None
    tls_dir: Path | None = None
    state_file: Path | None = None

    def __post_init__(self) -> None:
        if not 0 < self.speed <= FASTEST:
            raise PracticeError(f"speed must be above zero and at most {FASTEST}, not {self.speed:g}")
        if self.seed < 0:
            raise PracticeError(f"a seed is a whole number from 0 on, not {self.seed}")
        if not 0 < self.ticks_per_s <= 100:
            raise PracticeError(f"ticks per second must be above 0 and at most 100, not {self.ticks_per_s:g}")
        for port in (self.binance_port, self.kraken_port, self.control_port, self.proxy_port or 0):
            if not 0 <= port <= 65_535:
                raise PracticeError(f"a port is 0 to 65535, not {port}")
        if self.messages_per_s < 0 or self.volatility < 0 or self.gap_every_s < 0:
            raise PracticeError(
                "messages per second, volatility and the wait between gaps cannot be negative"
            )
        if self.start_minute is not None and self.start_minute < 0:
            raise PracticeError(f"the start is a minute of the recording from 0 on, not {self.start_minute}")
        if not 2 <= self.history_minutes <= 10_000:
            raise PracticeError(f"history must be 2 to 10000 minutes, not {self.history_minutes}")

    def journal(self, venue: str) -> Path | None:
        """The venue's own journal next to ``state_file``, or None when nothing is kept."""
        path = self.state_file
        return None if path is None else path.with_name(f"{path.stem}.{venue}{path.suffix or '.jsonl'}")
