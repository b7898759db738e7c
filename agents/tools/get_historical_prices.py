"""Closed candles of an instrument with the usual indicators over them, so that claims can cite numbers."""

import math
from collections.abc import Sequence
from datetime import timedelta
from decimal import Decimal
from typing import Annotated, Literal

from pydantic import Field

from agents.errors import ToolError
from agents.protocols import Tool, ToolContext, ToolOutput
from agents.tooling import EVERY_ROLE, MARKET_VALID_S, InstrumentArguments, find_instrument
from trading import indicators
from trading.types import Candle

TIMEFRAMES = {"1m": timedelta(minutes=1), "5m": timedelta(minutes=5), "1h": timedelta(hours=1)}
HISTORY = 120
FEWEST = 22
DIGITS = 8


class Arguments(InstrumentArguments):
    timeframe: Literal["1m", "5m", "1h"] = "1m"
    candles: Annotated[int, Field(ge=1, le=30, description="newest candles to list")] = 5


def run(arguments: Arguments, context: ToolContext) -> ToolOutput:
    spec = find_instrument(arguments, context)
    bars = context.candles(spec, timeframe=arguments.timeframe, limit=HISTORY)
    if len(bars) < FEWEST:
        raise ToolError(
            f"only {len(bars)} closed {arguments.timeframe} candles of {spec.symbol} are known; {FEWEST} are needed"
        )
    length = TIMEFRAMES[arguments.timeframe]
    closed_at = bars[-1].open_time + length
    return ToolOutput(
        data={
            "venue": spec.venue,
            "symbol": spec.symbol,
            "timeframe": arguments.timeframe,
            "closed_at": closed_at,
            "last_close": bars[-1].close,
            "indicators": measure(bars),
            "candles": [_listed(bar) for bar in bars[-arguments.candles :]],
        },
        as_of=closed_at,
        # The newest closed candle stays the newest for one more candle's length.
        valid_for_s=length.total_seconds() + MARKET_VALID_S,
    )


def measure(bars: Sequence[Candle]) -> dict[str, Decimal | None]:
    """Indicators at the last bar: RSI and ATR by Wilder over 14, EMA over 9 and 21, returns over 1, 5 and 20 bars, the last
    volume over the mean of the 20 before, and where the close lies in the range of the last 20. None: not defined here."""
    close = [float(bar.close) for bar in bars]
    high, low = [float(bar.high) for bar in bars], [float(bar.low) for bar in bars]
    volumes = [float(bar.volume_base) for bar in bars]
    atr = float(indicators.atr(high, low, close)[-1])
    mean_volume = sum(volumes[-21:-1]) / 20
    highest, lowest = max(high[-20:]), min(low[-20:])
    return {
        "rsi_14": _number(float(indicators.rsi(close)[-1]), digits=2),
        "ema_9": _number(float(indicators.ema(close, period=9)[-1])),
        "ema_21": _number(float(indicators.ema(close, period=21)[-1])),
        "atr_14": _number(atr),
        "atr_ratio": _number(atr / close[-1]),
        "return_1_ratio": _number(close[-1] / close[-2] - 1),
        "return_5_ratio": _number(close[-1] / close[-6] - 1),
        "return_20_ratio": _number(close[-1] / close[-21] - 1),
        "volume_20_ratio": _number(volumes[-1] / mean_volume, digits=3) if mean_volume > 0 else None,
        "highest_20": _number(highest),
        "lowest_20": _number(lowest),
        "range_20_ratio": _number((close[-1] - lowest) / (highest - lowest), digits=4)
        if highest > lowest
        else None,
    }


def _number(value: float, *, digits: int = DIGITS) -> Decimal | None:
    """Floats end here; None for NaN."""
    return Decimal(str(round(value, digits))) if math.isfinite(value) else None


def _listed(bar: Candle) -> dict[str, object]:
    return {
        "open_time": bar.open_time,
        "open": bar.open,
        "high": bar.high,
        "low": bar.low,
        "close": bar.close,
        "volume_base": bar.volume_base,
    }


TOOL = Tool(
    name="get_historical_prices",
    description=(
        "Newest closed candles (1m, 5m or 1h) and indicators over the last 120 of them: RSI 14, ATR 14, EMA 9 and 21, returns, "
        "relative volume and the place in the 20-candle range. Stops and targets are measured in the ATR of 5m candles."
    ),
    arguments=Arguments,
    roles=EVERY_ROLE,
    run=run,
)
