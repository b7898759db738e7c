"""A rehearsal minds its own home, passes over what is quiet, and plays in a process of its own for the operator."""

import json
from io import StringIO

import numpy as np
import pytest
from django.core.management import CommandError, call_command

from tests.factories import Desk
from tests.trading.services import tape
from tests.trading.services.test_drift import restless
from trading.errors import ConfigurationError, InvalidValueError
from trading.history import store
from trading.history.errors import MissingHistoryError
from trading.models import Account, Order
from trading.services import history, rehearsal
from trading.services.rehearsal_job import price_tick
from trading.types.research import Bars, Signals

pytestmark = pytest.mark.django_db


def silent(size: int) -> tuple[Bars, Signals]:
    prices = 50_000 + np.cumsum(np.random.default_rng(1).normal(0, 1, size))
    bars = Bars(
        venue="kraken",
        symbol="BTC/USDT",
        timeframe="1m",
        open_time_ms=tape.START_MS + 60_000 * np.arange(size),
        open=prices,
        high=prices + 1,
        low=prices - 1,
        close=prices,
        volume_base=np.ones(size),
    )
    nothing = np.zeros(size, bool)
    one = np.array([0.01])
    return bars, Signals(
        enter=nothing,
        exit=nothing,
        stop_ratio=one,
        target_ratio=one,
        trailing_ratio=np.array([np.nan]),
        confidence_ratio=one,
    )


def test_a_quiet_year_of_minutes_passes_at_once(redis_client) -> None:
    """Goal B7 asks for 30 000 bars a second."""
    bars, signals = silent(525_600)
    played = rehearsal.play(bars, signals, setting=tape.SETTING, strategy="silent")
    assert (played.bars, played.looked_at, played.entries) == (525_600, 0, 0)
    assert played.bars_per_s > 30_000


def test_a_home_with_accounts_is_left_alone(redis_client, desk: Desk) -> None:
    bars, signals = silent(10)
    with pytest.raises(ConfigurationError, match="a home of its own"):
        rehearsal.play(bars, signals, setting=tape.SETTING, strategy="silent")
    assert Account.objects.count() == len(desk.accounts)
    assert not Order.objects.exists()


@pytest.mark.parametrize("delay_s", [-1.0, 60.0, float("nan")])
def test_a_delay_lies_within_a_bar(delay_s: float) -> None:
    bars, signals = silent(10)
    with pytest.raises(InvalidValueError, match="within a bar of 1m"):
        rehearsal.play(bars, signals, setting=tape.setting(delay_s=delay_s), strategy="silent")


@pytest.mark.parametrize(
    ("prices", "tick"), [([41000.0, 41001.5], "0.1"), ([0.00004, 0.00005], "0.00001"), ([7.0], "1")]
)
def test_the_tick_is_as_fine_as_the_prices(prices: list[float], tick: str) -> None:
    row = np.array(prices)
    bars = Bars(
        venue="x",
        symbol="A/B",
        timeframe="1m",
        open_time_ms=60_000 * np.arange(row.size),
        open=row,
        high=row,
        low=row,
        close=row,
        volume_base=row,
    )
    assert price_tick(bars) == tape.D(tick)


# --- the command ------------------------------------------------------------------------------------------------------------


def ask(*arguments: str) -> str:
    out = StringIO()
    call_command("rehearse", *arguments, stdout=out, skip_checks=True)
    return out.getvalue()


MARKET = ("--venue", "kraken", "--instrument", "BTC/USDT", "--timeframe", "5m")


def test_a_strategy_is_rehearsed_in_a_home_of_its_own(settings, tmp_path) -> None:
    settings.HOME = tmp_path / "operator"
    store.save(history.root(), restless())
    kept = tmp_path / "kept"
    told = json.loads(ask("mean-reversion", *MARKET, "--fee", "0.0004", "--json", "--keep", str(kept)))
    assert told["breaches"] == []
    assert told["agreed"] == told["trades"] == told["desk"]["trades"] > 0
    assert (kept / "neuratrade.sqlite3").is_file()
    assert not Order.objects.exists()  # the operator's books know nothing of it
    with pytest.raises(ConfigurationError, match="is not empty"):
        ask("mean-reversion", *MARKET, "--keep", str(kept))


def test_what_cannot_be_rehearsed_is_told_in_one_line(settings, tmp_path) -> None:
    settings.HOME = tmp_path
    with pytest.raises(
        InvalidValueError, match="there is no strategy 'mean-reversoin'; did you mean mean-reversion"
    ):
        ask("mean-reversoin", *MARKET)
    with pytest.raises(MissingHistoryError, match="neuratrade candles"):
        ask("mean-reversion", *MARKET)
    with pytest.raises(CommandError, match="it must be a positive number"):
        ask("mean-reversion", *MARKET, "--equity", "-5")
    store.save(history.root(), restless())
    with pytest.raises(InvalidValueError, match="give 0 up to less than 300 s"):
        ask("mean-reversion", *MARKET, "--delay", "300")
    with pytest.raises(InvalidValueError, match="rsi_period must lie between"):
        ask("mean-reversion", *MARKET, "--param", "rsi_period=1000")
    with pytest.raises(CommandError, match="give NAME=NUMBER"):
        ask("mean-reversion", *MARKET, "--param", "rsi_period=x")
