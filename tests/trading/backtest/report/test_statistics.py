"""Every figure against a formula written the plain way, and what must hold for any run."""

import json
import math
import statistics as plain
from collections.abc import Iterator
from dataclasses import replace
from datetime import UTC, datetime
from typing import Any

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from tests.trading.backtest.runs import MONDAY_MS, START, Deal, bars, run
from trading.backtest.report import document
from trading.backtest.report.statistics import describe
from trading.backtest.report.values import Report, Unit
from trading.errors import InvalidValueError
from trading.types.research import BacktestRun, Bars, ExitKind

DAY_MS = 86_400_000


@st.composite
def worlds(draw: st.DrawFn) -> tuple[Bars, list[Deal]]:
    """A few days of hourly closes, and trades after one another or side by side."""
    steps = draw(st.lists(st.floats(-0.03, 0.03), min_size=2, max_size=120))
    market = bars(100 * np.exp(np.cumsum(steps)))
    deals = []
    for _ in range(draw(st.integers(0, 12))):
        entry = draw(st.integers(0, len(market) - 1))
        exit_ = draw(st.integers(entry, len(market) - 1))
        kind = draw(st.sampled_from(list(ExitKind)))
        size = draw(st.floats(0.01, 20))
        deals.append(Deal(entry, exit_, size=size, kind=kind, fee=draw(st.sampled_from([0.0, 0.001]))))
    return market, deals


def described(market: Bars, deals: list[Deal], **options: Any) -> Report:
    return describe(run([market], deals, **options), markets=[market])


def walk(value: Any) -> Iterator[Any]:
    if isinstance(value, dict):
        value = list(value.values())
    if isinstance(value, list | tuple):
        for inner in value:
            yield from walk(inner)
    else:
        yield value


def daily_equity(result: BacktestRun) -> list[float]:
    last: dict[int, float] = {}
    for at, equity in zip(result.time_ms.tolist(), result.equity.tolist(), strict=True):
        last[at // DAY_MS] = equity
    kept, out = 0.0, []
    for day in range(min(last), max(last) + 1):
        kept = last.get(day, kept)
        out.append(kept)
    return out


def close_to(actual: float | None, expected: float | None) -> bool:
    if actual is None or expected is None:
        return actual is None and expected is None
    return math.isclose(actual, expected, rel_tol=1e-9, abs_tol=1e-12)


@given(worlds())
@settings(max_examples=25, deadline=None)
def test_figures_equal_their_definitions(world: tuple[Bars, list[Deal]]) -> None:
    market, deals = world
    result = run([market], deals)
    report = describe(result, markets=[market])
    pnl = result.trades["pnl"].tolist()
    wins, losses = [value for value in pnl if value > 0], [value for value in pnl if value < 0]
    days = daily_equity(result)
    returns = [now / before - 1 for now, before in zip(days, [START, *days], strict=False)]
    spread = plain.stdev(returns) if len(returns) > 1 else 0.0
    below = math.sqrt(sum(min(value, 0) ** 2 for value in returns) / len(returns))
    peak, deepest = START, 0.0
    for equity in result.equity.tolist():
        peak = max(peak, equity)
        deepest = max(deepest, 1 - equity / peak)
    final, years = result.equity[-1], len(market) / 24 / 365

    expected = {
        "total_return_ratio": final / START - 1,
        "cagr_ratio": (final / START) ** (1 / years) - 1,
        "max_drawdown_ratio": deepest,
        "trades": len(pnl),
        "profit_factor": sum(wins) / -sum(losses) if losses else None,
        "win_rate_ratio": len(wins) / len(pnl) if pnl else None,
        "expectancy_quote": sum(pnl) / len(pnl) if pnl else None,
        "fees_quote": float((result.trades["entry_fee"] + result.trades["exit_fee"]).sum()),
        "days_won": sum(now > before for now, before in zip(days, [START, *days], strict=False)),
        "best_day_ratio": max(returns),
        "benchmark_return_ratio": market.close[-1] / (market.close[0] * 1.0001 * 1.001) - 1,
    }
    for key, value in expected.items():
        assert close_to(report.number(key), value), key
    if spread > 1e-9:
        assert report.number("sharpe") == pytest.approx(
            plain.mean(returns) / spread * math.sqrt(365), rel=1e-6
        )
    if below > 1e-9 and len(returns) > 1:
        assert report.number("sortino") == pytest.approx(
            plain.mean(returns) / below * math.sqrt(365), rel=1e-6
        )


@given(worlds())
@settings(max_examples=25, deadline=None)
def test_json_holds_no_number_that_is_none(world: tuple[Bars, list[Deal]]) -> None:
    market, deals = world
    report = described(market, deals)
    for value in (*walk(document.as_json(report)), *walk(document.dump(report))):
        assert value is None or isinstance(value, str | bool | int) or math.isfinite(value)
    told = json.loads(json.dumps(document.as_json(report), allow_nan=False))
    assert len(told["trades"]) == len(deals)
    assert document.load(json.loads(json.dumps(document.dump(report), allow_nan=False))) == report


@given(worlds(), st.floats(0.01, 1000))
@settings(max_examples=25, deadline=None)
def test_money_scales_and_ratios_do_not(world: tuple[Bars, list[Deal]], factor: float) -> None:
    market, deals = world
    small = described(market, deals)
    large = described(
        market, [replace(deal, size=deal.size * factor) for deal in deals], start=START * factor
    )
    for one, other in zip(small.rows, large.rows, strict=True):
        scale = factor if one.unit is Unit.QUOTE else 1.0
        for before, after in ((one.value, other.value), (one.freqtrade, other.freqtrade)):
            if isinstance(before, float) and isinstance(after, float):
                # Draws are decided by rounding; figures near zero too.
                assert after == pytest.approx(before * scale, rel=1e-5, abs=1e-5 * scale), one.key


@given(worlds())
@settings(max_examples=25, deadline=None)
def test_tables_add_up_to_the_whole(world: tuple[Bars, list[Deal]]) -> None:
    market, deals = world
    report = described(market, deals)
    profit = sum(trade.pnl for trade in report.trades)
    for table in (report.instruments, report.exits, report.days, report.weeks, report.months):
        assert sum(line.trades for line in table) == len(deals)
        assert sum(line.profit_quote for line in table) == pytest.approx(profit, abs=1e-6)
        assert all(line.wins + line.draws + line.losses == line.trades for line in table)
    total = math.prod(1 + year.total_ratio for year in report.monthly) - 1
    assert total == pytest.approx(report.number("total_return_ratio"), abs=1e-9)


def test_a_run_without_trades_gives_reasons_not_numbers() -> None:
    report = described(bars([100.0] * 48), [])
    for row in report.rows:
        assert row.value is not None or row.reason, row.key
    for key in (
        "sharpe",
        "sortino",
        "calmar",
        "profit_factor",
        "win_rate_ratio",
        "p_value",
        "avg_duration_s",
    ):
        assert report.value(key) is None
    assert report.value("trades") == 0
    assert report.value("max_drawdown_ratio") == 0
    assert report.drawdowns == ()
    assert report.exits == ()


def test_a_run_without_bars_is_described_too() -> None:
    market = bars([])
    report = describe(run([market]), markets=[market])
    assert report.value("final_equity_quote") == START
    assert report.value("from") is None
    assert all(row.value is not None or row.reason for row in report.rows)
    json.dumps(document.as_json(report), allow_nan=False)


def test_one_winning_trade_has_no_profit_factor_and_no_p_value() -> None:
    report = described(bars([100.0, 101.0, 102.0]), [Deal(0, 2)])
    assert report.value("win_rate_ratio") == 1
    assert report.value("profit_factor") is None
    assert next(row.reason for row in report.rows if row.key == "profit_factor") == "no trade lost"
    assert report.value("p_value") is None
    # freqtrade writes 100 and 0 in these places.
    rows = {row.key: row for row in report.rows}
    assert rows["expectancy_ratio"].freqtrade == 100
    assert rows["profit_factor"].freqtrade == 0


def test_a_wiped_out_account_has_no_returns() -> None:
    market = bars([100.0, 90.0, 40.0, 50.0] * 12)
    report = described(market, [Deal(0, 2, size=300)])
    assert report.number("min_equity_quote") == START - 60 * 300
    for key in ("sharpe", "sortino", "volatility_ratio", "cagr_ratio", "calmar"):
        assert report.value(key) is None, key
    assert report.monthly == ()
    json.dumps(document.as_json(report), allow_nan=False)


def test_growth_beyond_all_numbers_is_not_told() -> None:
    report = described(bars([1.0, 1e6], timeframe="1m"), [Deal(0, 1, size=10_000)])
    assert report.value("cagr_ratio") is None
    assert report.value("total_return_ratio") == pytest.approx(1e6 - 1)


def test_freqtrades_figures_are_made_of_closed_trades() -> None:
    # Profits of 100, -50, 150 and -30 on 10,000; four exits on four days; six days of hourly candles.
    closes = np.full(144, 100.0)
    for entry, exit_, change in ((0, 10, 1.0), (20, 30, -0.5), (40, 55, 1.5), (60, 80, -0.3)):
        closes[exit_:] = closes[exit_ - 1] + change
        closes[entry] = closes[exit_ - 1]
    report = described(
        bars(closes), [Deal(0, 10, 100), Deal(20, 30, 100), Deal(40, 55, 100), Deal(60, 80, 100)]
    )
    theirs = {row.key: row.freqtrade for row in report.rows}
    parts, days = [0.01, -0.005, 0.015, -0.003], 5
    assert theirs["sharpe"] == pytest.approx(sum(parts) / days / plain.pstdev(parts) * math.sqrt(365))
    assert theirs["sortino"] == pytest.approx(sum(parts) / days / plain.pstdev(parts[1::2]) * math.sqrt(365))
    assert theirs["drawdown_quote"] == pytest.approx(50)
    assert theirs["drawdown_account_ratio"] == pytest.approx(50 / 10_100)
    assert theirs["calmar"] == pytest.approx(sum(parts) / days * 100 / (50 / 10_100) * math.sqrt(365))
    assert theirs["sqn"] == pytest.approx(2 * plain.mean(parts) / plain.stdev(parts), abs=1e-4)
    assert theirs["cagr_ratio"] == pytest.approx(1.017 ** (365 / days) - 1)
    assert (theirs["days_won"], theirs["days_drawn"], theirs["days_lost"]) == (2, 0, 2)
    assert (theirs["min_equity_quote"], theirs["max_equity_quote"]) == pytest.approx((10_050, 10_200))


def test_quality_is_measured_in_multiples_of_the_risk() -> None:
    report = described(
        bars([100.0, 104.0, 102.0, 105.0]), [Deal(0, 1, stop_ratio=0.02), Deal(2, 3, size=7, stop_ratio=0.01)]
    )
    multiples = [4 / 2, 3 / 1.02]
    assert report.number("sqn") == pytest.approx(
        math.sqrt(2) * plain.mean(multiples) / plain.stdev(multiples)
    )


def test_a_pair_counts_as_one_trade() -> None:
    markets = [bars([100.0, 110.0, 120.0]), bars([100.0, 105.0, 108.0], symbol="ETH/USDT")]
    legs = [Deal(0, 2, side=1, instrument=0), Deal(0, 2, side=-1, instrument=1)]
    report = describe(run(markets, legs), markets=markets)
    assert report.value("trades") == 1
    assert report.value("wins") == 1
    assert report.value("best_trade_return_ratio") == pytest.approx((20 - 8) / 200)
    assert (report.value("long_trades"), report.value("short_trades")) == (1, 1)
    assert report.value("short_profit_quote") == pytest.approx(-8)
    assert [line.name for line in report.instruments] == ["BTC/USDT / ETH/USDT"]
    assert len(report.trades) == 2


def test_a_day_without_bars_keeps_its_equity() -> None:
    whole = bars([100.0] * 24 + [101.0] * 24 + [102.0] * 24)
    kept = np.r_[0:24, 48:72]
    market = replace(whole.part(0, 48), open_time_ms=whole.open_time_ms[kept], close=whole.close[kept])
    report = described(market, [Deal(0, 47)])
    assert report.value("days_drawn") == 2
    assert report.value("days_won") == 1
    assert report.datasets[0].missing_bars == 24


def test_benchmark_waits_in_cash_for_an_instrument_that_begins_later() -> None:
    early = bars([100.0, 100.0, 110.0])
    late = bars([50.0, 100.0], symbol="ETH/USDT")
    late = replace(late, open_time_ms=early.open_time_ms[1:])
    result = replace(
        run([early]), terms=(run([early]).terms[0], replace(run([late]).terms[0], symbol="ETH/USDT"))
    )
    report = describe(result, markets=[early, late])
    costs = 1.0001 * 1.001
    assert report.benchmark.values[0] == pytest.approx(START / 2 / costs + START / 2)
    assert report.number("benchmark_return_ratio") == pytest.approx((1.1 + 2) / 2 / costs - 1)
    assert report.number("market_change_ratio") == pytest.approx((0.1 + 1) / 2)


def test_json_keys_carry_units_and_times_are_iso() -> None:
    report = described(bars([100.0, 101.0, 99.0, 103.0]), [Deal(0, 1), Deal(2, 3, kind=ExitKind.TARGET)])
    told = document.as_json(report)
    assert {"sharpe", "max_drawdown_ratio", "profit_factor", "win_rate_ratio", "total_return_ratio"} <= told[
        "metrics"
    ].keys()
    assert {
        "final_equity_quote",
        "avg_duration_s",
        "sharpe_freqtrade",
        "max_drawdown_ratio_freqtrade",
    } <= told["metrics"].keys()
    for row in report.rows:
        endings = {Unit.RATIO: "_ratio", Unit.QUOTE: "_quote", Unit.SECONDS: "_s"}
        assert row.key.endswith(endings.get(row.unit, "")), row.key
    first, second = told["trades"]
    assert first["entry_at"] == datetime.fromtimestamp(MONDAY_MS / 1000, UTC).isoformat()
    assert (first["instrument"], first["side"], second["exit_reason"]) == ("BTC/USDT", "long", "target")


def test_every_row_has_a_definition_and_its_own_key() -> None:
    report = described(bars([100.0, 101.0]), [])
    keys = [row.key for row in report.rows]
    assert len(set(keys)) == len(keys)
    assert all(row.definition and row.label for row in report.rows)


def test_markets_of_another_run_are_refused() -> None:
    with pytest.raises(InvalidValueError, match="the run's own"):
        describe(run([bars([1.0])]), markets=[bars([1.0], symbol="XRP/USDT")])
