"""The eleven methods of `trading.protocols.IndicatorProvider` over one question: these columns, these parameters, which numbers?

A provider brings only formulas over clean columns; checks, warm-up, missing values and lengths are the same for all.
"""

from abc import ABC, abstractmethod
from collections.abc import Callable, Mapping
from typing import TypeAlias

import numpy as np
import numpy.typing as npt

from trading.indicators import catalog, columns
from trading.indicators.catalog import Number
from trading.types.research import FloatArray

Outputs: TypeAlias = tuple[FloatArray, ...]
# Columns (float64, contiguous, finite, at least one bar), then the parameters in the catalogue's order; NaN while warming up.
Formula: TypeAlias = Callable[..., Outputs]


class Facade(ABC):
    """The definitions are TA-Lib's. Columns may be any sequence of numbers; every result has their length.

    Raises InvalidValueError (a ValueError) for columns of unequal length and for periods out of bounds.
    """

    name: str

    @abstractmethod
    def compute(
        self, name: str, given: tuple[npt.ArrayLike, ...], parameters: Mapping[str, Number]
    ) -> Outputs: ...

    def sma(self, values: npt.ArrayLike, *, period: int) -> FloatArray:
        """Simple moving average; the first `period - 1` are NaN."""
        return self.compute("sma", (values,), {"period": period})[0]

    def ema(self, values: npt.ArrayLike, *, period: int) -> FloatArray:
        """Exponential moving average seeded with the SMA; the first `period - 1` are NaN."""
        return self.compute("ema", (values,), {"period": period})[0]

    def rsi(self, values: npt.ArrayLike, *, period: int = 14) -> FloatArray:
        """Wilder's relative strength index, 0 to 100, 0 where nothing ever moved; the first `period` are NaN."""
        return self.compute("rsi", (values,), {"period": period})[0]

    def macd(
        self, values: npt.ArrayLike, *, fast: int = 12, slow: int = 26, signal: int = 9
    ) -> tuple[FloatArray, FloatArray, FloatArray]:
        """MACD line, signal line, histogram; the first `slow + signal - 2` are NaN."""
        line, signals, histogram = self.compute(
            "macd", (values,), {"fast": fast, "slow": slow, "signal": signal}
        )
        return line, signals, histogram

    def atr(
        self, high: npt.ArrayLike, low: npt.ArrayLike, close: npt.ArrayLike, *, period: int = 14
    ) -> FloatArray:
        """Wilder's average true range in price units; the first `period` are NaN."""
        return self.compute("atr", (high, low, close), {"period": period})[0]

    def bollinger(
        self, values: npt.ArrayLike, *, period: int = 20, deviations: float = 2.0
    ) -> tuple[FloatArray, FloatArray, FloatArray]:
        """Upper, middle, lower band (SMA and population standard deviation); the first `period - 1` are NaN."""
        upper, middle, lower = self.compute(
            "bollinger", (values,), {"period": period, "deviations": deviations}
        )
        return upper, middle, lower

    def stochastic(
        self,
        high: npt.ArrayLike,
        low: npt.ArrayLike,
        close: npt.ArrayLike,
        *,
        period: int = 14,
        slow_k: int = 3,
        slow_d: int = 3,
    ) -> tuple[FloatArray, FloatArray]:
        """Slow %K and %D, 0 to 100; the first `period + slow_k + slow_d - 3` are NaN."""
        line, signal = self.compute(
            "stochastic", (high, low, close), {"period": period, "slow_k": slow_k, "slow_d": slow_d}
        )
        return line, signal

    def obv(self, close: npt.ArrayLike, volume: npt.ArrayLike) -> FloatArray:
        """On-balance volume, starting with the first bar's volume; an unchanged close adds nothing."""
        return self.compute("obv", (close, volume), {})[0]

    def adx(
        self, high: npt.ArrayLike, low: npt.ArrayLike, close: npt.ArrayLike, *, period: int = 14
    ) -> FloatArray:
        """Wilder's average directional index, 0 to 100; the first `2 * period - 1` are NaN."""
        return self.compute("adx", (high, low, close), {"period": period})[0]

    def ichimoku(
        self,
        high: npt.ArrayLike,
        low: npt.ArrayLike,
        *,
        conversion: int = 9,
        base: int = 26,
        span_b: int = 52,
        displacement: int = 26,
    ) -> tuple[FloatArray, FloatArray, FloatArray, FloatArray]:
        """Conversion, base, and the spans that stand over the current bar: those computed `displacement` bars ago.

        The lagging line is left out: drawn back in time, it would show the future.
        """
        periods = {"conversion": conversion, "base": base, "span_b": span_b, "displacement": displacement}
        line, base_line, leading_a, leading_b = self.compute("ichimoku", (high, low), periods)
        return line, base_line, leading_a, leading_b

    def supertrend(
        self,
        high: npt.ArrayLike,
        low: npt.ArrayLike,
        close: npt.ArrayLike,
        *,
        period: int = 10,
        multiplier: float = 3.0,
    ) -> tuple[FloatArray, FloatArray]:
        """The line, and its direction: 1 up, -1 down (the first one is up by convention); the first `period` are NaN."""
        line, direction = self.compute(
            "supertrend", (high, low, close), {"period": period, "multiplier": multiplier}
        )
        return line, direction


class FormulaProvider(Facade):
    def __init__(self, name: str, formulas: Mapping[str, Formula]) -> None:
        self.name = name
        self._formulas = formulas

    def compute(
        self, name: str, given: tuple[npt.ArrayLike, ...], parameters: Mapping[str, Number]
    ) -> Outputs:
        indicator = catalog.find(name)
        values = indicator.checked(parameters)
        clean = columns.clean(indicator.inputs, given)
        size = clean[0].size
        first, stop = columns.finite_span(clean)
        if stop - first == size > 0:
            return self._formulas[name](*clean, *values)
        results = tuple(np.full(size, np.nan) for _ in indicator.outputs)
        if stop > first:
            parts = self._formulas[name](*(column[first:stop] for column in clean), *values)
            for result, part in zip(results, parts, strict=True):
                result[first:stop] = part
        return results
