"""Where a demo on recorded candles begins: a recording is mostly quiet, and a newcomer should see the desk at work soon.

The first minute with enough past at which the short trend points up, and still does two minutes later. It chooses what is shown, not
what is traded: the desk looks, argues, checks and executes as on any other market.
"""

import statistics
from collections.abc import Sequence
from pathlib import Path

from trading import indicators
from trading.practice.prices.drivers import Path as PricePath
from trading.practice.prices.recorded import read_candles

MINUTE_S = 60.0
DRIFT_MINUTES = 30
# A drift of this strength (t-statistic of the mean return) is what the momentum scan asks for, with some to spare.
MIN_DRIFT_T = 1.3
RSI_RANGE = (45.0, 65.0)
LASTS_MINUTES = 3


def first_setup(candles: Path, *, past_minutes: int) -> int | None:
    """Minutes from the recording's first candle to the setup; None when there is none. CandleFileError on a bad file."""
    path = PricePath(read_candles(candles))
    minutes = int(path.length_s // MINUTE_S)
    closes = [path.price(minute * MINUTE_S) for minute in range(minutes)]
    if minutes <= past_minutes:
        return None
    fast, slow = indicators.ema(closes, period=9), indicators.ema(closes, period=21)
    strength = indicators.rsi(closes)
    lasted = 0
    for minute in range(past_minutes, minutes):
        is_rising = (
            fast[minute] > slow[minute]
            and RSI_RANGE[0] < strength[minute] < RSI_RANGE[1]
            and drift_t(closes[minute - DRIFT_MINUTES : minute + 1]) > MIN_DRIFT_T
        )
        lasted = lasted + 1 if is_rising else 0
        if lasted == LASTS_MINUTES:
            return minute - LASTS_MINUTES + 1
    return None


def drift_t(closes: Sequence[float]) -> float:
    """The t-statistic of the mean change between closes; 0 when they do not move."""
    changes = [after / before - 1 for before, after in zip(closes, closes[1:], strict=False)]
    deviation = statistics.stdev(changes)
    return statistics.fmean(changes) / deviation * len(changes) ** 0.5 if deviation else 0.0
