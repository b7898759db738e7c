"""What strategies and backtests pass on: bars in, signals out, trades and an equity curve at the end.

Columns are float64 arrays, oldest first. Nothing here is money that moves, so floats are allowed; times are UTC milliseconds since 1970.
"""

import hashlib
from collections.abc import Mapping
from dataclasses import dataclass, field
from enum import IntEnum
from typing import TypeAlias

import numpy as np
import numpy.typing as npt

from trading.errors import InvalidValueError

FloatArray: TypeAlias = npt.NDArray[np.float64]
IntArray: TypeAlias = npt.NDArray[np.int64]
BoolArray: TypeAlias = npt.NDArray[np.bool_]

TIMEFRAME_S: Mapping[str, int] = {
    **{"1m": 60, "3m": 180, "5m": 300, "15m": 900, "30m": 1800},
    **{"1h": 3600, "2h": 7200, "4h": 14_400, "6h": 21_600, "8h": 28_800, "12h": 43_200, "1d": 86_400},
}
PRICES = ("open", "high", "low", "close")


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class Bars:
    """Closed bars of one instrument. `open_time_ms` strictly increases; a missing bar is simply absent.

    `features` are further columns of the same length, each known at its bar's close; NaN means not known.
    """

    venue: str
    symbol: str
    timeframe: str
    open_time_ms: IntArray
    open: FloatArray
    high: FloatArray
    low: FloatArray
    close: FloatArray
    volume_base: FloatArray
    features: Mapping[str, FloatArray] = field(default_factory=dict)

    def __post_init__(self) -> None:
        if self.timeframe not in TIMEFRAME_S:
            raise InvalidValueError(
                f"timeframe {self.timeframe!r} is unknown; give one of: {', '.join(TIMEFRAME_S)}"
            )
        size = self.open_time_ms.size
        for name in (*PRICES, "volume_base"):
            if getattr(self, name).shape != (size,):
                raise InvalidValueError(f"{self.symbol}: column {name} must hold {size} numbers")
        for name, column in self.features.items():
            if column.shape != (size,):
                raise InvalidValueError(f"{self.symbol}: feature {name} must hold {size} numbers")
        if size and not bool(np.all(np.diff(self.open_time_ms) > 0)):
            raise InvalidValueError(f"{self.symbol}: bars must be in order of time, each once")

    def __len__(self) -> int:
        return int(self.open_time_ms.size)

    @property
    def step_ms(self) -> int:
        return TIMEFRAME_S[self.timeframe] * 1000

    def part(self, first: int, last: int) -> "Bars":
        """Bars `first` to before `last`, as views: nothing is copied."""
        return Bars(
            venue=self.venue,
            symbol=self.symbol,
            timeframe=self.timeframe,
            open_time_ms=self.open_time_ms[first:last],
            open=self.open[first:last],
            high=self.high[first:last],
            low=self.low[first:last],
            close=self.close[first:last],
            volume_base=self.volume_base[first:last],
            features={name: column[first:last] for name, column in self.features.items()},
        )

    @property
    def digest(self) -> str:
        """SHA-256 hex over who, what and every number: equal digests mean equal data."""
        total = hashlib.sha256(f"{self.venue}\n{self.symbol}\n{self.timeframe}\n".encode())
        total.update(np.ascontiguousarray(self.open_time_ms).data)
        for name in (*PRICES, "volume_base"):
            total.update(np.ascontiguousarray(getattr(self, name)).data)
        for name in sorted(self.features):
            total.update(f"{name}\n".encode())
            total.update(np.ascontiguousarray(self.features[name]).data)
        return total.hexdigest()


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class Signals:
    """What a strategy says at each bar's close; it is carried out at the next bar's open, never earlier.

    `enter` and `exit` have one value per bar. The others have one value per bar, or a single one that holds for all. Distances are
    parts of the entry's fill price: `stop_ratio` is always positive (no entry without a stop); NaN in `target_ratio` or
    `trailing_ratio` means none. `max_hold_bars` 0 means no time stop. `confidence_ratio` is the strategy's claim for Kelly sizing.
    """

    enter: BoolArray
    exit: BoolArray
    stop_ratio: FloatArray
    target_ratio: FloatArray
    trailing_ratio: FloatArray
    confidence_ratio: FloatArray
    max_hold_bars: int = 0

    def __post_init__(self) -> None:
        size = self.enter.size
        if self.exit.size != size:
            raise InvalidValueError(f"signals: exit must hold {size} values")
        for name in ("stop_ratio", "target_ratio", "trailing_ratio", "confidence_ratio"):
            if getattr(self, name).size not in {1, size}:
                raise InvalidValueError(f"signals: {name} must hold 1 or {size} values")
        if self.max_hold_bars < 0:
            raise InvalidValueError("signals: max_hold_bars must be zero or more")


class ExitKind(IntEnum):
    """How a trade ended. END: still open at the last bar, valued at its close without costs of a sale that did not happen."""

    SIGNAL = 0
    STOP = 1
    TARGET = 2
    TRAILING = 3
    TIME = 4
    END = 5


# One closed trade of a backtest. `instrument` counts the instruments of the run from 0; `side` is 1 for long, -1 for short (a pair's
# second leg). Bars are indices into the run's timeline. Fees and `pnl` are in the quote asset, `pnl` after all costs;
# `return_ratio` is pnl / (entry_price * size_base). `mae_ratio` and `mfe_ratio` (both >= 0) are how far the price went against and for
# the trade, as parts of the entry price. `is_entry_bar`: it ended on the bar it began; `is_both_hit`: that bar held both the stop and
# the target, and the stop was taken. `entry_equity` is the equity the size was computed from.
TRADE_DTYPE = np.dtype(
    [
        *(("instrument", np.int32), ("side", np.int8), ("exit_kind", np.int8)),
        *(("entry_bar", np.int64), ("exit_bar", np.int64)),
        *(("entry_time_ms", np.int64), ("exit_time_ms", np.int64)),
        *(("entry_price", np.float64), ("exit_price", np.float64), ("stop_price", np.float64)),
        *(("size_base", np.float64), ("entry_fee", np.float64), ("exit_fee", np.float64)),
        *(("pnl", np.float64), ("return_ratio", np.float64), ("entry_equity", np.float64)),
        *(("mae_ratio", np.float64), ("mfe_ratio", np.float64)),
        *(("is_entry_bar", np.bool_), ("is_both_hit", np.bool_)),
    ]
)


@dataclass(frozen=True, slots=True, kw_only=True)
class MarketTerms:
    """What trading one instrument costs and allows, as floats. A step, least size or least notional of 0 means none is known."""

    venue: str
    symbol: str
    maker_fee_ratio: float
    taker_fee_ratio: float
    slippage_bps: float = 0.0
    price_tick: float = 0.0
    size_step: float = 0.0
    min_size: float = 0.0
    min_notional: float = 0.0

    def __post_init__(self) -> None:
        for name in ("slippage_bps", "price_tick", "size_step", "min_size", "min_notional"):
            if not 0 <= getattr(self, name) < float("inf"):
                raise InvalidValueError(f"{name} must be zero or more, not {getattr(self, name)}")
        for name in ("maker_fee_ratio", "taker_fee_ratio"):
            if not -0.01 <= getattr(self, name) <= 0.1:
                raise InvalidValueError(f"{name} must lie between -0.01 and 0.1, not {getattr(self, name)}")

    @property
    def round_trip_ratio(self) -> float:
        """What buying and selling again costs as a part of the price: two taker fees, and slippage both ways."""
        return 2 * (self.taker_fee_ratio + self.slippage_bps / 10_000)


@dataclass(frozen=True, slots=True, kw_only=True)
class Capital:
    """What is at stake and how it is spread: the numbers of RiskLimits that a backtest can honour, as floats.

    `start_equity` is in the quote asset, which every instrument of a run shares. Ratios are parts of equity.
    """

    start_equity: float
    risk_per_trade_ratio: float
    kelly_fraction_ratio: float
    confidence_weight_ratio: float
    max_order_notional_ratio: float
    max_order_notional_quote: float
    max_asset_exposure_ratio: float
    max_venue_exposure_ratio: float
    max_leverage_ratio: float
    max_slippage_bps: float
    max_open_positions: int = 0  # 0: no limit


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class BacktestRun:
    """What one backtest gave. `trades` has TRADE_DTYPE in order of exit; `equity` is in quote at each bar's close of `time_ms`
    (the bars' open times, the union over instruments). `refusals` counts entries that were wanted and not made, by reason."""

    time_ms: IntArray
    equity: FloatArray
    trades: npt.NDArray[np.void]
    terms: tuple[MarketTerms, ...]
    capital: Capital
    timeframe: str
    refusals: Mapping[str, int] = field(default_factory=dict)
