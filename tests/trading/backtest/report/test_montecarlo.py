"""Simulated orders of the trades: repeatable, bounded, and true where the answer is known."""

from dataclasses import asdict

import pytest

from tests.trading.backtest.runs import Deal, bars, run
from trading.backtest.report import montecarlo
from trading.backtest.report.values import MonteCarlo


def simulated(changes: list[float], *, size: float = 100.0, **options: int) -> MonteCarlo | None:
    closes = [100.0]
    for change in changes:
        closes += [100.0, 100.0 + change]
    deals = [Deal(2 * i + 1, 2 * i + 2, size=size) for i in range(len(changes))]
    return montecarlo.simulate(run([bars(closes)], deals), **options)


def test_the_same_seed_gives_the_same_numbers_and_another_does_not() -> None:
    changes = [1.0, -0.7, 2.0, -1.5, 0.3] * 8
    one, same, other = (simulated(changes, seed=seed) for seed in (3, 3, 4))
    assert one == same
    assert one is not None
    assert other is not None
    assert one.bootstrap_return != other.bootstrap_return


def test_a_shuffle_changes_the_way_and_not_the_end() -> None:
    found = simulated([5.0, -4.0] * 20)
    assert found is not None
    assert found.shuffle_drawdown.p5 < found.shuffle_drawdown.p95
    # Gains and losses in turn is the mildest order there is.
    assert found.shuffle_drawdown.actual <= found.shuffle_drawdown.p5
    assert found.bootstrap_return.p5 < found.bootstrap_return.actual < found.bootstrap_return.p95


def test_trades_that_all_win_never_lose() -> None:
    found = simulated([1.0, 2.0, 3.0])
    assert found is not None
    assert (found.loss_probability_ratio, found.ruin_probability_ratio) == (0, 0)
    assert found.bootstrap_drawdown.p95 == 0
    assert found.bootstrap_return.actual == pytest.approx(1.01 * 1.02 * 1.03 - 1)


def test_probability_of_loss_is_that_of_the_coin() -> None:
    # Four flips of +10 % or -10 %: none to two wins end below the start (1.1² × 0.9² < 1), 11 of 16 cases.
    found = simulated([10.0, -10.0] * 2, paths=4000)
    assert found is not None
    assert found.loss_probability_ratio == pytest.approx(11 / 16, abs=0.03)


def test_a_trade_that_takes_everything_is_ruin_and_stays_a_number() -> None:
    found = simulated([1.0, -100.0, 1.0], size=200, paths=400)
    assert found is not None
    # Drawn at least once in three: 1 - (2/3)³.
    assert found.ruin_probability_ratio == pytest.approx(1 - (2 / 3) ** 3, abs=0.08)
    assert found.bootstrap_return.p5 == pytest.approx(-1)


def test_fewer_than_two_trades_give_nothing() -> None:
    assert simulated([]) is None
    assert simulated([1.0]) is None


def test_the_fan_begins_at_one_and_its_bands_do_not_cross() -> None:
    found = simulated([3.0, -2.0, 1.0] * 40)
    assert found is not None
    assert all(band[0] == 1 for band in found.fan.values())
    assert found.fan_trades[-1] == 120
    for lower, upper in zip(found.fan["p5"], found.fan["p95"], strict=True):
        assert lower <= upper
    assert sum(found.returns.counts) == found.paths
    assert set(asdict(found.bootstrap_return)) == {"p5", "p25", "p50", "p75", "p95", "actual"}


def test_very_many_trades_are_simulated_on_fewer_paths() -> None:
    assert montecarlo.affordable(1_000, trades=500) == 1_000
    assert montecarlo.affordable(1_000, trades=20_000) == 300
    assert montecarlo.affordable(1_000, trades=500_000) == montecarlo.FEWEST_PATHS
    assert montecarlo.affordable(50, trades=500_000) == 50
