"""The gate lets nobody through who computes something else, and the default has passed it."""

from collections.abc import Mapping
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from trading import indicators
from trading.history import formats
from trading.indicators import catalog, parity, samples
from trading.indicators.facade import Facade, Formula, FormulaProvider, Outputs
from trading.types.research import FloatArray

DATA = Path(__file__).parents[4] / "shared" / "data"
NOW = datetime(2026, 1, 1, tzinfo=UTC)
BARS = 3000
SEED = 3


def lines_of(provider: Facade) -> list[parity.Line]:
    reference = indicators.provider(parity.REFERENCE)
    candles = samples.candles(bars=BARS, seed=SEED)
    return list(parity.examine(provider, reference=reference, candles=candles, seed=SEED))


def cheater(name: str, formula: Formula) -> FormulaProvider:
    """TA-Lib's formulas, but for one."""
    honest = indicators.provider("talib")

    def pass_on(asked: str) -> Formula:
        def compute(*arguments: Any) -> Outputs:
            indicator = catalog.INDICATORS[asked]
            columns, values = arguments[: len(indicator.inputs)], arguments[len(indicator.inputs) :]
            names = [parameter.name for parameter in indicator.parameters]
            return honest.compute(asked, columns, dict(zip(names, values, strict=True)))

        return compute

    return FormulaProvider(
        "cheater", {asked: formula if asked == name else pass_on(asked) for asked in catalog.INDICATORS}
    )


@pytest.mark.parametrize("name", sorted(indicators.all_providers()))
def test_every_provider_found_passes(name: str) -> None:
    lines = lines_of(indicators.provider(name))
    assert [line.indicator for line in lines] == list(catalog.INDICATORS)
    assert {line.indicator: line.faults for line in lines if line.faults} == {}


def test_the_default_may_be_the_default() -> None:
    assert parity.may_be_default(lines_of(indicators.provider()))


@pytest.mark.parametrize("file", ["XLM_BTC-5m-2018-01.feather", "btc-perp-1m-2022-01.csv.gz"])
@pytest.mark.parametrize("name", sorted(indicators.all_providers()))
def test_every_provider_passes_on_recorded_markets(file: str, name: str) -> None:
    path = DATA / file
    if not path.exists():
        pytest.skip(f"no recorded candles at {path}")
    bars = formats.read(
        path, venue="binance", symbol="ANY/ANY", timeframe=file.split("-")[-3], at=NOW, skip_bad=True
    ).bars.part(0, 6000)
    candles = {
        **{"values": bars.close, "high": bars.high, "low": bars.low, "close": bars.close},
        "volume": bars.volume_base,
    }
    lines = list(
        parity.examine(
            indicators.provider(name), reference=indicators.provider("talib"), candles=candles, seed=SEED
        )
    )
    assert {line.indicator: line.faults for line in lines if line.faults} == {}


def simple_mean_rsi(values: FloatArray, period: int) -> Outputs:
    """Cutler's: the RSI of engines that do not smooth as Wilder does."""
    changes = np.diff(values)
    gains, losses = np.maximum(changes, 0), np.maximum(-changes, 0)
    out = np.full(values.size, np.nan)
    for i in range(period, values.size):
        gain, loss = gains[i - period : i].sum(), losses[i - period : i].sum()
        out[i] = 100 * gain / (gain + loss) if gain + loss else 0.0
    return (out,)


def centred_mean(values: FloatArray, period: int) -> Outputs:
    late = indicators.sma(values, period=period)
    return (np.concatenate((late[3:], late[-1:], late[-1:], late[-1:])),)


def zeros_while_warming_up(high: FloatArray, low: FloatArray, close: FloatArray, period: int) -> Outputs:
    return (np.nan_to_num(indicators.atr(high, low, close, period=period)),)


def nearly(values: FloatArray, period: int) -> Outputs:
    return (indicators.ema(values, period=period) * (1 + 1e-12),)


CHEATS: Mapping[str, tuple[str, Formula, set[str]]] = {
    "other numbers": ("rsi", simple_mean_rsi, {"other numbers", "live differs"}),
    "the future": ("sma", centred_mean, {"other numbers", "another warm-up", "looks ahead", "live differs"}),
    "zeros": ("atr", zeros_while_warming_up, {"another warm-up", "live differs"}),
}


@pytest.mark.parametrize("cheat", CHEATS)
def test_a_provider_that_cheats_is_told_what_is_wrong_and_only_there(cheat: str) -> None:
    name, formula, faults = CHEATS[cheat]
    found = {line.indicator: set(line.faults) for line in lines_of(cheater(name, formula)) if line.faults}
    assert found == {name: faults}


def test_what_is_right_but_for_the_last_bits_passes_and_may_not_be_the_default() -> None:
    lines = lines_of(cheater("ema", nearly))
    assert not any(line.faults for line in lines)
    assert not parity.may_be_default(lines)
    assert [line.indicator for line in lines if not line.is_live_exact] == ["ema"]


def test_a_provider_that_lacks_an_indicator_may_not_be_the_default() -> None:
    assert not parity.may_be_default(lines_of(indicators.provider())[1:])


def test_the_made_up_market_is_the_same_for_the_same_seed_and_believable() -> None:
    one, same, other = (samples.candles(bars=20_000, seed=seed) for seed in (1, 1, 2))
    assert all(np.array_equal(one[column], same[column]) for column in one)
    assert not np.array_equal(one["close"], other["close"])
    assert (one["high"] >= one["close"]).all()
    assert (one["low"] <= one["close"]).all()
    assert one["low"].min() > 0
    with pytest.raises(ValueError, match="at least one bar, not 0"):
        samples.candles(bars=0, seed=1)
