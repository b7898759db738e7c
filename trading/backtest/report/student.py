"""Student's t-test, without scipy: importing scipy.special costs half a second, more than a year of minutes takes to run."""

import math
from collections.abc import Iterator

from trading.types.research import FloatArray

_SMALLEST = 1e-300
_ENOUGH = 1e-15
_MOST_STEPS = 10_000


def p_value(values: FloatArray) -> float | None:
    """Two-sided p-value of a one-sample t-test that the mean is zero; None below two values or when all are equal."""
    if values.size < 2:
        return None
    deviation = float(values.std(ddof=1))
    if deviation <= 1e-12 * float(abs(values).max()):
        return None
    t = float(values.mean()) / (deviation / math.sqrt(values.size))
    return two_sided(t, freedom=values.size - 1)


def two_sided(t: float, *, freedom: int) -> float:
    """P(|T| >= |t|) for Student's t with `freedom` degrees: I_x(freedom/2, 1/2) with x = freedom / (freedom + t²)."""
    return incomplete_beta(freedom / 2, 0.5, freedom / (freedom + t * t))


def incomplete_beta(a: float, b: float, x: float) -> float:
    """The regularised incomplete beta function I_x(a, b), 0 <= x <= 1, by its continued fraction (DLMF 8.17.22)."""
    if x <= 0 or x >= 1:
        return 0.0 if x <= 0 else 1.0
    if x > (a + 1) / (a + b + 2):
        return 1 - incomplete_beta(b, a, 1 - x)
    front = math.exp(
        math.lgamma(a + b) - math.lgamma(a) - math.lgamma(b) + a * math.log(x) + b * math.log1p(-x)
    )
    return front / a * _fraction(_coefficients(a, b, x))


def _coefficients(a: float, b: float, x: float) -> Iterator[float]:
    for m in range(_MOST_STEPS):
        if m:
            yield m * (b - m) * x / ((a + 2 * m - 1) * (a + 2 * m))
        yield -(a + m) * (a + b + m) * x / ((a + 2 * m) * (a + 2 * m + 1))


def _fraction(coefficients: Iterator[float]) -> float:
    """1 / (1 + d1 / (1 + d2 / …)) by Lentz's method."""
    upper, lower, value = 1.0, 0.0, 1.0
    for coefficient in coefficients:
        lower = 1 / _apart_from_zero(1 + coefficient * lower)
        upper = _apart_from_zero(1 + coefficient / upper)
        value *= upper * lower
        if abs(upper * lower - 1) < _ENOUGH:
            break
    return 1 / value


def _apart_from_zero(value: float) -> float:
    return value if abs(value) > _SMALLEST else _SMALLEST
