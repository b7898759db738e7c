"""Strategies at the live market: the same signals on stored candles, put up for debate with their version and plan, or refused in words."""

import shutil
from collections.abc import Sequence
from datetime import datetime, timedelta
from decimal import Decimal
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import redis

from quests.catalog.scan_strategies import QUEST
from quests.types import Outcome
from tests.factories import Desk
from tests.quests.market import context, show_quote, store_candles
from tests.trading.services import risk_desk
from trading.models import CandleRow, Decision, Event, Position
from trading.services import decisions, replanning, strategies

pytestmark = pytest.mark.django_db

D = Decimal
NAME = "mean-reversion"
ENTRY = "mean-reversion:1m"


def swings(count: int = 400) -> list[float]:
    """Closes that swing by 0.7 around 100."""
    return (100 + np.where(np.arange(count) % 2, 0.35, -0.35)).tolist()


def fall_that_stopped() -> list[float]:
    """... then slide to 95 over five bars, and close once at 95.8."""
    return [*swings(), 99, 98, 97, 96, 95, 95.8]


@pytest.fixture(autouse=True)
def switched_on(settings: Any) -> None:
    settings.STRATEGIES = (ENTRY,)
    settings.MICRO_EVERY_S = 60


@pytest.fixture
def market(desk: Desk, redis_client: "redis.Redis", at: datetime) -> Desk:
    show(desk, fall_that_stopped(), at=at)
    return desk


def show(desk: Desk, closes: Sequence[float], *, at: datetime) -> None:
    """The candles of binance up to `at`, and a quote at the last close; kraken shows nothing."""
    store_candles(desk.instrument(), closes, at=at)
    show_quote(venue="binance", bid=f"{closes[-1]:.2f}", ask=f"{closes[-1] + 0.01:.2f}", at=at)


def run(at: datetime, *, late_s: float = 2) -> Outcome:
    return QUEST.run(context(at=at + timedelta(seconds=late_s)))


def note(outcome: Outcome, *, entry: str = ENTRY, place: str = "binance BTC/USDT") -> str:
    return str(outcome.result["seen"][entry][place])


def test_a_signal_is_put_up_with_its_version_and_its_plan(market: Desk, at: datetime) -> None:
    outcome = run(at)
    (found,) = outcome.opportunities
    _, play = strategies.find(NAME)
    assert (found.venue, found.symbol) == ("binance", "BTC/USDT")
    assert (found.skill_name, found.skill_hash) == (NAME, play.digest)
    assert found.market["signal"]["closed_at"] == at.isoformat()
    assert found.market["signal"]["timeframe"] == "1m"
    proposal = found.market["proposal"]
    # An ATR of about 0.8 at 95.8, times 2 and times 6; 24 bars of a minute.
    assert 0.015 < float(proposal["stop_ratio"]) < 0.018
    assert float(proposal["target_ratio"]) == pytest.approx(3 * float(proposal["stop_ratio"]), rel=1e-4)
    assert proposal["max_hold_s"] == 24 * 60
    assert found.market["parameters"]["rsi_below"] == "32"
    assert outcome.summary == "1 strategies asked, 1 entries; 0 positions followed"
    assert note(outcome, place="kraken BTC/USDT") == "no fresh quote"


def test_nothing_is_asked_unless_named(market: Desk, at: datetime, settings: Any) -> None:
    settings.STRATEGIES = ()
    outcome = run(at)
    assert (outcome.opportunities, outcome.result) == ((), {"seen": {}, "followed": {}})
    assert outcome.summary == "no strategy is switched on; 0 positions followed"


def test_a_signal_is_acted_on_once(market: Desk, at: datetime) -> None:
    decisions.open_decision(
        account=market.account(),
        instrument=market.instrument(),
        source="scan_strategies",
        market={},
        skill_name=NAME,
        at=at + timedelta(seconds=2),
    )
    assert note(run(at, late_s=4)) == "its signal of 12:00 was put up already"


@pytest.mark.parametrize(
    ("micro_s", "late_s", "words"),
    [
        (60, 100, "its candles are late: the newest 1m close is 100 s old"),
        (5, 40, "waits for the next 1m close"),
        (5, 18, "mean-reversion said buy at the 1m close of 2026-11-20 12:00 UTC"),
    ],
)
def test_a_close_is_acted_on_while_it_is_fresh(
    market: Desk, at: datetime, settings: Any, micro_s: int, late_s: int, words: str
) -> None:
    settings.MICRO_EVERY_S = micro_s
    show_quote(venue="binance", bid="95.80", ask="95.81", at=at + timedelta(seconds=late_s))
    assert note(run(at, late_s=late_s)) == words


def test_without_a_signal_or_with_too_few_candles_nothing_happens(
    desk: Desk, redis_client: "redis.Redis", at: datetime
) -> None:
    show(desk, swings(), at=at)
    assert note(run(at)) == "no entry"
    CandleRow.objects.all().delete()
    show(desk, fall_that_stopped()[-200:], at=at)
    assert note(run(at)) == "needs 283 closed 1m candles, has 200"


def test_a_hole_in_the_candles_is_no_history(market: Desk, at: datetime, settings: Any) -> None:
    CandleRow.objects.filter(open_time=at - timedelta(minutes=40)).delete()
    assert note(run(at)) == "1 1m candles are missing among the newest 284"
    settings.STRATEGIES = (NAME,)
    assert note(run(at), entry=NAME) == "needs 283 closed 5m candles, has 0"


@pytest.mark.parametrize(
    ("entry", "words"),
    [
        ("sentiment-momentum", "it needs sentiment, which nothing feeds live yet"),
        (
            "cross-venue-arbitrage",
            "it needs two legs, one of them short; the desk trades one spot leg at a time",
        ),
        ("funding-arbitrage:4h", "live candles are 1m, 5m, 1h; there are none of 4h"),
        ("funding-arbitrage:1h", "it needs two legs"),
        ("mean-reversion:15m", "live candles are 1m, 5m, 1h"),
        ("mean-reversion:7m", "mean-reversion trades 5m, 1m, 3m, 15m, 30m, 1h, 4h, 1d, not 7m"),
        ("mean-reverson", "did you mean mean-reversion"),
    ],
)
def test_what_cannot_run_live_says_why_and_stops_nobody_else(
    market: Desk, at: datetime, settings: Any, entry: str, words: str
) -> None:
    settings.STRATEGIES = (entry, ENTRY)
    outcome = run(at)
    assert words in outcome.result["seen"][entry]["objection"]
    assert f"{entry}: " in outcome.summary
    assert words in outcome.summary
    assert len(outcome.opportunities) == 1


def test_scalping_says_where_it_cannot_win(market: Desk, at: datetime, settings: Any) -> None:
    settings.STRATEGIES = ("scalping",)
    assert note(run(at), entry="scalping") == "no entry"
    market.instrument().__class__.objects.update(taker_fee_ratio=D("0.0026"))
    said = note(run(at), entry="scalping")
    assert said.startswith(
        "it cannot win at binance BTC/USDT: the target of 0.300% does not pay the costs of 0.530%"
    )


def test_no_more_positions_at_once_than_the_page_says(
    market: Desk, at: datetime, settings: Any, tmp_path: Path
) -> None:
    shutil.copytree(settings.SKILLS_DIR, tmp_path / "skills")
    settings.SKILLS_DIR = tmp_path / "skills"
    settings.STRATEGIES = ("scalping",)
    page = tmp_path / "skills" / "scalping" / "SKILL.md"
    page.write_text(page.read_text().replace("| `max_open_positions` | 3 |", "| `max_open_positions` | 1 |"))
    held(market, at=at, skill_name="scalping")
    assert note(run(at), entry="scalping", place="everywhere") == "1 positions of it are open already"


# --- positions that a strategy opened ------------------------------------------------------------------------------------------------


def held(
    desk: Desk, *, at: datetime, skill_name: str = NAME, price: str = "95.8", **proposal: Any
) -> Position:
    """A position bought at `at` for the strategy, with a stop 3 % below and a day to go."""
    position = risk_desk.hold(desk, size="1", price=price, at=at)
    engine, play = strategies.find(skill_name)
    decision = Decision.objects.create(
        operator=desk.operator,
        instrument=desk.instrument(),
        account=desk.account(),
        mode=desk.account().mode,
        status=Decision.Status.EXECUTED,
        source="scan_strategies",
        market={
            "signal": {"engine": engine.name, "timeframe": "1m"},
            "proposal": {"stop_ratio": "0.03", **proposal},
            "parameters": {name: str(value) for name, value in play.values().items()},
        },
        skill_name=skill_name,
        opened_at=at,
        changed_at=at,
    )
    Position.objects.filter(pk=position.pk).update(
        decision=decision,
        opened_at=at,
        stop_price=D(price) * D("0.97"),
        close_by=at + timedelta(days=1),
    )
    position.refresh_from_db()
    return position


def after(desk: Desk, closes: Sequence[float], *, at: datetime) -> datetime:
    """The market goes on from `at` with one bar per close; gives the last one's end."""
    until = at + timedelta(minutes=len(closes))
    CandleRow.objects.all().delete()
    store_candles(desk.instrument(), [*fall_that_stopped(), *closes], at=until)
    return until


def followed(outcome: Outcome) -> str:
    (said,) = outcome.result["followed"].values()
    return str(said)


def test_the_strategy_s_exit_ends_the_plan_now(market: Desk, at: datetime) -> None:
    position = held(market, at=at)
    until = after(market, [96, 99.8], at=at)  # through the middle band
    outcome = run(until)
    assert followed(outcome) == "mean-reversion left at the close of 12:02"
    position.refresh_from_db()
    assert position.close_by == until + timedelta(seconds=2)
    assert Event.objects.get(kind=replanning.LEAVE_ASKED).payload["reason"] == replanning.STRATEGY_LEAVES
    assert followed(run(until, late_s=4)) == "is being left"


def test_an_exit_that_was_missed_is_made_up_for(market: Desk, at: datetime) -> None:
    position = held(market, at=at)
    until = after(market, [96, 99.8, 96, 95.9], at=at)
    assert followed(run(until)) == "mean-reversion left at the close of 12:02"
    position.refresh_from_db()
    assert position.close_by is not None
    assert position.close_by < until + timedelta(seconds=5)


def test_exits_from_before_the_entry_do_not_count(market: Desk, at: datetime) -> None:
    """Before the fall every other close lay above the middle band."""
    position = held(market, at=at)
    before = position.close_by
    until = after(market, [96, 96.1], at=at)
    assert followed(run(until)) == "held"
    position.refresh_from_db()
    assert position.close_by == before


def test_a_position_is_followed_by_the_numbers_of_its_entry_whatever_became_of_the_page(
    market: Desk, at: datetime, settings: Any, tmp_path: Path
) -> None:
    held(market, at=at)
    settings.STRATEGIES, settings.SKILLS_DIR = (), tmp_path
    until = after(market, [96, 99.8], at=at)
    assert followed(run(until)) == "mean-reversion left at the close of 12:02"


def test_a_position_of_another_origin_is_left_alone(market: Desk, at: datetime) -> None:
    position = held(market, at=at)
    Decision.objects.filter(pk=position.decision_id).update(market={"trigger": {"value": 22}})
    until = after(market, [96, 99.8], at=at)
    assert run(until).result["followed"] == {}


def test_a_trailing_stop_follows_the_highest_whole_bar_and_never_falls(market: Desk, at: datetime) -> None:
    position = held(market, at=at, trailing_ratio="0.01")
    until = after(market, [96, 96.5], at=at)
    assert followed(run(until)) == "stop moved to 95.535"
    position.refresh_from_db()
    assert position.stop_price == D("95.54")  # 96.5 less 1 %, up to the tick
    later = after(market, [96, 96.5, 95.7], at=at)
    assert followed(run(later)) == "held"
