"""How numbers are laid out for the compiled loops. When the order of fields changes here, touch the kernels' files too: their disk
cache does not see this one."""

from typing import NamedTuple

from trading.types.research import BoolArray, FloatArray, IntArray

# Why a wanted entry was not made; the first seven are caps that left nothing.
REASONS = (
    *("max_notional", "leverage", "exposure_asset", "exposure_venue", "balance", "risk_per_trade", "kelly"),
    *("min_size", "min_notional", "no_stop", "bad_target", "open_positions", "no_equity"),
)

# One row of the table of trades.
TRADE_COLUMNS = (
    *(
        "instrument",
        "exit_kind",
        "entry_bar",
        "exit_bar",
        "entry_price",
        "exit_price",
        "stop_price",
        "size_base",
    ),
    *(
        "entry_fee",
        "exit_fee",
        "pnl",
        "entry_equity",
        "mae_ratio",
        "mfe_ratio",
        "is_entry_bar",
        "is_both_hit",
    ),
)


class Market(NamedTuple):
    """The bars of all instruments, one after another: instrument k has rows `first[k]` to before `first[k + 1]`.

    `is_aligned`: every instrument has a bar at each time of the run.
    """

    time_ms: IntArray
    open: FloatArray
    high: FloatArray
    low: FloatArray
    close: FloatArray
    first: IntArray
    timeline: IntArray
    is_aligned: bool


class Said(NamedTuple):
    """The signals, stacked like the bars. Column c of instrument k stands at `start[c, k] + step[c, k] * bar`: step 0 is a constant."""

    enter: BoolArray
    exit: BoolArray
    stop: FloatArray
    target: FloatArray
    trailing: FloatArray
    confidence: FloatArray
    start: IntArray
    step: IntArray
    max_hold: IntArray


class Costs(NamedTuple):
    """Per instrument; `asset` and `venue` are numbers that are equal where the names are."""

    fee: FloatArray
    slip: FloatArray
    size_step: FloatArray
    min_size: FloatArray
    min_notional: FloatArray
    asset: IntArray
    venue: IntArray


class Stakes(NamedTuple):
    """`Capital`, slippage as a ratio. An infinite limit is none."""

    start: float
    risk: float
    kelly: float
    confidence_weight: float
    notional_ratio: float
    notional_quote: float
    asset: float
    venue: float
    leverage: float
    max_slip: float
    max_open: int


class Outcome(NamedTuple):
    """The first `trade_count` rows of `trades` have TRADE_COLUMNS; `fault` is the first row that is no bar, -1 when all are."""

    trades: FloatArray
    trade_count: int
    refusals: IntArray
    fault: int
