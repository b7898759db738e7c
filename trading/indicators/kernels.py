"""The indicators as plain loops, compiled. Seeds and the order of operations are TA-Lib's: most results equal its to the last bit.

Columns are finite and hold at least one bar (facade.py). All loops are in one file: numba compiles anew what changed in the same file
only. Sources: J. W. Wilder, New Concepts in Technical Trading Systems (1978) for RSI, ATR and ADX; TA-Lib 0.8 for seeds and edges.
"""

import numpy as np

from neuratrade.lib.jit import compiled
from trading.types.research import FloatArray


@compiled
def sma(values: FloatArray, period: int) -> FloatArray:
    out = np.full(values.size, np.nan)
    total = 0.0
    for i in range(values.size):
        total += values[i]
        if i >= period - 1:
            out[i] = total / period
            total -= values[i - period + 1]
    return out


@compiled
def ema(values: FloatArray, period: int) -> FloatArray:
    """Seeded with the plain mean of the first `period` values."""
    out = np.full(values.size, np.nan)
    if values.size < period:
        return out
    weight = 2.0 / (period + 1)
    average = 0.0
    for i in range(period):
        average += values[i]
    average /= period
    out[period - 1] = average
    for i in range(period, values.size):
        average = (values[i] - average) * weight + average
        out[i] = average
    return out


@compiled
def rsi(values: FloatArray, period: int) -> FloatArray:
    """Averages of gains and losses: a plain mean of the first `period` changes, then Wilder's smoothing."""
    out = np.full(values.size, np.nan)
    part = 1.0 / period
    gain = loss = 0.0
    for i in range(1, values.size):
        change = values[i] - values[i - 1]
        if i > period:
            gain *= period - 1
            loss *= period - 1
        if change < 0.0:
            loss -= change
        else:
            gain += change
        if i >= period:
            gain *= part
            loss *= part
            both = gain + loss
            out[i] = 100.0 * (gain / both) if both != 0.0 else 0.0
    return out


@compiled
def macd(values: FloatArray, fast: int, slow: int, signal: int) -> tuple[FloatArray, FloatArray, FloatArray]:
    """Both averages have their first value at bar `slow - 1`, so the fast one is seeded with the last `fast` values before it."""
    size, first = values.size, slow + signal - 2
    line, signals, histogram = np.full(size, np.nan), np.full(size, np.nan), np.full(size, np.nan)
    fast_weight, slow_weight, signal_weight = 2.0 / (fast + 1), 2.0 / (slow + 1), 2.0 / (signal + 1)
    quick = calm = smooth = 0.0
    for i in range(size):
        if i >= slow:
            quick = (values[i] - quick) * fast_weight + quick
            calm = (values[i] - calm) * slow_weight + calm
        else:
            calm += values[i]
            quick += values[i] if i >= slow - fast else 0.0
            if i < slow - 1:
                continue
            calm, quick = calm / slow, quick / fast
        difference = quick - calm
        if i > first:
            smooth = (difference - smooth) * signal_weight + smooth
        else:
            smooth += difference
            if i < first:
                continue
            smooth /= signal
        line[i], signals[i], histogram[i] = difference, smooth, difference - smooth
    return line, signals, histogram


@compiled
def _true_range(high: float, low: float, close_before: float) -> float:
    return max(high - low, abs(close_before - high), abs(close_before - low))


@compiled
def atr(high: FloatArray, low: FloatArray, close: FloatArray, period: int) -> FloatArray:
    """A plain mean of the first `period` true ranges, then Wilder's smoothing."""
    out = np.full(close.size, np.nan)
    average, part = 0.0, 1.0 / period
    for i in range(1, close.size):
        reach = _true_range(high[i], low[i], close[i - 1])
        if i > period:
            average += (reach - average) * part
        else:
            average += reach
        if i == period:
            average *= part
        if i >= period:
            out[i] = average
    return out


@compiled
def bollinger(
    values: FloatArray, period: int, deviations: float
) -> tuple[FloatArray, FloatArray, FloatArray]:
    middle, upper, lower = sma(values, period), deviation(values, period), np.empty_like(values)
    for i in range(values.size):
        width = upper[i] * deviations
        upper[i], lower[i] = middle[i] + width, middle[i] - width
    return upper, middle, lower


@compiled
def deviation(values: FloatArray, period: int) -> FloatArray:
    """Population standard deviation of the last `period` values, without drift and without cancellation.

    Sums of differences from a nearby value are carried on, and begun anew every `period` bars, so that all that leaves them was
    there when they began. Where little is left beside that, the window is summed up directly.
    """
    out = np.full(values.size, np.nan)
    base = total = squares = begun = 0.0
    for i in range(period - 1, values.size):
        if (i + 1) % period == 0:
            base, total, squares = values[i], 0.0, 0.0
            for j in range(i - period + 1, i + 1):
                total += values[j] - base
                squares += (values[j] - base) ** 2
            begun = squares
        else:
            total += values[i] - base
            squares += (values[i] - base) ** 2
            total -= values[i - period] - base
            squares -= (values[i - period] - base) ** 2
        spread = squares - total * total / period
        if spread <= 1e-4 * begun:
            mean, spread = 0.0, 0.0
            for j in range(i - period + 1, i + 1):
                mean += (values[j] - base) / period
            for j in range(i - period + 1, i + 1):
                spread += (values[j] - base - mean) ** 2
        out[i] = np.sqrt(spread / period)
    return out


@compiled
def extreme(values: FloatArray, period: int, sign: float) -> FloatArray:
    """Highest (`sign` 1) or lowest (-1) of the last `period` values, in constant time per bar whatever the market does.

    The window spans at most two blocks of `period` bars: the end of one (`tails`, from the back) and the begin of the next (`head`).
    Source: M. van Herk (1992), Pattern Recognition Letters 13, 517-521.
    """
    out = np.full(values.size, np.nan)
    tails = np.empty(period)
    head = tail = 0.0
    place = period - 1
    for i in range(values.size):
        value = sign * values[i]
        place += 1
        if place == period:
            place = 0
            for j in range(min(i, period)):
                before = sign * values[i - 1 - j]
                tail = before if j == 0 or before > tail else tail
                tails[period - 1 - j] = tail
        head = value if place == 0 or value > head else head
        if place == period - 1:
            out[i] = sign * head
        elif i >= period:
            out[i] = sign * (tails[place + 1] if tails[place + 1] > head else head)
    return out


@compiled
def stochastic(
    high: FloatArray, low: FloatArray, close: FloatArray, period: int, slow_k: int, slow_d: int
) -> tuple[FloatArray, FloatArray]:
    """%K is the mean of the raw position in the range, %D the mean of %K; 0 where there is no range."""
    top, bottom = extreme(high, period, 1.0), extreme(low, period, -1.0)
    line, signal = bottom, np.full(close.size, np.nan)  # a bar's low is read before its %K takes the place
    raw = np.empty(close.size)
    total_k = total_d = 0.0
    for i in range(period - 1, close.size):
        hundredth = (top[i] - bottom[i]) / 100.0
        raw[i] = (close[i] - bottom[i]) / hundredth if hundredth != 0.0 else 0.0
        line[i], total_k = np.nan, total_k + raw[i]
        before = i - slow_k + 1
        if before < period - 1:
            continue
        mean = total_k / slow_k
        total_k -= raw[before]
        raw[before] = mean  # no longer needed: from here on it holds %K, `slow_k - 1` places early
        total_d += mean
        if before - slow_d + 1 >= period - 1:
            line[i], signal[i] = mean, total_d / slow_d
            total_d -= raw[before - slow_d + 1]
    return line, signal


@compiled
def obv(close: FloatArray, volume: FloatArray) -> FloatArray:
    out = np.empty(close.size)
    total = volume[0]
    out[0] = total
    for i in range(1, close.size):
        total += volume[i] * np.sign(close[i] - close[i - 1])
        out[i] = total
    return out


@compiled
def adx(high: FloatArray, low: FloatArray, close: FloatArray, period: int) -> FloatArray:
    """Movement and range are summed over `period - 1` bars, then smoothed; the first value is the plain mean of `period` DX."""
    out = np.full(close.size, np.nan)
    up = down = ranges = strength = 0.0
    for i in range(1, close.size):
        rise, fall = high[i] - high[i - 1], low[i - 1] - low[i]
        if i >= period:
            up -= up / period
            down -= down / period
            ranges -= ranges / period
        if fall > 0.0 and rise < fall:
            down += fall
        elif rise > 0.0 and rise > fall:
            up += rise
        ranges += _true_range(high[i], low[i], close[i - 1])
        if i < period:
            continue
        minus, plus = (100.0 * (down / ranges), 100.0 * (up / ranges)) if ranges != 0.0 else (0.0, 0.0)
        both = minus + plus
        if both != 0.0:
            index = 100.0 * (abs(minus - plus) / both)
            strength = strength + index if i < 2 * period else (strength * (period - 1) + index) / period
        if i == 2 * period - 1:
            strength /= period
        if i >= 2 * period - 1:
            out[i] = strength
    return out


@compiled
def midpoints(high: FloatArray, low: FloatArray, period: int) -> FloatArray:
    out, bottom = extreme(high, period, 1.0), extreme(low, period, -1.0)
    for i in range(out.size):
        out[i] = (out[i] + bottom[i]) / 2.0
    return out


@compiled
def ichimoku(
    high: FloatArray, low: FloatArray, conversion: int, base: int, span_b: int, displacement: int
) -> tuple[FloatArray, FloatArray, FloatArray, FloatArray]:
    """The spans over a bar are those of `displacement` bars before it; there is no lagging line."""
    line, base_line = midpoints(high, low, conversion), midpoints(high, low, base)
    wide = midpoints(high, low, span_b)
    leading_a, leading_b = np.full(high.size, np.nan), np.full(high.size, np.nan)
    for i in range(displacement, high.size):
        leading_a[i] = (line[i - displacement] + base_line[i - displacement]) / 2.0
        leading_b[i] = wide[i - displacement]
    return line, base_line, leading_a, leading_b


@compiled
def supertrend(
    high: FloatArray, low: FloatArray, close: FloatArray, period: int, multiplier: float
) -> tuple[FloatArray, FloatArray]:
    """Bands around the bar's middle that only close in on the price until it closes beyond them. The first trend is up."""
    line, direction = np.full(close.size, np.nan), np.full(close.size, np.nan)
    ranges = atr(high, low, close, period)
    upper = lower = 0.0
    is_up = True
    for i in range(period, close.size):
        middle, band = (high[i] + low[i]) / 2.0, multiplier * ranges[i]
        if i == period:
            upper, lower = middle + band, middle - band
        else:
            if middle + band < upper or close[i - 1] > upper:
                upper = middle + band
            if middle - band > lower or close[i - 1] < lower:
                lower = middle - band
            is_up = close[i] >= lower if is_up else close[i] > upper
        line[i] = lower if is_up else upper
        direction[i] = 1.0 if is_up else -1.0
    return line, direction
