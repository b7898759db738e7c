"""What is put between the desk and its backtest on purpose comes out under its name."""

import json
from dataclasses import replace
from datetime import timedelta
from decimal import Decimal
from io import StringIO
from typing import Any

import numpy as np
import pytest
from django.core.management import CommandError, call_command

from neuratrade.lib.clock import from_epoch_ms
from neuratrade.lib.dates import day_or_time
from tests.factories import AT, Desk
from tests.trading.accounting.test_drift import trade
from tests.trading.services import risk_desk, tape
from trading import indicators
from trading.accounting import drift as pure
from trading.accounting.drift import Part
from trading.backtest.capital import from_limits, terms_of
from trading.backtest.run import run
from trading.history import store
from trading.history.errors import MissingHistoryError
from trading.models import CandleRow, Decision, Instrument
from trading.risk.limits import for_profile
from trading.services import decisions, drift, drift_trades, history, rehearsal, state, strategies
from trading.services.bench import part_of
from trading.types import Mode, TradingState
from trading.types.research import Bars, Signals

pytestmark = pytest.mark.django_db
D = Decimal
STRATEGY = "mean-reversion"
STEP = timedelta(minutes=1)
EVER = {"since": from_epoch_ms(0), "until": from_epoch_ms(4_000_000_000_000)}


def three_trades() -> tuple[Bars, Signals]:
    """A target and a stop, each after a rise in its first bar; and one whose stop lies inside the noise: the gate refuses it."""
    written = tape.Tape()
    rising = {"low": 1.0, "high": 1.003, "close": 1.003}
    written.enter().bar(**rising).quiet(4).bar(high=1.026, close=1.02).quiet(4)
    written.enter().bar(**rising).quiet(4).bar(low=0.98, close=0.985).quiet(4)
    refused = len(written.rows) - 1
    written.enter().quiet(40)
    stops = np.full(len(written.rows), 0.01)
    stops[refused] = 0.0008
    return written.bars(), replace(written.signals(), stop_ratio=stops)


def test_delay_fees_and_a_veto_are_named(redis_client) -> None:
    """The desk decides 30 s late and pays 0.1 %; the backtest knows of no delay, and of 0.04 %."""
    bars, signals = three_trades()
    dear = replace(tape.SPEC, taker_fee_ratio=D("0.001"))
    rehearsal.play(bars, signals, setting=tape.setting(spec=dear, delay_s=30.0), strategy=STRATEGY)
    instrument = Instrument.objects.get()
    backtest = run(
        [bars],
        [signals],
        terms=[terms_of(tape.SPEC, slippage_bps=1.0)],
        capital=from_limits(for_profile("balanced"), start_equity=10_000.0),
    )
    mine = drift_trades.of_desk(instrument=instrument, strategy=STRATEGY, mode=Mode.PAPER, bars=bars, **EVER)
    theirs = drift_trades.of_backtest(backtest, [bars])
    found = drift.with_reasons(
        pure.compare(desk=mine, backtest=theirs, step=STEP),
        decisions=list(Decision.objects.all()),
        mode=Mode.PAPER,
        step=STEP,
    )
    assert found.amount == found.desk_pnl - found.backtest_pnl
    target, stop, missed = found.differences

    for item in (target, stop):
        assert item.desk is not None
        assert item.backtest is not None
        assert item.delay == timedelta(seconds=30)
        assert item.desk.exit_kind == item.backtest.exit_kind
        # at half of the bar the price is half way from its low, where it opened, to its high 0.3 % above
        late = -item.desk.size_base * item.backtest.entry_mark * D("0.0015")
        assert item.parts[Part.LATENCY] == pytest.approx(late, rel=D("0.01"))
        turnover = item.desk.size_base * (item.desk.entry_price + item.desk.exit_price)
        assert item.parts[Part.FEE] == pytest.approx(-turnover * D("0.0006"), rel=D("0.01"))
    assert missed.desk is None
    assert missed.backtest is not None
    assert missed.reason.startswith("vetoed: ")
    assert "stop_volatility" in missed.reason
    assert missed.parts == {Part.MISSED: -missed.backtest.pnl}


# --- the whole way, by the command -------------------------------------------------------------------------------------------


def restless(size: int = 620) -> Bars:
    """Five-minute bars of a market wild enough for mean reversion to have an edge after fees."""
    random = np.random.default_rng(5)
    path = 50_000 * np.exp(np.cumsum(random.normal(0, 0.009 / 8**0.5, size * 8)))
    path = np.round(path, 2).reshape(size, 8)
    open_ = np.concatenate([[50_000.0], path[:-1, -1]])
    return Bars(
        venue="kraken",
        symbol="BTC/USDT",
        timeframe="5m",
        open_time_ms=tape.START_MS + 300_000 * np.arange(size),
        open=open_,
        high=np.maximum(path.max(axis=1), open_),
        low=np.minimum(path.min(axis=1), open_),
        close=path[:, -1],
        volume_base=np.ones(size),
    )


def ask(**options: Any) -> str:
    out = StringIO()
    call_command("drift", stdout=out, skip_checks=True, **options)
    return out.getvalue()


@pytest.fixture
def played(redis_client, settings, tmp_path) -> tuple[Bars, int]:
    """Mean reversion rehearsed on bars that history holds, its page's warm-up before them; (bars, the first bar played)."""
    settings.HOME = tmp_path
    bars = restless()
    store.save(history.root(), bars)
    engine, play = strategies.find(STRATEGY)
    first = engine.warmup_bars(play.values()) + 1
    signals = engine.signals(bars, parameters=play.values(), indicators=indicators.provider())
    rehearsal.play(
        bars.part(first, len(bars)),
        part_of(signals, first=first, last=len(bars)),
        setting=tape.setting(),
        strategy=STRATEGY,
        skill_hash=play.digest,
    )
    return bars, first


def test_the_command_explains_a_paper_period(played: tuple[Bars, int]) -> None:
    bars, first = played
    since = from_epoch_ms(int(bars.open_time_ms[first])).isoformat()
    until = from_epoch_ms(int(bars.open_time_ms[-1]) + bars.step_ms).isoformat()
    # the venue has become dearer since: the backtest pays more than the desk did
    Instrument.objects.update(taker_fee_ratio=D("0.0006"))
    period = {"since": day_or_time(since), "until": day_or_time(until), "slippage_bps": 1.0}

    (told,) = json.loads(ask(as_json=True, **period))
    assert told["strategy"] == STRATEGY
    assert (told["timeframe"], told["instruments"]) == ("5m", ["kraken BTC/USDT"])
    assert told["desk"]["trades"] == told["backtest"]["trades"] == 2
    named = {name: D(amount) for name, amount in told["parts_quote"].items()}
    assert sum(named.values()) == D(told["difference_quote"])
    assert D(told["difference_quote"]) == D(told["desk"]["pnl_quote"]) - D(told["backtest"]["pnl_quote"])
    turnover = sum(
        D(t["size_base"]) * (D(t["entry_price"]) + D(t["exit_price"]))
        for item in told["differences"]
        if (t := item["desk"]) and item["backtest"]
    )
    assert named["fee"] == pytest.approx(turnover * D("0.0002"), rel=D("0.02"))

    # without ends it begins with the first decision, whose signal is that of the bar before
    (whole,) = json.loads(ask(as_json=True, slippage_bps=1.0, until=period["until"]))
    assert whole["from"] == min(item["desk"]["entry_at"] for item in whole["differences"])
    assert (whole["desk"], whole["parts_quote"]["extra"]) == (told["desk"], "0")

    text = ask(**period)
    assert "Drift of mean-reversion on paper" in text
    assert "fees, and rests too small to sell" in text
    assert "sum" in text


# --- reasons and refusals ---------------------------------------------------------------------------------------------------


def missed(**changes: Any) -> pure.Trade:
    fields = {"instrument": "binance BTC/USDT", "signal_at": AT, "entry_at": AT, "exit_at": AT + 3 * STEP}
    return trade(**{**fields, **changes})


def decided(desk: Desk, *, status: str, reason: str) -> Decision:
    decision = decisions.open_decision(
        account=desk.account(),
        instrument=desk.instrument(),
        source="test",
        market={},
        at=AT + timedelta(seconds=20),
        skill_name=STRATEGY,
    )
    decisions.end(decision_id=decision.pk, status=status, reason=reason, at=AT)
    decision.refresh_from_db()
    return decision


def reason_for(desk_trades: list[pure.Trade], backtest: list[pure.Trade], *made: Decision) -> str:
    found = pure.compare(desk=desk_trades, backtest=backtest, step=STEP)
    told = drift.with_reasons(found, decisions=made, mode=Mode.PAPER, step=STEP)
    wants_missed = bool(backtest)
    return next(item.reason for item in told.differences if (item.desk is None) is wants_missed)


def test_a_missed_trade_is_told_in_the_desks_own_words(desk: Desk) -> None:
    assert "no decision was made" in reason_for([], [missed()])
    held = missed(id="desk 1", signal_at=AT - 5 * STEP, entry_at=AT - 5 * STEP)
    assert reason_for([held], [missed()]) == "the desk still held what it bought at 2026-11-20 11:55"
    state.set_state(
        operator=desk.operator,
        mode=Mode.PAPER,
        state=TradingState.HALTED,
        cause="by the operator",
        at=AT - STEP,
    )
    assert reason_for([], [missed()]) == "the desk was halted: by the operator"
    vetoed = decided(desk, status=Decision.Status.VETOED, reason="kelly: there is no edge after fees")
    assert reason_for([], [missed()], vetoed) == "vetoed: kelly: there is no edge after fees"
    elsewhere = missed(instrument="kraken BTC/USDT")
    assert reason_for([], [elsewhere], vetoed) == "the desk was halted: by the operator"


def test_the_close_that_the_scan_wrote_down_is_the_signals_time(desk: Desk) -> None:
    """A scan comes up to a minute after the close; on minute bars that would be another bar's signal."""
    late = decided(desk, status=Decision.Status.VETOED, reason="kelly")
    late.opened_at = AT + timedelta(seconds=70)
    assert "no decision was made" in reason_for([], [missed()], late)
    late.market = {"signal": {"closed_at": AT.isoformat()}}
    assert reason_for([], [missed()], late) == "vetoed: kelly"


def test_an_extra_trade_is_told_too(desk: Desk) -> None:
    mine = missed(id="desk 1", signal_at=AT + 2 * STEP, entry_at=AT + 2 * STEP)
    assert reason_for([mine], []) == "the candles of the backtest give no entry at that close"
    found = pure.compare(desk=[mine], backtest=[missed()], step=STEP)
    told = drift.with_reasons(found, decisions=[], mode=Mode.PAPER, step=STEP)
    assert told.differences[-1].reason == "the backtest was still in its trade of 2026-11-20 12:00"


def test_nothing_to_compare_is_told_with_what_to_do(desk: Desk, settings, tmp_path) -> None:
    settings.HOME = tmp_path
    with pytest.raises(CommandError, match="never decided for any strategy.*neuratrade rehearse"):
        ask()
    decided(desk, status=Decision.Status.NO_TRADE, reason="quiet")
    with pytest.raises(drift.NothingToCompareError, match="in that time it did for: mean-reversion"):
        ask(strategy="scalping", since=AT - STEP, until=AT + STEP)
    with pytest.raises(drift.NothingToCompareError, match="its first decision was on 2026-11-20 12:00"):
        ask(strategy=STRATEGY, since=AT - 3 * STEP, until=AT - STEP)
    with pytest.raises(CommandError, match="the period .* is empty"):
        ask(strategy=STRATEGY, since=AT + STEP, until=AT)
    with pytest.raises(drift.NothingToCompareError, match="equity at that time is not known"):
        ask(strategy=STRATEGY)
    risk_desk.mark(desk)
    with pytest.raises(MissingHistoryError, match="neuratrade candles download"):
        ask(strategy=STRATEGY)


def test_a_skill_without_an_engine_is_no_strategy(desk: Desk) -> None:
    """The scans' own skills stand in decisions too."""
    decided(desk, status=Decision.Status.NO_TRADE, reason="quiet")
    Decision.objects.update(skill_name="momentum-scan")
    with pytest.raises(CommandError, match="decided nothing for any strategy"):
        ask()


def test_the_desks_own_candles_do_where_history_has_none(desk: Desk, settings, tmp_path) -> None:
    """As on a desk that never imported anything: what `watch_market` stored is enough."""
    settings.HOME = tmp_path
    decided(desk, status=Decision.Status.NO_TRADE, reason="quiet")
    risk_desk.mark(desk)
    CandleRow.objects.bulk_create(
        CandleRow(
            instrument=desk.instrument(),
            timeframe="5m",
            open_time=AT - timedelta(minutes=5) * (400 - index),
            open=D(50_000 + index % 7),
            high=D(50_010),
            low=D(49_990),
            close=D(50_000 + (index + 1) % 7),
            volume_base=D(1),
        )
        for index in range(420)
    )
    (told,) = json.loads(ask(strategy=STRATEGY, since=AT, until=AT + timedelta(hours=1), as_json=True))
    assert told["desk"] == told["backtest"] == {"trades": 0, "pnl_quote": "0"}
    assert told["difference_quote"] == "0"
