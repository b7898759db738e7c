"""Technical indicators over arrays of floats, oldest first. The definitions are TA-Lib's.

Every result has the shape of its input and holds NaN where the indicator has not warmed up yet. Inputs must be one-dimensional and
of equal length; a NaN inside spreads to what depends on it. Floats end here: a Decimal is built from `str` of the last value.
"""

from typing import Any, TypeAlias

import numpy as np
import numpy.typing as npt

Series: TypeAlias = npt.NDArray[np.float64]

_SMA: Any = 0  # talib.MA_Type.SMA


def _array(values: npt.ArrayLike) -> Series:
    array = np.ascontiguousarray(values, dtype=np.float64)
    if array.ndim != 1:
        raise ValueError(f"an indicator takes one row of numbers, not {array.ndim} dimensions")
    return array


def _period(value: int, *, least: int) -> int:
    if value < least:
        raise ValueError(f"period must be at least {least}, not {value}")
    return value


def _too_short(array: Series) -> Series | None:
    """TA-Lib refuses an empty input; the answer to nothing is nothing."""
    return np.full_like(array, np.nan) if array.size == 0 else None


def sma(values: npt.ArrayLike, *, period: int) -> Series:
    """Simple moving average; shape (n,), the first `period - 1` are NaN."""
    import talib

    array = _array(values)
    empty = _too_short(array)
    return empty if empty is not None else talib.SMA(array, timeperiod=_period(period, least=2))


def ema(values: npt.ArrayLike, *, period: int) -> Series:
    """Exponential moving average seeded with the SMA; shape (n,), the first `period - 1` are NaN."""
    import talib

    array = _array(values)
    empty = _too_short(array)
    return empty if empty is not None else talib.EMA(array, timeperiod=_period(period, least=2))


def rsi(values: npt.ArrayLike, *, period: int = 14) -> Series:
    """Wilder's relative strength index, 0 to 100; shape (n,), the first `period` are NaN."""
    import talib

    array = _array(values)
    empty = _too_short(array)
    return empty if empty is not None else talib.RSI(array, timeperiod=_period(period, least=2))


def atr(high: npt.ArrayLike, low: npt.ArrayLike, close: npt.ArrayLike, *, period: int = 14) -> Series:
    """Wilder's average true range in price units; shape (n,), the first `period` are NaN."""
    import talib

    highs, lows, closes = _array(high), _array(low), _array(close)
    if not highs.size == lows.size == closes.size:
        raise ValueError("high, low and close must be of equal length")
    empty = _too_short(highs)
    return empty if empty is not None else talib.ATR(highs, lows, closes, timeperiod=_period(period, least=1))


def macd(
    values: npt.ArrayLike, *, fast: int = 12, slow: int = 26, signal: int = 9
) -> tuple[Series, Series, Series]:
    """MACD line, signal line, histogram; each of shape (n,), NaN for the first `slow + signal - 2`."""
    import talib

    array = _array(values)
    if not 2 <= fast < slow:
        raise ValueError(f"the fast period {fast} must be at least 2 and below the slow period {slow}")
    empty = _too_short(array)
    if empty is not None:
        return empty, empty.copy(), empty.copy()
    line, signals, histogram = talib.MACD(
        array, fastperiod=fast, slowperiod=slow, signalperiod=_period(signal, least=1)
    )
    return line, signals, histogram


def bollinger(
    values: npt.ArrayLike, *, period: int = 20, deviations: float = 2.0
) -> tuple[Series, Series, Series]:
    """Upper, middle, lower band (SMA and population standard deviation); each of shape (n,), NaN for the first `period - 1`."""
    import talib

    array = _array(values)
    empty = _too_short(array)
    if empty is not None:
        return empty, empty.copy(), empty.copy()
    upper, middle, lower = talib.BBANDS(
        array,
        timeperiod=_period(period, least=2),
        nbdevup=deviations,
        nbdevdn=deviations,
        matype=_SMA,
    )
    return upper, middle, lower
