"""What a backtest's report holds: plain frozen values only, so that it can be shown, stored and read back the same.

Ratios are parts of one (0.25 is 25 %), `_quote` is money in the quote asset, `_s` seconds, `_ms` milliseconds since 1970 in UTC. What
cannot be told is None, with the reason beside it; no number here is ever infinite or not a number.
"""

from collections.abc import Mapping
from dataclasses import dataclass, field
from enum import StrEnum
from typing import NamedTuple, TypeAlias

from trading.types.research import ExitKind

Value: TypeAlias = float | int | str | None


class Unit(StrEnum):
    """How a value is meant, and so how it is shown."""

    COUNT = "count"
    RATIO = "ratio"  # a part of one, shown in per cent
    NUMBER = "number"  # a plain figure: Sharpe, profit factor
    QUOTE = "quote"
    SECONDS = "seconds"
    TIME = "time"  # ISO 8601 text
    TEXT = "text"


class Section(StrEnum):
    """Rows that belong together, in the order they are shown."""

    RESULT = "Result"
    RISK = "Risk"
    TRADES = "Trades"
    DAYS = "Days"
    DRAWDOWN = "Deepest drawdown in money"
    SETTING = "Setting"


@dataclass(frozen=True, slots=True, kw_only=True)
class Row:
    """One figure. `key` carries the unit; `reason` says why `value` is None. `freqtrade` is what freqtrade would print where its
    formula differs from ours; `freqtrade_definition` is empty where the two are the same."""

    key: str
    label: str
    value: Value
    unit: Unit
    section: Section
    definition: str
    reason: str = ""
    freqtrade: Value = None
    freqtrade_definition: str = ""


@dataclass(frozen=True, slots=True, kw_only=True)
class Slice:
    """The trades that share something: an instrument, a side, an exit reason, a day. None where there is no trade or no loss."""

    name: str
    trades: int
    wins: int
    draws: int
    losses: int
    profit_quote: float
    return_ratio: float  # profit / start equity
    win_rate_ratio: float | None
    avg_return_ratio: float | None
    avg_duration_s: float | None
    profit_factor: float | None


class Trade(NamedTuple):
    """One closed trade as TRADE_DTYPE has it; a pair's legs are two."""

    instrument: int
    side: int
    exit_kind: int
    entry_bar: int
    exit_bar: int
    entry_time_ms: int
    exit_time_ms: int
    entry_price: float
    exit_price: float
    stop_price: float | None
    size_base: float
    entry_fee: float
    exit_fee: float
    pnl: float
    return_ratio: float
    entry_equity: float
    mae_ratio: float | None
    mfe_ratio: float | None
    is_entry_bar: bool
    is_both_hit: bool

    @property
    def reason(self) -> str:
        return ExitKind(self.exit_kind).name.lower()


@dataclass(frozen=True, slots=True, kw_only=True)
class Drawdown:
    """From a peak of equity to the next time it is reached again; `end_ms` None: not recovered by the last bar."""

    start_ms: int
    low_ms: int
    end_ms: int | None
    peak_quote: float
    low_quote: float
    depth_ratio: float
    length_s: float
    recovery_s: float | None


@dataclass(frozen=True, slots=True, kw_only=True)
class YearOfMonths:
    """Returns on equity: January first, None for months outside the test; `total_ratio` compounds them."""

    year: int
    months: tuple[float | None, ...]
    total_ratio: float


@dataclass(frozen=True, slots=True, kw_only=True)
class Line:
    """Points of a curve, oldest first, thinned for showing so that every peak and trough of the whole stays visible."""

    time_ms: tuple[int, ...] = ()
    values: tuple[float, ...] = ()


@dataclass(frozen=True, slots=True, kw_only=True)
class Candles:
    """Prices of one instrument, several bars put together in each candle where there are many."""

    symbol: str
    timeframe: str
    bars_per_candle: int
    time_ms: tuple[int, ...]
    open: tuple[float, ...]
    high: tuple[float, ...]
    low: tuple[float, ...]
    close: tuple[float, ...]


@dataclass(frozen=True, slots=True, kw_only=True)
class Spread:
    """The 5th, 25th, 50th, 75th and 95th percentile of one figure over many simulated paths, and where the real one lies."""

    p5: float
    p25: float
    p50: float
    p75: float
    p95: float
    actual: float


@dataclass(frozen=True, slots=True, kw_only=True)
class Histogram:
    """`counts[i]` paths lie from `edges[i]` to before `edges[i + 1]`."""

    edges: tuple[float, ...]
    counts: tuple[int, ...]


@dataclass(frozen=True, slots=True, kw_only=True)
class MonteCarlo:
    """Many other ways these trades could have come.

    Bootstrap draws as many trades with replacement: other luck of the same kind. Shuffle keeps every trade and changes the order only,
    so the end is the same and the drawdown is not. Each trade changes equity by the part it changed the real one.
    """

    paths: int
    seed: int
    ruin_ratio: float
    bootstrap_return: Spread
    bootstrap_drawdown: Spread
    shuffle_drawdown: Spread
    loss_probability_ratio: float
    ruin_probability_ratio: float
    returns: Histogram
    fan_trades: tuple[int, ...]
    fan: Mapping[str, tuple[float, ...]]  # "p5" … "p95", "actual" -> equity in starts, at `fan_trades`


class Level(StrEnum):
    """How far a flag shakes the result: FATAL means the figures say nothing about the future."""

    NOTE = "note"
    WARNING = "warning"
    FATAL = "fatal"


@dataclass(frozen=True, slots=True, kw_only=True)
class Flag:
    """Something that makes the result hard to believe. `numbers` are the figures in `words`, by key."""

    key: str
    level: Level
    title: str
    words: str
    numbers: Mapping[str, Value] = field(default_factory=dict)


@dataclass(frozen=True, slots=True, kw_only=True)
class Figures:
    """The few numbers a sweep or a walk-forward window is judged by."""

    trades: int
    total_return_ratio: float | None
    sharpe: float | None
    max_drawdown_ratio: float | None
    profit_factor: float | None
    win_rate_ratio: float | None


@dataclass(frozen=True, slots=True, kw_only=True)
class SweepPoint:
    """One combination, values in the order of `Sweep.names`. `score` is the objective, None where it could not be told."""

    values: tuple[float, ...]
    score: float | None
    figures: Figures
    problem: str = ""


@dataclass(frozen=True, slots=True, kw_only=True)
class Sweep:
    """What a sweep tried. `objective` is the key the points were ranked by; `best` the index of the chosen one."""

    names: tuple[str, ...]
    objective: str
    points: tuple[SweepPoint, ...]
    best: int | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class Fold:
    """One step of a walk-forward: parameters chosen on the training window, judged on the test window after it."""

    train_from_ms: int
    train_to_ms: int
    test_from_ms: int
    test_to_ms: int
    parameters: Mapping[str, float]
    train: Figures
    test: Figures


@dataclass(frozen=True, slots=True, kw_only=True)
class WalkForward:
    """All steps, and the equity of the test windows put end to end (start is 1)."""

    objective: str
    folds: tuple[Fold, ...]
    equity: Line = field(default_factory=Line)
    combinations: int = 1


@dataclass(frozen=True, slots=True, kw_only=True)
class Dataset:
    """Candles a run was made on."""

    venue: str
    symbol: str
    timeframe: str
    first_ms: int
    last_ms: int
    bars: int
    missing_bars: int
    digest: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Provenance:
    """What made this result, so that the same command gives the same numbers."""

    strategy: str
    strategy_digest: str = ""
    parameters: Mapping[str, float] = field(default_factory=dict)
    code_version: str = ""
    command: str = ""
    made_at: str = ""
    settings: Mapping[str, Value] = field(default_factory=dict)


@dataclass(frozen=True, slots=True, kw_only=True)
class Report:
    """Everything a person is shown about one backtest."""

    quote_asset: str
    timeframe: str
    symbols: tuple[str, ...]
    rows: tuple[Row, ...]
    instruments: tuple[Slice, ...]
    exits: tuple[Slice, ...]
    days: tuple[Slice, ...]
    weeks: tuple[Slice, ...]
    months: tuple[Slice, ...]
    monthly: tuple[YearOfMonths, ...]
    drawdowns: tuple[Drawdown, ...]
    refusals: Mapping[str, int]
    datasets: tuple[Dataset, ...]
    equity: Line
    underwater: Line
    benchmark: Line
    candles: tuple[Candles, ...]
    trades: tuple[Trade, ...]
    flags: tuple[Flag, ...] = ()
    montecarlo: MonteCarlo | None = None
    sweep: Sweep | None = None
    walk_forward: WalkForward | None = None
    provenance: Provenance | None = None

    def value(self, key: str) -> Value:
        """A row's value by its key; KeyError when there is no such row."""
        for row in self.rows:
            if row.key == key:
                return row.value
        raise KeyError(key)

    def number(self, key: str) -> float | None:
        """As `value`, for rows that hold a number; None where it is not known."""
        value = self.value(key)
        if isinstance(value, str):
            raise TypeError(f"{key} is text, not a number")
        return value

    @property
    def left_open(self) -> tuple[Trade, ...]:
        """Trades still open at the last bar, valued at its close."""
        return tuple(trade for trade in self.trades if trade.exit_kind == ExitKind.END)
