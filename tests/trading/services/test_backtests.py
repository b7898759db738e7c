"""A backtest end to end: what is asked, what is stored, and what is refused in one line."""

from dataclasses import replace
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from tests.factories import AT, Desk
from tests.trading.services.bench_desk import START, request, store_bars
from trading.backtest.metrics import quick
from trading.errors import ConfigurationError, InvalidValueError, TradingError
from trading.history import store
from trading.history.errors import MissingHistoryError
from trading.models import Backtest, Instrument
from trading.services import backtests, bench, history
from trading.services.bench import BacktestRequest, Leg

pytestmark = pytest.mark.django_db


@pytest.fixture
def home(tmp_path: Path, settings: Any) -> Path:
    settings.HOME = tmp_path
    return tmp_path


def test_a_run_is_stored_with_all_that_decided_it_and_reads_back_the_same(home: Path) -> None:
    bars = store_bars(home)
    outcome = backtests.run(request(parameters={"rsi_below": 45.0}), at=AT)

    row = Backtest.objects.get()
    assert row == outcome.row
    assert (row.strategy, row.instruments, row.timeframe) == ("mean-reversion", "binance BTC/USDT", "5m")
    assert (row.since, row.until) == (START, START + timedelta(days=20))
    assert row.parameters["rsi_below"] == 45
    assert row.parameters["band_period"] == 20
    assert row.settings["costs"][0]["taker_fee_ratio"] == 0.0001
    assert row.settings["costs"][0]["source"].startswith("--fee")
    assert row.trade_count == outcome.run.trades.size > 20
    np.testing.assert_array_equal(backtests.trades_of(row), outcome.run.trades)
    assert backtests.report_of(row).equity == outcome.report.equity
    figures = quick(outcome.run)
    assert row.total_return_ratio == pytest.approx(figures.total_return_ratio)
    assert row.sharpe == pytest.approx(figures.sharpe)
    assert row.max_drawdown_ratio == pytest.approx(figures.max_drawdown_ratio)
    assert row.metrics["total_return_ratio"] == pytest.approx(figures.total_return_ratio)
    assert len(bars) == outcome.run.time_ms.size


def test_the_same_question_gives_the_same_digests_and_numbers(home: Path) -> None:
    store_bars(home)
    one, two = (backtests.run(request(), at=AT).row for _ in range(2))
    assert (one.data_digest, one.skill_digest, one.metrics) == (
        two.data_digest,
        two.skill_digest,
        two.metrics,
    )
    store_bars(home, seed=2)
    assert backtests.run(request(), at=AT).row.data_digest != one.data_digest


def test_a_period_starts_warm_where_history_reaches_back(home: Path) -> None:
    """The trades from the tenth day on are those of a run over all days, except a position held over the border."""
    store_bars(home)
    border = START + timedelta(days=10)
    eager = {"rsi_below": 45.0}
    whole = backtests.run(request(parameters=eager), at=AT).run.trades
    later = backtests.run(request(parameters=eager, since=border), at=AT).run
    border_ms = int(border.timestamp()) * 1000
    assert later.time_ms[0] == border_ms
    # The first entry is said at the border bar's close at the earliest, so carried out one bar later.
    wanted = whole["entry_time_ms"][whole["entry_time_ms"] > border_ms]
    assert wanted.size > 10
    assert set(wanted[1:]) <= set(later.trades["entry_time_ms"])


def test_nothing_is_entered_before_the_warm_up_is_over(home: Path) -> None:
    store_bars(home)
    opened = bench.open_bench(request(parameters={"rsi_below": 50.0}))
    warmup = opened.strategy.warmup_bars(opened.values({}))
    (said,) = opened.signals({})
    assert not said.enter[:warmup].any()
    assert said.enter[warmup:].any()


def test_two_instruments_share_one_capital(home: Path) -> None:
    legs = (Leg(venue="binance", symbol="BTC/USDT"), Leg(venue="kraken", symbol="ETH/USDT"))
    store_bars(home)
    store_bars(home, venue="kraken", symbol="ETH/USDT", seed=5)
    run = backtests.run(request(legs=legs), at=AT).run
    assert set(run.trades["instrument"]) == {0, 1}
    assert run.equity[-1] == pytest.approx(10_000 + run.trades["pnl"].sum())


def test_a_pair_is_bought_on_one_venue_and_sold_on_the_other(home: Path) -> None:
    legs = (Leg(venue="binance", symbol="BTC/USDT"), Leg(venue="kraken", symbol="BTC/USDT"))
    store_bars(home)
    store_bars(home, venue="kraken", seed=5)
    asked = request(strategy="cross-venue-arbitrage", legs=legs, parameters={"costs_bps": 8.0})
    run = backtests.run(replace(asked, slippage_bps=0.5), at=AT).run
    assert run.trades.size > 0
    assert set(run.trades["side"]) == {1, -1}


def test_funding_reaches_the_strategy_as_known_and_the_sold_leg_as_paid(home: Path) -> None:
    """A rate every eight hours, and one hour's bars: paid at three of twenty-four opens, known at all closes from the first on."""
    legs = (Leg(venue="binance", symbol="BTC/USDT"), Leg(venue="binance", symbol="BTC/USDT:USDT"))
    for leg in legs:
        store_bars(home, symbol=leg.symbol, timeframe="1h", days=40)
    times = int(START.timestamp()) * 1000 + np.arange(120) * 8 * 3_600_000
    store.save_series(
        history.root(),
        kind="funding",
        venue="binance",
        symbol="BTC/USDT:USDT",
        time_ms=times,
        values=np.full(120, 0.001),
    )
    asked = request(strategy="funding-arbitrage", legs=legs, timeframe="1h", slippage_bps=0.0)
    bought, sold = bench.open_bench(asked).markets
    assert np.nanmax(bought.features["funding_ratio"]) == 0.001
    assert (
        sold.features["funding_paid_ratio"] > 0
    ).sum() == 119  # the first falls due before any bar was held
    run = backtests.run(asked, at=AT).run
    assert run.trades.size > 0
    short = run.trades[run.trades["side"] == -1]
    paid = short["pnl"] + short["entry_fee"] + short["exit_fee"]
    moved = short["size_base"] * (short["entry_price"] - short["exit_price"])
    held = (short["exit_time_ms"] - short["entry_time_ms"]) // (8 * 3_600_000)
    assert (paid - moved) / (short["size_base"] * 100 * 0.001) == pytest.approx(held, rel=0.25, abs=1.2), (
        "one payment each 8 h"
    )


def test_a_sold_perpetual_without_stored_funding_is_told(home: Path) -> None:
    legs = (Leg(venue="binance", symbol="BTC/USDT"), Leg(venue="binance", symbol="BTC/USDT:USDT"))
    store_bars(home)
    store_bars(home, symbol="BTC/USDT:USDT", seed=5)
    asked = request(strategy="cross-venue-arbitrage", legs=legs, parameters={"costs_bps": 8.0})
    notes = backtests.run(replace(asked, slippage_bps=0.5), at=AT).notes
    assert "no funding of binance BTC/USDT:USDT is stored, so none is counted" in notes


def test_the_desks_own_fees_and_steps_come_first(home: Path, desk: Desk) -> None:
    store_bars(home)
    known = Instrument.objects.get(venue__name="binance", symbol="BTC/USDT")
    opened = bench.open_bench(request(fee_ratio=None))
    terms, source = opened.costs[0].terms, opened.costs[0].source
    assert terms.taker_fee_ratio == float(known.taker_fee_ratio)
    assert terms.size_step == float(known.size_step)
    assert source == "the desk's instrument"
    given = bench.open_bench(request(fee_ratio=0.002)).costs[0]
    assert (given.terms.taker_fee_ratio, given.terms.size_step) == (0.002, terms.size_step)


def test_a_venue_the_desk_does_not_know_has_the_fees_that_ccxt_knows(home: Path) -> None:
    store_bars(home, venue="kraken")
    legs = (Leg(venue="kraken", symbol="BTC/USDT"),)
    for _ in range(2):  # read from ccxt, then from the home
        cost = bench.open_bench(request(legs=legs, fee_ratio=None)).costs[0]
        assert (cost.terms.maker_fee_ratio, cost.terms.taker_fee_ratio) == (0.0016, 0.0026)
        assert cost.source.startswith("ccxt 4.")
    assert [*(home / "history").glob("fees-ccxt-*.json")]


@pytest.mark.parametrize(
    ("asked", "error", "line"),
    [
        ({"strategy": "mean-reverson"}, TradingError, "did you mean mean-reversion"),
        ({"parameters": {"rsi_perod": 3.0}}, InvalidValueError, "did you mean rsi_period"),
        ({"parameters": {"rsi_period": 300.0}}, InvalidValueError, "between 2 and 50"),
        ({"profile": "wild"}, InvalidValueError, "balanced"),
        ({"start_equity": 0.0}, InvalidValueError, "positive"),
        ({"since": datetime(2030, 1, 1, tzinfo=UTC)}, MissingHistoryError, "reaches from 2022-01-01"),
        ({"until": START + timedelta(hours=3)}, InvalidValueError, "36 candles"),
        ({"legs": (Leg(venue="binance", symbol="BTCUSDT"),)}, MissingHistoryError, "BTC/USDT"),
        ({"strategy": "cross-venue-arbitrage"}, InvalidValueError, "give two instruments"),
        ({"strategy": "sentiment-momentum"}, MissingHistoryError, "candles import FILE --kind sentiment"),
        ({"strategy": "scalping"}, InvalidValueError, "scalping trades 1m, not 5m"),
        (
            {"timeframe": "2h"},
            InvalidValueError,
            "mean-reversion trades 5m, 1m, 3m, 15m, 30m, 1h, 4h, 1d, not 2h",
        ),
    ],
)
def test_what_cannot_be_run_is_one_line_and_stores_nothing(
    home: Path, asked: dict[str, Any], error: type[Exception], line: str
) -> None:
    store_bars(home)
    with pytest.raises(error) as caught:
        backtests.run(request(**asked), at=AT)
    assert line in str(caught.value)
    assert "\n" not in str(caught.value)
    assert not Backtest.objects.exists()


def test_a_strategy_that_cannot_earn_its_fees_is_one_line_and_stores_nothing(home: Path) -> None:
    store_bars(home, days=1, timeframe="1m")
    with pytest.raises(
        ConfigurationError, match=r"scalping does not run here: it cannot win at binance BTC/USDT"
    ):
        backtests.run(request(strategy="scalping", timeframe="1m", fee_ratio=0.01), at=AT)
    assert not Backtest.objects.exists()


@pytest.mark.parametrize(
    ("legs", "line"),
    [
        ((), "at least one instrument"),
        ((Leg(venue="a", symbol="X/Y"),) * 2, "twice"),
        ((Leg(venue="a", symbol="X/Y"), Leg(venue="a", symbol="X/Z")), "one quote asset, not Y and Z"),
    ],
)
def test_legs_that_cannot_share_a_capital_are_refused(legs: tuple[Leg, ...], line: str) -> None:
    with pytest.raises(InvalidValueError, match=line):
        request(legs=legs)


def test_a_venue_nobody_knows_needs_its_fees(home: Path) -> None:
    store_bars(home, venue="krakn")
    legs = (Leg(venue="krakn", symbol="BTC/USDT"),)
    with pytest.raises(ConfigurationError, match=r"did you mean kraken.* --fee"):
        bench.open_bench(request(legs=legs, fee_ratio=None))
    assert bench.open_bench(request(legs=legs)).costs[0].terms.taker_fee_ratio == 0.0001


def test_a_request_survives_its_stored_form() -> None:
    asked = request(since=START, legs=(Leg(venue="a", symbol="X/Y:Y"),), parameters={"x": 1.5})
    assert BacktestRequest.from_json(asked.as_json()) == asked


def test_runs_are_found_in_the_order_asked_for(home: Path) -> None:
    store_bars(home)
    first, second = (backtests.run(request(), at=AT).row for _ in range(2))
    assert backtests.find([second.pk, first.pk]) == [second, first]
    assert [row.pk for row in backtests.newest(1)] == [second.pk]
    assert backtests.newest(5, strategy="scalping") == []
    with pytest.raises(
        InvalidValueError, match=f"there is no stored backtest 999; the newest are: {second.pk}"
    ):
        backtests.find([first.pk, 999])
