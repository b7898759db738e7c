"""Each doubt is raised where it should be, in words with the numbers, and an ordinary run raises none."""

from dataclasses import replace
from typing import Any

import numpy as np
import pytest

from tests.trading.backtest.runs import Deal, bars, run, terms
from trading.backtest.layout import REASONS
from trading.backtest.report.refusals import in_words
from trading.backtest.report.review import review
from trading.backtest.report.values import Figures, Flag, Level, Sweep, SweepPoint, WalkForward
from trading.types.research import BacktestRun, Bars, ExitKind, Signals

NONE = Figures(
    trades=1,
    total_return_ratio=None,
    sharpe=None,
    max_drawdown_ratio=None,
    profit_factor=None,
    win_rate_ratio=None,
)


def ordinary() -> tuple[Bars, BacktestRun]:
    """Half a year and sixty trades, 38 winners and 22 losers of about 1 %, spread evenly."""
    closes, deals = [100.0] * 4320, []
    for number in range(60):
        entry = number * 72 + 3
        change = 1.0 + number % 5 / 10 if number % 30 < 19 else -1.1
        closes[entry + 5] = 100.0 + change
        deals.append(Deal(entry, entry + 5, size=5, fee=0.0001))
    market = bars(closes)
    return market, run([market], deals)


def flagged(result: BacktestRun, market: Bars, **options: Any) -> dict[str, Flag]:
    return {flag.key: flag for flag in review(result, markets=[market], paths=0, **options).flags}


def test_an_ordinary_run_raises_no_doubt() -> None:
    market, result = ordinary()
    assert flagged(result, market) == {}


def test_few_trades_are_named_with_their_p_value() -> None:
    market = bars([100.0, 101.0, 100.0, 103.0] * 200)
    flag = flagged(run([market], [Deal(0, 1), Deal(2, 3)]), market)["too_few_trades"]
    assert flag.numbers["trades"] == 2
    assert "p-value" in flag.words


def test_no_trade_says_who_refused() -> None:
    market = bars([100.0] * 800)
    flag = flagged(run([market], refusals={"min_notional": 7, "balance": 2}), market)["no_trades"]
    assert flag.level is Level.FATAL
    assert "below the venue's least value" in flag.words
    assert "9 entries" in flag.words
    assert "never asked" in flagged(run([market]), market)["no_trades"].words


def test_stops_inside_bars_are_counted() -> None:
    market = bars([100.0, 100.1] * 400, range_ratio=0.004)
    deals = [Deal(2 * i, 2 * i, stop_ratio=0.01, kind=ExitKind.STOP, both_hit=i < 3) for i in range(40)]
    flag = flagged(run([market], deals), market)["tight_stops"]
    assert flag.level is Level.WARNING
    assert (flag.numbers["entry_bar_exits"], flag.numbers["both_hit_exits"]) == (40, 3)
    assert flag.numbers["median_bar_range_ratio"] == pytest.approx(0.004)
    assert "2.5 ×" in flag.words
    tighter = [replace(deal, stop_ratio=0.002) for deal in deals]
    assert flagged(run([market], tighter), market)["tight_stops"].level is Level.FATAL
    wide = [replace(deal, stop_ratio=0.02) for deal in deals]
    assert "tight_stops" not in flagged(run([market], wide), market)


def test_a_tight_trailing_distance_counts_as_a_tight_stop() -> None:
    market = bars([100.0, 100.1] * 400, range_ratio=0.004)
    one = np.array([np.nan])
    signals = Signals(
        enter=np.zeros(800, bool),
        exit=np.zeros(800, bool),
        stop_ratio=np.array([0.05]),
        target_ratio=one,
        trailing_ratio=np.array([0.003]),
        confidence_ratio=np.array([0.6]),
    )
    found = flagged(run([market], [Deal(0, 9, stop_ratio=0.05)]), market, signals=[signals])
    assert found["tight_stops"].numbers["median_stop_ratio"] == pytest.approx(0.003)


def test_returns_no_market_gives_are_flagged() -> None:
    market = bars([100 * 1.001**hour * (1 - 0.004 * (hour % 50 == 7)) for hour in range(1000)])
    deals = [Deal(10 * i, 10 * i + 9, size=100) for i in range(99)]
    found = flagged(run([market], deals), market)
    assert found["absurd_cagr"].level is Level.FATAL
    assert found["absurd_sharpe"].level is Level.FATAL
    assert found["win_rate"].numbers["trades"] == 99
    assert next(iter(found.values())).level is Level.FATAL


def test_equity_that_never_falls_is_flagged() -> None:
    market = bars([100.0 + hour for hour in range(800)])
    assert flagged(run([market], [Deal(0, 5), Deal(7, 9)]), market)["no_drawdown"].level is Level.FATAL


def test_profit_of_one_trade_one_day_or_open_positions() -> None:
    market, result = ordinary()
    closes = market.close.copy()
    closes[-1] = 300.0
    lucky = bars(closes)
    deals = [Deal(number * 72 + 3, number * 72 + 8, size=5) for number in range(60)]
    found = flagged(run([lucky], [*deals, Deal(4310, 4319, size=5, kind=ExitKind.END)]), lucky)
    assert {"one_trade", "one_day", "open_profit"} <= found.keys()
    assert found["one_trade"].numbers["largest_quote"] == pytest.approx(1000)
    losing = flagged(run([bars([100.0, 99.0] * 20)], [Deal(0, 1), Deal(2, 3)]), bars([100.0, 99.0] * 20))
    assert "one_trade" not in losing


def test_the_best_of_many_needs_candles_it_has_not_seen() -> None:
    market, result = ordinary()
    points = tuple(SweepPoint(values=(float(i),), score=None, figures=NONE) for i in range(400))
    sweep = Sweep(names=("period",), objective="sharpe", points=points)
    found = flagged(result, market, sweep=sweep)
    assert "400 combinations" in found["in_sample"].words
    assert found["not_significant"].numbers["combinations"] == 400
    assert "in_sample" not in flagged(
        result, market, sweep=sweep, walk_forward=WalkForward(objective="sharpe", folds=())
    )


def test_a_mean_trade_that_may_be_zero_is_called_chance() -> None:
    closes = [100.0]
    for number in range(200):
        closes += [100.0, 103.0 if number % 2 else 97.05] * 2
    market = bars(closes)
    deals = [Deal(2 * i + 1, 2 * i + 2) for i in range(400)]
    flag = flagged(run([market], deals), market)["not_significant"]
    assert flag.numbers["p_value"] == pytest.approx(flag.numbers["corrected_p_value"])


@pytest.mark.parametrize(("hours", "level"), [(24, Level.NOTE), (240, Level.WARNING)])
def test_gaps_are_told_with_their_share(hours: int, level: Level) -> None:
    market, _ = ordinary()
    times = market.open_time_ms.copy()
    times[700:] += hours * 3_600_000
    gapped = replace(market, open_time_ms=times)
    flag = flagged(run([gapped]), gapped)["gaps"]
    assert (flag.level, flag.numbers["missing_bars"]) == (level, hours)


def test_free_trading_and_exact_fills_are_flagged() -> None:
    market, result = ordinary()
    found = flagged(replace(result, terms=(terms(fee=0.0, slippage_bps=0.0),)), market)
    assert (found["no_fees"].level, found["no_slippage"].level) == (Level.WARNING, Level.NOTE)


def test_orders_larger_than_the_market_are_flagged() -> None:
    market, result = ordinary()
    thin = replace(market, volume_base=np.full(len(market), 20.0))
    assert flagged(result, thin)["thin_market"].numbers["large_entries"] == 60


def test_a_wiped_out_account_is_flagged() -> None:
    market = bars([100.0, 20.0] * 400)
    found = flagged(run([market], [Deal(0, 1, size=200)]), market)
    assert found["ruined"].level is Level.FATAL


def test_a_short_span_is_flagged() -> None:
    market = bars([100.0] * 48)
    assert "182 times" in flagged(run([market]), market)["short_span"].words


def test_many_refusals_are_noted() -> None:
    market, result = ordinary()
    flag = flagged(replace(result, refusals={"balance": 90, "something_new": 10}), market)["many_refused"]
    assert "not enough free cash (90), something new (10)" in flag.words


def test_every_reason_of_the_kernels_has_words() -> None:
    assert all(
        in_words(reason) != reason.replace("_", " ") or reason == "risk_per_trade" for reason in REASONS
    )
