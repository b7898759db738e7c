"""The textbook formulas. Each gives None where it cannot be told; `ANNUAL_DAYS` is 365 because these markets never close."""

import math

import numpy as np

from trading.types.research import FloatArray

ANNUAL_DAYS = 365
# Deviations below this part of the largest value are rounding, not risk.
_NOISE = 1e-12


def finite(value: float) -> float | None:
    """`value` as a plain float, None when it is infinite or not a number."""
    return float(value) if math.isfinite(value) else None


def part(value: float, whole: float) -> float | None:
    """value / whole; None when there is nothing to divide by."""
    return finite(value / whole) if whole else None


def deviation(values: FloatArray) -> float | None:
    """Standard deviation of a sample (n - 1); None below two values or when they are all the same."""
    if values.size < 2:
        return None
    spread = float(values.std(ddof=1))
    return spread if spread > _NOISE * float(np.abs(values).max()) else None


def sharpe(daily: FloatArray) -> float | None:
    """Mean / standard deviation of daily returns × √365, risk-free rate zero (Sharpe 1994)."""
    spread = deviation(daily)
    return finite(float(daily.mean()) / spread * math.sqrt(ANNUAL_DAYS)) if spread else None


def sortino(daily: FloatArray) -> float | None:
    """Mean daily return / root mean square of the daily losses over all days × √365, target zero (Sortino & Price 1994)."""
    if daily.size < 2:
        return None
    below = math.sqrt(float(np.mean(np.minimum(daily, 0) ** 2)))
    return finite(float(daily.mean()) / below * math.sqrt(ANNUAL_DAYS)) if below > 0 else None


def volatility(daily: FloatArray) -> float | None:
    """Standard deviation of daily returns × √365."""
    return float(daily.std(ddof=1)) * math.sqrt(ANNUAL_DAYS) if daily.size > 1 else None


def cagr(start: float, final: float, *, days: float) -> float | None:
    """(final / start)^(365 / days) - 1; None below zero, without days, or where the number grows beyond all bounds."""
    if start <= 0 or final < 0 or days <= 0:
        return None
    try:
        return finite((final / start) ** (ANNUAL_DAYS / days) - 1)
    except OverflowError:
        return None


def quality(multiples: FloatArray) -> float | None:
    """Tharp's system quality number: √n × mean / standard deviation of the trades' results in multiples of their risk."""
    spread = deviation(multiples)
    return finite(math.sqrt(multiples.size) * float(multiples.mean()) / spread) if spread else None


def longest_run(hits: FloatArray | np.ndarray[tuple[int], np.dtype[np.bool_]]) -> int:
    """The most True values in a row."""
    edges = np.flatnonzero(np.diff(np.concatenate(([False], hits, [False])).astype(np.int8)))
    return int((edges[1::2] - edges[::2]).max()) if edges.size else 0


def covered_ms(
    begin: np.ndarray[tuple[int], np.dtype[np.int64]], end: np.ndarray[tuple[int], np.dtype[np.int64]]
) -> int:
    """How long at least one of the spans ran."""
    if not begin.size:
        return 0
    order = np.argsort(begin, kind="stable")
    begin, end = begin[order], end[order]
    reached = np.maximum.accumulate(end)
    before = np.concatenate(([begin[0]], reached[:-1]))
    return int(np.maximum(end - np.maximum(begin, before), 0).sum())
