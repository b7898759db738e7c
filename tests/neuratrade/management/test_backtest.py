"""`neuratrade backtest`: one command from candles to a report, clean JSON on stdout, one line for whatever is wrong."""

import io
import json
import sys
from pathlib import Path
from typing import Any

import pytest
from django.core.management import CommandError, call_command

from tests.trading.services.bench_desk import store_bars
from trading.errors import ConfigurationError, TradingError
from trading.models import Backtest, Sweep, SweepPoint
from trading.services import comparing

pytestmark = pytest.mark.django_db

MARKET = ("--venue", "binance", "--instrument", "BTC/USDT", "--timeframe", "5m", "--fee", "0.0001")


@pytest.fixture
def home(tmp_path: Path, settings: Any) -> Path:
    settings.HOME = tmp_path
    store_bars(tmp_path)
    return tmp_path


def backtest(*arguments: str) -> str:
    out = io.StringIO()
    call_command("backtest", *arguments, stdout=out, skip_checks=True)
    return out.getvalue()


def plain(*arguments: str) -> Any:
    return json.loads(backtest(*arguments, "--json"))


def test_one_backtest_prints_its_report_and_says_where_it_is_kept(home: Path) -> None:
    text = backtest("mean-reversion", *MARKET)
    row = Backtest.objects.get()
    assert "mean-reversion on BTC/USDT" in text
    assert f"stored as backtest {row.pk}" in text
    assert "note: no sentiment is known here" in text


def test_json_holds_metrics_and_trades_and_nothing_that_json_cannot(home: Path) -> None:
    found = plain("mean-reversion", *MARKET)
    assert {"metrics", "trades"} <= set(found)
    assert -1 < found["metrics"]["total_return_ratio"] < 10
    assert 0 <= found["metrics"]["max_drawdown_ratio"] <= 1
    assert 0 <= found["metrics"]["win_rate_ratio"] <= 1
    assert {"sharpe", "profit_factor"} <= set(found["metrics"])
    assert len(found["trades"]) == Backtest.objects.get().trade_count > 20
    assert found["trades"][0]["instrument"] == "BTC/USDT"


def test_a_parameter_changes_the_result_and_its_fixed_value_is_no_sweep(home: Path) -> None:
    usual, other = (
        plain("mean-reversion", *MARKET, *more)["metrics"]["trades"]
        for more in ((), ("--param", "rsi_below=20"))
    )
    assert other < usual
    assert not Sweep.objects.exists()


def test_a_sweep_lists_all_its_points_best_first(home: Path) -> None:
    found = plain("mean-reversion", *MARKET, "--param", "rsi_period=10:20:5", "--param", "rsi_below=35,40")
    scores = [point["metrics"]["sharpe"] for point in found["sweep"]["points"]]
    assert len(scores) == found["sweep"]["trials"] == 6
    assert scores == sorted(scores, reverse=True)
    assert found["metrics"]["sharpe"] == pytest.approx(scores[0], rel=1e-6)
    text = backtest("mean-reversion", *MARKET, "--param", "rsi_period=10:20:5", "--param", "rsi_below=35,40")
    assert "6 combinations, 6 ranked by sharpe" in text
    assert "best of 6 combinations" in " ".join(text.split())
    assert Sweep.objects.count() == 1
    assert SweepPoint.objects.count() == 6


def test_an_interrupted_sweep_is_resumed_by_its_number(home: Path) -> None:
    backtest("mean-reversion", *MARKET, "--param", "rsi_below=35,40")
    sweep = Sweep.objects.get()
    SweepPoint.objects.filter(index=1).delete()
    Sweep.objects.update(status=Sweep.Status.OPEN)
    assert "2 combinations" in backtest("--resume", str(sweep.pk))
    assert SweepPoint.objects.count() == 2


def test_walk_forward_and_the_page(home: Path, tmp_path: Path) -> None:
    page = tmp_path / "report.html"
    found = plain(
        *("mean-reversion", *MARKET, "--param", "rsi_below=30,40"),
        *("--walk-forward", "5d:5d", "--html", str(page)),
    )
    assert len(found["walk_forward"]) == 3
    assert page.read_text(encoding="utf-8").lstrip().lower().startswith("<!doctype html>")


@pytest.mark.parametrize("check", ["lookahead", "recursive"])
def test_an_honest_strategy_passes_the_checks(home: Path, check: str) -> None:
    assert "clean" in backtest("mean-reversion", *MARKET, "--check", check)
    (found,) = plain("mean-reversion", *MARKET, "--check", check)
    assert found["is_clean"]
    assert not Backtest.objects.exists()


def test_stored_runs_are_listed_shown_and_compared(home: Path) -> None:
    assert "no backtest was run yet" in backtest("--list")
    backtest("mean-reversion", *MARKET)
    backtest("mean-reversion", *MARKET, "--param", "rsi_below=40")
    second, first = Backtest.objects.all()
    listed = backtest("--list")
    assert [int(line.split()[0]) for line in listed.splitlines()[1:]] == [second.pk, first.pk]
    assert [run["id"] for run in plain("--list")] == [second.pk, first.pk]
    compared = [line.split() for line in backtest("--compare", str(first.pk), str(second.pk)).splitlines()]
    assert ["rsi", "below", "32", "40"] in compared
    assert ["Trades", str(first.trade_count), str(second.trade_count)] in compared
    assert not any("strategy" in line and "version" in line for line in compared)
    assert "mean-reversion on BTC/USDT" in backtest("--show", str(first.pk))
    shown = plain("--show", str(first.pk))
    assert len(shown["trades"]) == first.trade_count
    assert shown["metrics"] == first.metrics


def test_without_a_strategy_it_lists_them_with_a_line_each() -> None:
    names = [play["name"] for play in plain()]
    text = backtest()
    assert {"mean-reversion", "scalping", "funding-arbitrage"} <= set(names)
    assert all(name in text for name in names)


@pytest.mark.parametrize(
    ("arguments", "line"),
    [
        (("mean-reversion",), "give at least one instrument"),
        (("mean-reversion", "--instrument", "BTC/USDT"), "--instrument binance:BTC/USDT"),
        (("mean-reversion", *MARKET, "--timeframe", "7m"), "'7m' is unknown; give one of: 1m"),
        (("scalping", *MARKET), "scalping trades 1m, not 5m"),
        (("mean-reversion", *MARKET, "--from", "2022-13-01"), "is no date"),
        (("mean-reversion", *MARKET, "--from", "2022-02-01", "--to", "2022-01-01"), "is empty"),
        (("mean-reversion", *MARKET, "--from", "2022-06-01"), "reaches from 2022-01-01"),
        (("mean-reversion", *MARKET, "--param", "rsi_period=1:2:0"), "step must be above zero"),
        (("mean-reversion", *MARKET, "--param", "rsi_below=99"), "between 5 and 50"),
        (("mean-reversion", *MARKET, "--workers", "0"), "--workers must lie between 1 and 64"),
        (("mean-reversion", *MARKET, "--walk-forward", "5"), "write 30d:7d"),
        (("mean-reversion", *MARKET, "--html", "/nowhere/report.html"), "folder that is there"),
        (("mean-reversion", *MARKET, "--html", "/proc/report.html"), "/proc/report.html cannot be written"),
        (
            ("mean-reversion", *MARKET, "--fee", "5"),
            "argument --fee: '5' is no fee; give a number from -0.01 to 0.1",
        ),
        (
            ("mean-reversion", *MARKET, "--equity", "0"),
            "--equity: '0' is no amount to start with; give a number above 0",
        ),
        (("mean-reversion", *MARKET, "--equity", "nan"), "--equity: 'nan' is no amount to start with"),
        (("mean-reversion", *MARKET, "--equity", "inf"), "--equity: 'inf' is no amount to start with"),
        (("mean-reversion", *MARKET, "--slippage-bps", "-1"), "--slippage-bps: '-1' is no slippage"),
        (("mean-reversion", *MARKET, "--check", "lookahead", "--param", "rsi_below=20,30"), "one value"),
        (("--list", "--show", "3"), "give one of --list"),
        (("--list", "--vectorbt"), "--vectorbt goes with a run"),
        (("--show", "3"), "there is no stored backtest 3; the newest are: none"),
        (("--resume", "3"), "there is no sweep 3"),
    ],
)
def test_whatever_is_wrong_is_one_line_and_stores_nothing(
    home: Path, arguments: tuple[str, ...], line: str
) -> None:
    with pytest.raises((CommandError, TradingError)) as caught:
        backtest(*arguments)
    assert line in str(caught.value)
    assert "\n" not in str(caught.value)
    assert not Backtest.objects.exists()
    assert not Sweep.objects.exists()


def test_a_perpetual_is_no_venue_and_another_venue_is_named_before_the_symbol() -> None:
    from neuratrade.management.commands.backtest import _leg

    assert str(_leg("BTC/USDT:USDT", venue="binance")) == "binance BTC/USDT:USDT"
    assert str(_leg("kraken:BTC/USDT", venue="binance")) == "kraken BTC/USDT"
    assert str(_leg("kraken:BTC/USDT:USDT", venue="")) == "kraken BTC/USDT:USDT"


def test_vectorbt_is_asked_for_before_the_run_where_it_is_not_installed(
    home: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setitem(sys.modules, "vectorbt", None)
    with pytest.raises(ConfigurationError, match=r"run ./install.sh --research to add it$"):
        backtest("mean-reversion", *MARKET, "--vectorbt")
    assert not Backtest.objects.exists()


def test_vectorbt_accounts_for_the_same_fills(home: Path, tmp_path: Path) -> None:
    pytest.importorskip("vectorbt", reason="vectorbt is not installed (./install.sh --research)")
    store_bars(home, symbol="ETH/USDT", seed=2)
    both = ("mean-reversion", *MARKET, "--instrument", "ETH/USDT", "--vectorbt")
    page = tmp_path / "report.html"
    text = backtest(*both, "--html", str(page))
    assert "vectorbt agrees: final equity, curve, fees, trades, drawdown to 1e-9" in text
    assert "A second opinion" in page.read_text(encoding="utf-8")
    found = plain(*both)
    theirs, ours = found["vectorbt"]["stats"], found["metrics"]
    assert found["vectorbt"]["agrees"]
    assert theirs["trades"] == ours["trades"] > 20
    for key in ("final_equity_quote", "total_return_ratio", "market_change_ratio", "fees_quote"):
        assert theirs[key] == pytest.approx(ours[key], rel=1e-9)
    assert "sharpe" in found["vectorbt"]["differs"]


def test_a_flag_of_several_instruments_is_listed_once() -> None:
    row = Backtest(flags=[{"key": key} for key in ("one_trade", "tight_stops", "tight_stops")])
    assert comparing.flags_of(row) == "one_trade, tight_stops"
