"""The eleven indicators: what goes in, what comes out, which parameters they take, and when their first value stands.

One table for every provider, for the streams and for the gate, so that a parameter is checked once and a name means one thing.
"""

import math
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import TypeAlias

from trading.errors import InvalidValueError

Number: TypeAlias = int | float

LONGEST_PERIOD = 100_000  # TA-Lib's own limit
BARS = ("high", "low", "close")


@dataclass(frozen=True, slots=True, kw_only=True)
class Parameter:
    """A period counts bars and is whole; a factor is any number above zero. No `default` means it must be given."""

    name: str
    default: Number | None = None
    least: int = 2
    is_period: bool = True

    def checked(self, value: object) -> Number:
        """The value as int or float. Raises InvalidValueError in one line."""
        words = self.name.replace("_", " ")
        try:
            number = float(value)  # type: ignore[arg-type]
        except (TypeError, ValueError) as error:
            raise InvalidValueError(f"{words} must be a number, not {value!r}") from error
        if not self.is_period:
            if not 0 < number < math.inf:
                raise InvalidValueError(f"{words} must be above zero, not {value}")
            return number
        if isinstance(value, bool) or not number.is_integer():
            raise InvalidValueError(f"{words} must be a whole number of bars, not {value}")
        if not self.least <= number <= LONGEST_PERIOD:
            raise InvalidValueError(
                f"{words} must be at least {self.least} and at most {LONGEST_PERIOD}, not {value}"
            )
        return int(number)


@dataclass(frozen=True, slots=True, kw_only=True)
class Indicator:
    """`first` gives, for each output, the index of the first bar with a value."""

    name: str
    inputs: tuple[str, ...]
    outputs: tuple[str, ...]
    parameters: tuple[Parameter, ...]
    first: Callable[..., tuple[int, ...]]

    def checked(self, given: Mapping[str, object]) -> tuple[Number, ...]:
        """Every parameter's value in the table's order, defaults filled in. Raises InvalidValueError in one line."""
        known = {parameter.name for parameter in self.parameters}
        for name in given:
            if name not in known:
                raise InvalidValueError(
                    f"{self.name} has no parameter {name}; it takes {', '.join(sorted(known)) or 'none'}"
                )
        values = tuple(
            parameter.checked(given.get(parameter.name, parameter.default)) for parameter in self.parameters
        )
        if self.name == "macd" and values[0] >= values[1]:
            raise InvalidValueError(f"the fast period {values[0]} must be below the slow period {values[1]}")
        return values


def _same(count: int, index: Callable[..., int]) -> Callable[..., tuple[int, ...]]:
    return lambda *values: (index(*values),) * count


def _ichimoku_first(conversion: int, base: int, span_b: int, displacement: int) -> tuple[int, ...]:
    spans = (max(conversion, base) - 1 + displacement, span_b - 1 + displacement)
    return conversion - 1, base - 1, *spans


_PERIOD = Parameter(name="period")
_PERIOD_14 = Parameter(name="period", default=14)

INDICATORS: Mapping[str, Indicator] = {
    indicator.name: indicator
    for indicator in (
        Indicator(
            name="sma",
            inputs=("values",),
            outputs=("sma",),
            parameters=(_PERIOD,),
            first=_same(1, lambda period: period - 1),
        ),
        Indicator(
            name="ema",
            inputs=("values",),
            outputs=("ema",),
            parameters=(_PERIOD,),
            first=_same(1, lambda period: period - 1),
        ),
        Indicator(
            name="rsi",
            inputs=("values",),
            outputs=("rsi",),
            parameters=(_PERIOD_14,),
            first=_same(1, lambda period: period),
        ),
        Indicator(
            name="macd",
            inputs=("values",),
            outputs=("line", "signal", "histogram"),
            parameters=(
                Parameter(name="fast", default=12),
                Parameter(name="slow", default=26),
                Parameter(name="signal", default=9, least=1),
            ),
            first=_same(3, lambda _fast, slow, signal: slow + signal - 2),
        ),
        Indicator(
            name="atr",
            inputs=BARS,
            outputs=("atr",),
            parameters=(Parameter(name="period", default=14, least=1),),
            first=_same(1, lambda period: period),
        ),
        Indicator(
            name="bollinger",
            inputs=("values",),
            outputs=("upper", "middle", "lower"),
            parameters=(
                Parameter(name="period", default=20),
                Parameter(name="deviations", default=2.0, is_period=False),
            ),
            first=_same(3, lambda period, _deviations: period - 1),
        ),
        Indicator(
            name="stochastic",
            inputs=BARS,
            outputs=("slow_k", "slow_d"),
            parameters=(
                Parameter(name="period", default=14, least=1),
                Parameter(name="slow_k", default=3, least=1),
                Parameter(name="slow_d", default=3, least=1),
            ),
            first=_same(2, lambda period, slow_k, slow_d: period + slow_k + slow_d - 3),
        ),
        Indicator(
            name="obv", inputs=("close", "volume"), outputs=("obv",), parameters=(), first=_same(1, lambda: 0)
        ),
        Indicator(
            name="adx",
            inputs=BARS,
            outputs=("adx",),
            parameters=(_PERIOD_14,),
            first=_same(1, lambda period: 2 * period - 1),
        ),
        Indicator(
            name="ichimoku",
            inputs=("high", "low"),
            outputs=("conversion", "base", "span_a", "span_b"),
            parameters=(
                Parameter(name="conversion", default=9),
                Parameter(name="base", default=26),
                Parameter(name="span_b", default=52),
                Parameter(name="displacement", default=26, least=0),
            ),
            first=_ichimoku_first,
        ),
        Indicator(
            name="supertrend",
            inputs=BARS,
            outputs=("line", "direction"),
            parameters=(
                Parameter(name="period", default=10),
                Parameter(name="multiplier", default=3.0, is_period=False),
            ),
            first=_same(2, lambda period, _multiplier: period),
        ),
    )
}


def find(name: str) -> Indicator:
    """The indicator of this name. Raises InvalidValueError that lists the known ones."""
    if name not in INDICATORS:
        raise InvalidValueError(f"there is no indicator {name!r}; give one of: {', '.join(INDICATORS)}")
    return INDICATORS[name]
