"""The gate a provider must pass: the same numbers as TA-Lib, the same warm-up, no look-ahead, and live equal to batch.

Only a provider that passes everything, live to the last bit included, may become the default: live values always come from the
streams, and a strategy must decide on the same number live as in its backtest.
"""

import time
from collections.abc import Iterator, Mapping
from dataclasses import asdict, dataclass
from statistics import median

import numpy as np

from trading.errors import InvalidValueError
from trading.indicators import catalog, stream
from trading.indicators.catalog import Indicator, Number
from trading.indicators.facade import Facade, Outputs
from trading.types.research import FloatArray

REFERENCE = "talib"
# Largest difference to the reference, as a part of the output's largest absolute value. TA-Lib's running sums alone differ from
# exact ones by 1e-12 after a million bars.
TOLERANCE_RATIO = 1e-10
LIVE_BARS = 20_000
LEAST_BARS = 300  # four times the longest warm-up: fewer would prove nothing
_CUTS = 6
_RUNS = 5
# Parameters that have no default in the catalogue.
GIVEN: Mapping[str, Mapping[str, Number]] = {"sma": {"period": 20}, "ema": {"period": 20}}


@dataclass(frozen=True, slots=True, kw_only=True)
class Line:
    """One indicator of one provider. Ratios are parts of the output's largest absolute value; 0.0 means equal to the last bit."""

    provider: str
    indicator: str
    difference_abs: float
    difference_ratio: float
    live_difference_ratio: float
    is_warmup_equal: bool
    is_prefix_stable: bool
    time_ms: float
    reference_ms: float

    @property
    def is_live_exact(self) -> bool:
        return self.live_difference_ratio == 0.0

    @property
    def speed_ratio(self) -> float:
        """Time taken over the reference's."""
        return self.time_ms / self.reference_ms

    @property
    def faults(self) -> tuple[str, ...]:
        """Why the provider does not pass with this indicator; empty when it does."""
        found = {
            "other numbers": not self.difference_ratio <= TOLERANCE_RATIO,
            "another warm-up": not self.is_warmup_equal,
            "looks ahead": not self.is_prefix_stable,
            "live differs": not self.live_difference_ratio <= TOLERANCE_RATIO,
        }
        return tuple(fault for fault, is_found in found.items() if is_found)

    def as_json(self) -> dict[str, object]:
        return {**asdict(self), "speed_ratio": self.speed_ratio, "faults": list(self.faults)}


def may_be_default(lines: list[Line]) -> bool:
    """Whether a provider with these lines passes everything for all indicators, live to the last bit included."""
    names = {line.indicator for line in lines if not line.faults and line.is_live_exact}
    return names == set(catalog.INDICATORS)


def examine(
    provider: Facade, *, reference: Facade, candles: Mapping[str, FloatArray], seed: int
) -> Iterator[Line]:
    """One line per indicator over these candles (columns as in trading/indicators/samples.py). `seed` picks the places of the cuts.

    Raises InvalidValueError for fewer than LEAST_BARS bars.
    """
    if candles["close"].size < LEAST_BARS:
        raise InvalidValueError(f"the gate needs at least {LEAST_BARS} bars, not {candles['close'].size}")
    for name, indicator in catalog.INDICATORS.items():
        columns = tuple(candles[column] for column in indicator.inputs)
        given = GIVEN.get(name, {})
        outputs = provider.compute(name, columns, given)
        wanted = reference.compute(name, columns, given)
        absolute, ratio = _difference(outputs, wanted)
        yield Line(
            provider=provider.name,
            indicator=name,
            difference_abs=absolute,
            difference_ratio=ratio,
            live_difference_ratio=_live_difference(provider, indicator, columns, given),
            is_warmup_equal=_has_warmup(outputs, indicator.first(*indicator.checked(given))),
            is_prefix_stable=_is_prefix_stable(provider, indicator, columns, given, outputs, seed=seed),
            time_ms=_time_ms(provider, name, columns, given),
            reference_ms=_time_ms(reference, name, columns, given),
        )


def _difference(outputs: Outputs, wanted: Outputs) -> tuple[float, float]:
    """Largest difference where both have a value, absolute and as a part of the wanted output's largest absolute value."""
    absolute = ratio = 0.0
    for output, other in zip(outputs, wanted, strict=True):
        is_there = ~(np.isnan(output) | np.isnan(other))
        if is_there.any():
            worst = float(np.abs(output[is_there] - other[is_there]).max())
            scale = float(np.abs(other[is_there]).max())
            absolute = max(absolute, worst)
            ratio = max(ratio, worst / scale if scale else worst)
    return absolute, ratio


def _has_warmup(outputs: Outputs, first: tuple[int, ...]) -> bool:
    """NaN before the first bar the catalogue names, and nowhere after it."""
    return all(
        bool(np.isnan(output[:start]).all()) and not np.isnan(output[start:]).any()
        for output, start in zip(outputs, first, strict=True)
    )


def _is_prefix_stable(
    provider: Facade,
    indicator: Indicator,
    columns: tuple[FloatArray, ...],
    given: Mapping[str, Number],
    outputs: Outputs,
    *,
    seed: int,
) -> bool:
    """Whether the past keeps its values, to the last bit, when later bars are not known yet."""
    size = columns[0].size
    first = max(indicator.first(*indicator.checked(given)))
    drawn = np.random.default_rng(seed).integers(1, size, _CUTS).tolist() if size > 1 else []
    for cut in {min(size, place) for place in (1, first, first + 1, first + 2, size - 1, *drawn)} - {0}:
        early = provider.compute(indicator.name, tuple(column[:cut] for column in columns), given)
        if not all(_is_same(part, output[:cut]) for part, output in zip(early, outputs, strict=True)):
            return False
    return True


def _is_same(one: FloatArray, other: FloatArray) -> bool:
    return bool(np.array_equal(one, other, equal_nan=True))


def _live_difference(
    provider: Facade, indicator: Indicator, columns: tuple[FloatArray, ...], given: Mapping[str, Number]
) -> float:
    """The streams against this provider's batch over the first bars, once from nothing and once opened again half-way."""
    part = tuple(column[:LIVE_BARS] for column in columns)
    wanted = provider.compute(indicator.name, part, given)
    worst = 0.0
    for start in (0, part[0].size // 2):
        live = stream(indicator.name, *(column[:start] for column in part), **given)
        rows = zip(*(column[start:].tolist() for column in part), strict=True)
        answers = [live.update(*row) for row in rows]
        values = np.array(answers, dtype=np.float64).reshape(len(answers), -1).T
        batch = tuple(output[start:] for output in wanted)
        if not all(_is_same(np.isnan(one), np.isnan(two)) for one, two in zip(values, batch, strict=True)):
            return float("inf")
        worst = max(worst, _difference(tuple(values), batch)[1])
    return worst


def _time_ms(
    provider: Facade, name: str, columns: tuple[FloatArray, ...], given: Mapping[str, Number]
) -> float:
    taken = []
    for _ in range(_RUNS):
        begun = time.perf_counter()
        provider.compute(name, columns, given)
        taken.append(time.perf_counter() - begun)
    return median(taken) * 1000
