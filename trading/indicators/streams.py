"""Indicators bar by bar: one closed bar in, its value out, equal to the batch over the same bars to the last bit.

    live = stream("rsi", closes, period=14)     # opened on the closed bars so far; none is fine too
    live.update(close)                          # a bar closed: its value (NaN while warming up)
    live.peek(price)                            # what `update` would say if the running bar closed here; changes nothing

After a restart, or in another process, a stream is opened again from the stored bars; it cannot be pickled. It rests on TA-Lib's
stateful handles; TA-Lib has none for Ichimoku, so that one is put together from three of its mid-price handles.
"""

import math
from collections import deque
from collections.abc import Callable, Sequence
from typing import Any, Generic, Literal, Protocol, TypeVar, overload

import numpy as np
import numpy.typing as npt

from trading.errors import InvalidValueError
from trading.indicators import catalog, columns
from trading.indicators.catalog import Indicator, Number
from trading.indicators.lean import load_talib
from trading.types.research import FloatArray

OneLine = Literal["sma", "ema", "rsi", "atr", "obv", "adx"]
ManyLines = Literal["macd", "bollinger", "stochastic", "ichimoku", "supertrend"]
Output = TypeVar("Output", float, tuple[float, ...])

_HANDLES = {
    **{"sma": "SMA", "ema": "EMA", "rsi": "RSI", "macd": "MACD", "atr": "ATR", "stochastic": "STOCH"},
    **{"obv": "OBV", "adx": "ADX", "supertrend": "SUPERTREND", "middle": "MIDPRICE", "bollinger": "BBANDS"},
}
_MIDDLE = Indicator(
    name="middle",
    inputs=("high", "low"),
    outputs=("middle",),
    parameters=(catalog.Parameter(name="period"),),
    first=lambda period: (period - 1,),
)


class _Handle(Protocol):
    """What TA-Lib's handles offer: a bare number for one output, a tuple for more."""

    @property
    def value(self) -> Any: ...

    @property
    def update(self) -> Callable[..., Any]: ...

    @property
    def peek(self) -> Callable[..., Any]: ...


class Stream(Generic[Output]):
    """One indicator of one instrument. A bar is given as the indicator's columns, in the batch's order (high, low, close).

    The answers are a float, or a tuple of the batch's outputs in its order. `value` is the last closed bar's. A bar that is not
    finite raises InvalidValueError and changes nothing. Bars before the first finite one do not count, as in the batch.
    """

    __slots__ = ("_handle", "_history", "_indicator", "_peek", "_update", "_values")

    def __init__(
        self, indicator: Indicator, *, values: tuple[Number, ...], history: Sequence[FloatArray]
    ) -> None:
        self._indicator = indicator
        self._values = values
        self._handle: _Handle | None = None
        self._history: list[tuple[float, ...]] = []
        self._update: Callable[..., Output] = self._collect
        self._peek: Callable[..., Output] = self._foresee
        if history[0].size >= self._needed:
            self._take(_open(indicator.name, history, values))
        else:
            self._history = list(zip(*(column.tolist() for column in history), strict=True))

    @property
    def value(self) -> Output:
        answer: Output = self._nothing if self._handle is None else self._handle.value
        return answer

    def update(self, *bar: float) -> Output:
        """The value at this closed bar."""
        try:
            return self._update(*bar)
        except Exception as error:  # TA-Lib raises no other
            raise self._refusal(bar) from error

    def peek(self, *bar: float) -> Output:
        """The value if the running bar closed like this; nothing is remembered."""
        try:
            return self._peek(*bar)
        except Exception as error:  # TA-Lib raises no other
            raise self._refusal(bar) from error

    @property
    def _needed(self) -> int:
        """Bars a handle needs to open. The Ichimoku's own lines warm up one by one, so it needs none."""
        return 0 if self._indicator.name == "ichimoku" else self._indicator.first(*self._values)[0] + 1

    @property
    def _nothing(self) -> Any:
        count = len(self._indicator.outputs)
        return math.nan if count == 1 else (math.nan,) * count

    def _take(self, handle: _Handle) -> None:
        self._handle, self._update, self._peek = handle, handle.update, handle.peek
        self._history = []

    def _collect(self, *bar: float) -> Output:
        """`update` while warming up."""
        self._history.append(self._checked(bar))
        if len(self._history) >= self._needed:
            self._take(self._opened(self._history))
        return self.value

    def _foresee(self, *bar: float) -> Output:
        """`peek` while warming up."""
        bars = [*self._history, self._checked(bar)]
        answer: Output = self._opened(bars).value if len(bars) >= self._needed else self._nothing
        return answer

    def _opened(self, bars: Sequence[tuple[float, ...]]) -> _Handle:
        return _open(self._indicator.name, tuple(np.array(bars).T.copy()), self._values)

    def _checked(self, bar: tuple[float, ...]) -> tuple[float, ...]:
        if len(bar) != len(self._indicator.inputs) or not all(map(math.isfinite, bar)):
            raise self._refusal(bar)
        return bar

    def _refusal(self, bar: tuple[float, ...]) -> InvalidValueError:
        names = ", ".join(self._indicator.inputs)
        return InvalidValueError(
            f"{self._indicator.name} takes one finite number each for {names} per bar, not {bar}"
        )


@overload
def stream(name: OneLine, *history: npt.ArrayLike, **parameters: Number) -> Stream[float]: ...


@overload
def stream(name: ManyLines, *history: npt.ArrayLike, **parameters: Number) -> Stream[tuple[float, ...]]: ...


@overload
def stream(
    name: str, *history: npt.ArrayLike, **parameters: Number
) -> Stream[float] | Stream[tuple[float, ...]]: ...


def stream(
    name: str, *history: npt.ArrayLike, **parameters: Number
) -> Stream[float] | Stream[tuple[float, ...]]:
    """An open stream over the closed bars so far, given as the indicator's columns, oldest first, or none at all.

    Raises InvalidValueError for unknown names, wrong parameters, and for a history that is not finite throughout.
    """
    indicator = catalog.find(name)
    values = indicator.checked(parameters)
    given = columns.clean(indicator.inputs, history or ((),) * len(indicator.inputs))
    first, stop = columns.finite_span(given)
    if stop < given[0].size:
        raise InvalidValueError(f"{name}: bar {stop} of the history is not finite; begin after it")
    kept = tuple(np.ascontiguousarray(column[first:]) for column in given)
    if len(indicator.outputs) == 1:
        return Stream[float](indicator, values=values, history=kept)
    return Stream[tuple[float, ...]](indicator, values=values, history=kept)


def _open(name: str, history: Sequence[FloatArray], values: tuple[Number, ...]) -> _Handle:
    """A handle on a history that is long enough."""
    load_talib()
    from talib import stream as handles

    if name == "ichimoku":
        high, low = history
        conversion, base, span_b, displacement = map(int, values)
        return _Ichimoku(high, low, periods=(conversion, base, span_b), displacement=displacement)
    if name == "bollinger":
        values = (values[0], values[1], values[1])
    elif name == "stochastic":
        values = (values[0], values[1], 0, values[2], 0)  # 0: simple averages
    handle: _Handle = getattr(handles, _HANDLES[name])(*history, *values)
    return handle


class _Ichimoku:
    """Three mid-prices, and the spans that wait until they stand over the current bar."""

    __slots__ = ("_lines", "_waiting", "value")

    def __init__(
        self, high: FloatArray, low: FloatArray, *, periods: tuple[int, int, int], displacement: int
    ) -> None:
        import talib

        self._lines = tuple(
            Stream[float](_MIDDLE, values=(period,), history=(high, low)) for period in periods
        )
        self._waiting: deque[tuple[float, float]] = deque(maxlen=displacement + 1)
        self.value: tuple[float, ...] = (math.nan,) * 4
        if high.size:
            conversion, base, wide = (talib.MIDPRICE(high, low, timeperiod=period) for period in periods)
            self._waiting.extend(zip(((conversion + base) / 2).tolist(), wide.tolist(), strict=True))
            self.value = self._read(self._waiting, float(conversion[-1]), float(base[-1]))

    def update(self, high: float, low: float) -> tuple[float, ...]:
        conversion, base, wide = (line.update(high, low) for line in self._lines)
        self._waiting.append(((conversion + base) / 2, wide))
        self.value = self._read(self._waiting, conversion, base)
        return self.value

    def peek(self, high: float, low: float) -> tuple[float, ...]:
        conversion, base, wide = (line.peek(high, low) for line in self._lines)
        waiting = self._waiting.copy()
        waiting.append(((conversion + base) / 2, wide))
        return self._read(waiting, conversion, base)

    @staticmethod
    def _read(
        waiting: deque[tuple[float, float]], conversion: float, base: float
    ) -> tuple[float, float, float, float]:
        span_a, span_b = waiting[0] if len(waiting) == waiting.maxlen else (math.nan, math.nan)
        return conversion, base, span_a, span_b
