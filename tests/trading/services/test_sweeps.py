"""Sweeps: each point is what a run of its own gives, stored once, resumed anywhere, ranked by the objective."""

from dataclasses import replace
from datetime import timedelta
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tests.factories import AT
from tests.trading.services.bench_desk import START, request, store_bars
from trading.backtest import grid
from trading.backtest.windows import parse
from trading.errors import ConfigurationError, InvalidValueError
from trading.models import Backtest, Sweep, SweepPoint
from trading.services import backtests, sweep_results, sweep_spread, sweeps, walk_forward
from trading.services.sweeps import OpenSweep

GRID = ("rsi_period=10:20:5", "rsi_below=30,40")


@pytest.fixture
def home(db: None, tmp_path: Path, settings: Any) -> Path:
    settings.HOME = tmp_path
    store_bars(tmp_path)
    return tmp_path


def ask(*params: str, objective: str = "sharpe", walk: str = "", **other: Any) -> OpenSweep:
    return sweeps.ask(
        request(**other),
        grid=grid.parse(params or GRID),
        objective=objective,
        plan=parse(walk) if walk else None,
        at=AT,
    )


def compute_all(sweep: OpenSweep) -> None:
    sweeps.compute(sweep, indices=sweeps.missing(sweep.row))
    assert sweeps.finish(sweep.row, at=AT)


def test_every_point_is_what_a_run_of_its_own_gives(home: Path) -> None:
    sweep = ask()
    compute_all(sweep)
    found = sweep_results.results(sweep)
    assert len(found) == 6
    for item in found:
        single = backtests.run(request(parameters=item.parameters), at=AT).row
        assert single.trade_count == item.metrics[0]["trades"]
        assert single.total_return_ratio == pytest.approx(item.metrics[0]["total_return_ratio"], rel=1e-6)
        assert single.sharpe == pytest.approx(item.metrics[0]["sharpe"], rel=1e-6)


def test_the_best_is_the_best_by_the_objective_and_is_stored_in_full(home: Path) -> None:
    sweep = ask(objective="max_drawdown_ratio")
    compute_all(sweep)
    order = sweep_results.ranked(sweep_results.results(sweep), objective="max_drawdown_ratio")
    drawdowns = [item.metrics[0]["max_drawdown_ratio"] for item in order]
    assert drawdowns == sorted(drawdowns)
    outcome = sweep_results.best(sweep, objective="max_drawdown_ratio", at=AT, started_s=0.0)
    assert outcome.row.kind == Backtest.Kind.BEST
    assert outcome.row.sweep == sweep.row
    assert outcome.row.parameters["rsi_period"] == order[0].parameters["rsi_period"]
    assert outcome.row.max_drawdown_ratio == pytest.approx(drawdowns[0])
    assert outcome.report.sweep is not None
    assert len(outcome.report.sweep.points) == 6
    assert outcome.report.sweep.points[outcome.report.sweep.best or 0].values == tuple(
        order[0].parameters[name] for name in ("rsi_period", "rsi_below")
    )


def test_an_interrupted_sweep_goes_on_where_it_stopped(home: Path) -> None:
    sweep = ask()
    sweeps.compute(sweep, indices=[0, 4])
    assert not sweeps.finish(sweep.row, at=AT)
    before = dict(SweepPoint.objects.values_list("index", "pk"))

    again = ask()
    assert again.row == sweep.row
    assert sweeps.missing(again.row) == [1, 2, 3, 5]
    reopened = sweeps.reopen(sweep.row.pk)
    compute_all(reopened)
    assert dict(SweepPoint.objects.filter(index__in=[0, 4]).values_list("index", "pk")) == before
    assert Sweep.objects.get().status == Sweep.Status.DONE


def test_a_point_computed_twice_is_stored_once(home: Path) -> None:
    sweep = ask()
    for _ in range(2):
        sweeps.compute(sweep, indices=[1, 2])
    assert sweeps.done(sweep.row) == 2


@pytest.mark.parametrize(
    "other",
    [
        {"start_equity": 5_000.0},
        {"fee_ratio": 0.0002},
        {"until": START + timedelta(days=15)},
        {"walk": "5d:5d"},
    ],
)
def test_another_question_is_another_sweep(home: Path, other: dict[str, Any]) -> None:
    assert ask().row != ask(**other).row


def test_it_does_not_go_on_over_other_candles(home: Path) -> None:
    sweep = ask()
    store_bars(home, seed=9)
    with pytest.raises(ConfigurationError, match="cannot go on: the candles changed"):
        sweeps.reopen(sweep.row.pk)
    assert ask().row != sweep.row


def test_points_the_strategy_refuses_are_told_and_not_ranked(home: Path) -> None:
    """A pair whose planned costs lie below what its four fills cost."""
    store_bars(home, venue="kraken", seed=5)
    legs = request().legs
    pair = (*legs, replace(legs[0], venue="kraken"))
    sweep = ask("costs_bps=1,8", strategy="cross-venue-arbitrage", legs=pair, slippage_bps=0.5)
    compute_all(sweep)
    refused, ran = sweep_results.results(sweep)
    assert "costs_bps of 1" in refused.objection
    assert refused.metrics == ()
    assert ran.metrics[0]["trades"] > 0
    outcome = sweep_results.best(sweep, objective="total_return_ratio", at=AT, started_s=0.0)
    assert outcome.row.parameters["costs_bps"] == 8


def test_a_sweep_in_which_nothing_can_be_ranked_says_why(home: Path) -> None:
    sweep = ask("rsi_below=5,6")
    compute_all(sweep)
    with pytest.raises(
        InvalidValueError, match="none of the 2 combinations can be ranked: none made 5 trades"
    ):
        sweep_results.best(sweep, objective="sharpe", at=AT, started_s=0.0)


def test_what_cannot_be_swept_is_one_line(home: Path) -> None:
    with pytest.raises(InvalidValueError, match="objective 'luck' is unknown; give one of: sharpe"):
        ask(objective="luck")
    with pytest.raises(InvalidValueError, match="rsi_period must lie between 2 and 50"):
        ask("rsi_period=10:60:10")
    with pytest.raises(InvalidValueError, match="there is no sweep 77; the newest are: none"):
        sweeps.reopen(77)
    assert not Sweep.objects.exists()


@given(st.sets(st.integers(0, 300)), st.integers(1, 40))
def test_chunks_hold_every_missing_point_once_and_no_other(missing: set[int], size: int) -> None:
    parts = sweep_spread.chunks(sorted(missing), size=size)
    assert [index for first, last in parts for index in range(first, last)] == sorted(missing)
    assert all(last - first <= size for first, last in parts)


@given(st.integers(1, 100_000), st.floats(0, 60), st.integers(1, 64))
def test_messages_are_short_and_enough_for_every_worker(left: int, one_s: float, workers: int) -> None:
    size = sweep_spread.chunk_size(left, one_s=one_s, workers=workers)
    assert size >= 1
    assert (size - 1) * one_s <= sweep_spread.CHUNK_S
    assert -(-left // size) >= min(left, workers) or size * one_s <= sweep_spread.CHUNK_S / 10


def test_a_message_computes_what_is_missing_of_its_range_and_nothing_of_a_finished_sweep(home: Path) -> None:
    sweep = ask()
    sweeps.compute(sweep, indices=[2])
    sweep_spread.compute_chunk(sweep_id=sweep.row.pk, first=1, last=4)
    assert sweeps.missing(sweep.row) == [0, 4, 5]
    compute_all(sweep)
    SweepPoint.objects.filter(index=0).delete()
    sweep_spread.compute_chunk(sweep_id=sweep.row.pk, first=0, last=6)
    assert sweeps.missing(sweep.row) == [0]
    sweep_spread.compute_chunk(sweep_id=sweep.row.pk + 1, first=0, last=6)


def test_walk_forward_tries_what_was_best_before_on_what_follows(home: Path) -> None:
    sweep = ask(walk="5d:5d")
    compute_all(sweep)
    outcome = walk_forward.finish(sweep, objective="sharpe", at=AT, started_s=0.0)

    assert outcome.row.kind == Backtest.Kind.WALK_FORWARD
    assert "rsi_period" not in outcome.row.parameters
    walked = outcome.report.walk_forward
    assert walked is not None
    assert [fold.test_from_ms for fold in walked.folds] == [
        int((START + timedelta(days=day)).timestamp()) * 1000 for day in (5, 10, 15)
    ]
    found = sweep_results.results(sweep)
    for number, fold in enumerate(walked.folds):
        able = [item for item in found if item.metrics[number]["trades"] >= sweep_results.LEAST_TRADES]
        best = max(able, key=lambda item: item.metrics[number]["sharpe"])
        assert fold.parameters == best.parameters
        # The choice is what a run of its own over the choosing stretch would have shown.
        since, until = (START + timedelta(days=5 * day) for day in (number, number + 1))
        alone = backtests.run(request(parameters=best.parameters, since=since, until=until), at=AT).row
        assert fold.train.trades == alone.trade_count
        assert fold.train.sharpe == pytest.approx(alone.sharpe, rel=1e-6)


def test_the_tries_join_into_one_run_without_a_gap_or_a_gift(home: Path) -> None:
    sweep = ask(walk="5d:5d")
    compute_all(sweep)
    run = walk_forward.finish(sweep, objective="sharpe", at=AT, started_s=0.0).run
    assert run.time_ms.size == 15 * 288
    assert (run.time_ms[1:] - run.time_ms[:-1] == 300_000).all()
    assert run.equity[-1] == pytest.approx(10_000 + run.trades["pnl"].sum())
    assert (run.time_ms[run.trades["entry_bar"]] == run.trades["entry_time_ms"]).all()
    assert (run.time_ms[run.trades["exit_bar"]] == run.trades["exit_time_ms"]).all()
    for border in (5 * 288, 10 * 288):  # nothing is held from one window into the next
        held = (run.trades["entry_bar"] < border) & (run.trades["exit_bar"] >= border)
        assert not held.any()


def test_a_window_without_a_choice_trades_nothing(home: Path) -> None:
    sweep = ask("rsi_below=5,6", walk="5d:5d")
    compute_all(sweep)
    outcome = walk_forward.finish(sweep, objective="sharpe", at=AT, started_s=0.0)
    assert outcome.row.trade_count == 0
    assert (outcome.run.equity == 10_000).all()
