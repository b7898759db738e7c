"""Bars written by hand, one event after another, over quiet noise: every way a trade can end, at a known bar."""

from dataclasses import dataclass, field, replace
from decimal import Decimal

import numpy as np

from trading.services.rehearsal_desk import Setting
from trading.services.rehearsal_market import Depth
from trading.types import InstrumentSpec
from trading.types.research import Bars, Signals

D = Decimal
START_MS = 1_640_995_200_000  # 2022-01-01
# Five-minute candles that the desk's ATR needs, and some.
LEAD_IN = 120
SPEC = InstrumentSpec(
    venue="kraken",
    symbol="BTC/USDT",
    base="BTC",
    quote="USDT",
    price_tick=D("0.01"),
    size_step=D("0.00001"),
    min_size=D("0.00001"),
    min_notional=D(5),
    maker_fee_ratio=D("0.0004"),
    taker_fee_ratio=D("0.0004"),
)
SETTING = Setting(
    spec=SPEC,
    client="kraken",
    depth=Depth(spread_bps=D(2), level_quote=D(1_000_000)),
    start_quote=D(10_000),
    risk_profile="balanced",
)


def setting(**changes: object) -> Setting:
    return replace(SETTING, **changes)  # type: ignore[arg-type]


@dataclass
class Tape:
    """Grows bar by bar; prices are ratios to the last close. `enter` and `leave` are said at the close of the newest bar."""

    seed: int = 1
    price: float = 50_000.0
    rows: list[tuple[float, float, float, float]] = field(default_factory=list)
    entries: dict[int, float] = field(default_factory=dict)
    exits: set[int] = field(default_factory=set)

    def __post_init__(self) -> None:
        self.random = np.random.default_rng(self.seed)
        self.quiet(LEAD_IN)

    def bar(
        self, *, open: float = 1.0, low: float | None = None, high: float | None = None, close: float = 1.0
    ) -> "Tape":
        low, high = min(low or 9.0, open, close), max(high or 0.0, open, close)
        row = [round(self.price * ratio, 2) for ratio in (open, high, low, close)]
        self.rows.append((row[0], row[1], row[2], row[3]))
        self.price = row[3]
        return self

    def quiet(self, bars: int) -> "Tape":
        """Less than a tenth of a per cent a minute; the way back is as likely as the way on."""
        level = self.price
        for _ in range(bars):
            pull = (level / self.price - 1) * 0.2
            close = 1 + pull + self.random.normal(0, 0.0005)
            wick = abs(self.random.normal(0, 0.0004))
            self.bar(close=close, low=min(1, close) - wick, high=max(1, close) + wick)
        return self

    def enter(self, *, trailing: float = float("nan")) -> "Tape":
        self.entries[len(self.rows) - 1] = trailing
        return self

    def leave(self) -> "Tape":
        self.exits.add(len(self.rows) - 1)
        return self

    def bars(self, *, venue: str = "kraken", timeframe: str = "1m", step_ms: int = 60_000) -> Bars:
        columns = np.array(self.rows).T
        return Bars(
            venue=venue,
            symbol="BTC/USDT",
            timeframe=timeframe,
            open_time_ms=START_MS + step_ms * np.arange(len(self.rows)),
            open=columns[0],
            high=columns[1],
            low=columns[2],
            close=columns[3],
            volume_base=np.ones(len(self.rows)),
        )

    def signals(self, *, stop: float = 0.01, target: float = 0.02, max_hold_bars: int = 30) -> Signals:
        size = len(self.rows)
        enter, leave, trailing = np.zeros(size, bool), np.zeros(size, bool), np.full(size, np.nan)
        for index, ratio in self.entries.items():
            enter[index], trailing[index] = True, ratio
        leave[sorted(self.exits)] = True
        return Signals(
            enter=enter,
            exit=leave,
            stop_ratio=np.array([stop]),
            target_ratio=np.array([target]),
            trailing_ratio=trailing,
            confidence_ratio=np.array([0.9]),
            max_hold_bars=max_hold_bars,
        )


def every_ending() -> Tape:
    """Thirteen trades; no four losses in a row, so that the gate lets all of them through."""
    tape = Tape()
    tape.enter().quiet(6).bar(low=0.985, close=0.99).quiet(4)  # stop
    tape.enter().quiet(6).bar(high=1.026, close=1.02).quiet(4)  # target
    tape.enter().quiet(5).bar(open=0.97, close=0.972).quiet(4)  # gap through the stop
    tape.enter().quiet(5).bar(open=1.03, close=1.028).quiet(4)  # gap over the target
    tape.enter().bar(low=0.985, close=0.99).quiet(4)  # stop on the entry bar
    tape.enter().bar(high=1.026, low=0.999, close=1.02).quiet(4)  # target on the entry bar
    tape.enter().quiet(3).bar(low=0.985, high=1.03, close=1.02)  # both in one bar: the stop counts
    tape.enter().quiet(3).bar(high=1.012, close=1.01).leave().bar(open=1.001, close=1.002).quiet(
        3
    )  # re-entry; signal
    tape.enter().quiet(40)  # time
    tape.enter(trailing=0.006).quiet(2).bar(high=1.012, close=1.01).bar(high=1.008, close=1.007)
    tape.bar(low=0.99, close=0.992).quiet(3)  # trailing
    tape.enter(trailing=0.006).quiet(2).bar(high=1.015, close=1.01).bar(open=0.995, close=0.994).quiet(
        3
    )  # gap through it
    tape.enter().quiet(3).leave().bar(open=0.98, close=0.981).quiet(
        4
    )  # signal, and a gap under the stop at that open
    return tape.enter().quiet(5)  # still open at the end
