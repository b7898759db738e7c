"""TA-Lib: the definitions, and the default. Its wheel bundles the C library; it is imported on first use, and
without pandas."""

from collections.abc import Mapping

import numpy as np
import numpy.typing as npt

from trading.indicators.catalog import Number
from trading.indicators.facade import FormulaProvider, Outputs
from trading.indicators.lean import load_talib
from trading.types.research import FloatArray


def sma(values: FloatArray, period: int) -> Outputs:
    import talib

    return (talib.SMA(values, timeperiod=period),)


def ema(values: FloatArray, period: int) -> Outputs:
    import talib

    return (talib.EMA(values, timeperiod=period),)


def rsi(values: FloatArray, period: int) -> Outputs:
    import talib

    return (talib.RSI(values, timeperiod=period),)


def macd(values: FloatArray, fast: int, slow: int, signal: int) -> Outputs:
    import talib

    line, signals, histogram = talib.MACD(values, fastperiod=fast, slowperiod=slow, signalperiod=signal)
    return line, signals, histogram


def atr(high: FloatArray, low: FloatArray, close: FloatArray, period: int) -> Outputs:
    import talib

    return (talib.ATR(high, low, close, timeperiod=period),)


def bollinger(values: FloatArray, period: int, deviations: float) -> Outputs:
    import talib

    upper, middle, lower = talib.BBANDS(values, timeperiod=period, nbdevup=deviations, nbdevdn=deviations)
    return upper, middle, lower


def stochastic(
    high: FloatArray, low: FloatArray, close: FloatArray, period: int, slow_k: int, slow_d: int
) -> Outputs:
    import talib

    line, signal = talib.STOCH(
        high, low, close, fastk_period=period, slowk_period=slow_k, slowd_period=slow_d
    )
    return line, signal


def obv(close: FloatArray, volume: FloatArray) -> Outputs:
    import talib

    return (talib.OBV(close, volume),)


def adx(high: FloatArray, low: FloatArray, close: FloatArray, period: int) -> Outputs:
    import talib

    return (talib.ADX(high, low, close, timeperiod=period),)


def ichimoku(
    high: FloatArray, low: FloatArray, conversion: int, base: int, span_b: int, displacement: int
) -> Outputs:
    """TA-Lib has no Ichimoku; its lines are mid-points of the highest high and the lowest low, which is TA-Lib's MIDPRICE."""
    import talib

    line = talib.MIDPRICE(high, low, timeperiod=conversion)
    base_line = talib.MIDPRICE(high, low, timeperiod=base)
    leading_b = talib.MIDPRICE(high, low, timeperiod=span_b)
    return line, base_line, _later((line + base_line) / 2, displacement), _later(leading_b, displacement)


def _later(values: FloatArray, bars: int) -> FloatArray:
    """The values as they stand `bars` bars later."""
    if bars == 0:
        return values
    moved = np.full_like(values, np.nan)
    moved[bars:] = values[:-bars]
    return moved


def supertrend(
    high: FloatArray, low: FloatArray, close: FloatArray, period: int, multiplier: float
) -> Outputs:
    import talib

    line, direction = talib.SUPERTREND(high, low, close, timeperiod=period, multiplier=multiplier)
    trend = direction.astype(np.float64)
    trend[:period] = np.nan  # TA-Lib's 0: no direction yet
    return line, trend


class _Talib(FormulaProvider):
    def compute(
        self, name: str, given: tuple[npt.ArrayLike, ...], parameters: Mapping[str, Number]
    ) -> Outputs:
        load_talib()
        return super().compute(name, given, parameters)


PROVIDER = _Talib(
    "talib",
    {
        "sma": sma,
        "ema": ema,
        "rsi": rsi,
        "macd": macd,
        "atr": atr,
        "bollinger": bollinger,
        "stochastic": stochastic,
        "obv": obv,
        "adx": adx,
        "ichimoku": ichimoku,
        "supertrend": supertrend,
    },
)
