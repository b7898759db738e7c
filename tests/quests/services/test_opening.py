from dataclasses import replace
from datetime import datetime, timedelta
from decimal import Decimal

import pytest
from django.conf import settings

from quests.errors import RunLostError
from quests.locks import asset_lease, asset_lock
from quests.models import Quest, Run
from quests.services import opening
from quests.services.opening import MAX_OPEN_DECISIONS, Opened
from quests.types import Opportunity
from tests.factories import Desk, make_instrument
from tests.quests.plugins import Steps, install, opportunity
from trading.models import Account, Decision, Lease, Order, Position
from trading.services import decisions, leases
from trading.types import Mode, OrderState, TradingState

pytestmark = pytest.mark.django_db


@pytest.fixture
def run(desk: Desk, at: datetime) -> Run:
    return running(install("steps", Steps()), at=at)


def running(quest: Quest, *, at: datetime) -> Run:
    return Run.objects.create(
        quest=quest, scheduled_for=at, status=Run.Status.RUNNING, attempts=1, created_at=at
    )


def open_best(run: Run, *found: Opportunity, at: datetime) -> Opened:
    return opening.open_best(run=run, opportunities=found, account_mode=Mode.PAPER, at=at)


def test_the_best_opportunity_becomes_a_decision_that_tells_why(desk: Desk, run: Run, at: datetime) -> None:
    opened = open_best(run, opportunity(score=1), opportunity(venue="kraken", score=2), at=at)
    assert opened.decision is not None
    assert opened.decision.account == desk.account("kraken")
    assert opened.decision.status == Decision.Status.OPENED
    assert opened.decision.source == "steps"
    assert opened.decision.skill_name == "momentum-scan"
    assert opened.decision.market == {"quote": {"bid": "100"}, "score": 2, "why": "it rose"}
    run.refresh_from_db()
    assert run.decision == opened.decision


def test_the_version_of_a_strategy_s_page_is_stored_from_the_start(
    desk: Desk, run: Run, at: datetime
) -> None:
    opened = open_best(run, replace(opportunity(), skill_hash="ab" * 32), at=at)
    assert opened.decision is not None
    assert opened.decision.skill_hash == "ab" * 32


def test_one_asset_is_under_debate_once_across_venues(desk: Desk, run: Run, at: datetime) -> None:
    assert open_best(run, opportunity(), at=at).decision is not None
    second = running(run.quest, at=at + timedelta(seconds=1))
    opened = open_best(second, opportunity(venue="kraken"), at=at)
    assert opened.decision is None
    assert opened.passed_over == ("kraken BTC/USDT: BTC is under debate already",)


def test_an_asset_rests_after_its_decision_ended(desk: Desk, run: Run, at: datetime) -> None:
    first = open_best(run, opportunity(), at=at).decision
    assert first is not None
    decisions.end(decision_id=first.pk, status=Decision.Status.NO_TRADE, reason="no", at=at)
    rest = timedelta(seconds=opening.REST_SLOTS * settings.MICRO_EVERY_S)
    desk.state.ok_until = at + 2 * rest
    desk.state.save()
    second = running(run.quest, at=at + timedelta(seconds=1))
    assert "decided less than" in open_best(second, opportunity(), at=at + rest / 2).passed_over[0]
    assert open_best(second, opportunity(), at=at + rest).decision is not None


@pytest.mark.parametrize("state", [TradingState.REDUCING, TradingState.HALTED])
def test_nothing_is_opened_unless_the_desk_is_active(
    desk: Desk, run: Run, at: datetime, state: TradingState
) -> None:
    desk.state.state = state
    desk.state.save()
    assert open_best(run, opportunity(), at=at).passed_over == (f"binance BTC/USDT: the desk is {state}",)


def test_nothing_is_opened_while_the_risk_guard_is_silent(desk: Desk, run: Run, at: datetime) -> None:
    opened = open_best(run, opportunity(), at=at + timedelta(seconds=21))
    assert "risk guard" in opened.passed_over[0]


def test_nothing_is_opened_while_the_asset_is_held_or_bought(desk: Desk, run: Run, at: datetime) -> None:
    position = Position.objects.create(
        account=desk.account("kraken"),
        instrument=desk.instrument("kraken"),
        size_base=Decimal("0.1"),
        changed_at=at,
    )
    assert "position in BTC" in open_best(run, opportunity(), at=at).passed_over[0]
    position.size_base = Decimal(0)
    position.save()
    entry = order(desk, at=at)
    assert "entry order for BTC" in open_best(run, opportunity(), at=at).passed_over[0]
    entry.state = OrderState.CANCELED
    entry.save()
    assert open_best(run, opportunity(), at=at).decision is not None


def test_a_rest_too_small_to_sell_is_no_reason_not_to_trade_the_asset_again(
    desk: Desk, run: Run, at: datetime
) -> None:
    """A base-asset fee leaves one after nearly every trade."""
    position = Position.objects.create(
        account=desk.account("kraken"),
        instrument=desk.instrument("kraken"),
        size_base=Decimal("0.000009"),
        changed_at=at,
    )
    assert position.size_base < position.instrument.min_size
    assert open_best(run, opportunity(), at=at).decision is not None


def order(desk: Desk, *, at: datetime) -> Order:
    return Order.objects.create(
        account=desk.account(),
        instrument=desk.instrument(),
        purpose="entry",
        mode="paper",
        client_order_id="nt1",
        side="buy",
        type="limit",
        time_in_force="gtc",
        size_base=Decimal(1),
        price_bound=Decimal(100),
        state=OrderState.ACKED,
        created_at=at,
        changed_at=at,
    )


def test_no_more_decisions_than_the_limits_are_open(desk: Desk, run: Run, at: datetime) -> None:
    for index, venue in enumerate(("binance", "kraken", "binance", "kraken")):
        make_instrument(venue=desk.account(venue).venue, symbol=f"C{index}/USDT")
    made = [
        open_best(
            running(run.quest, at=at + timedelta(seconds=1 + index)),
            opportunity(f"C{index}/USDT", venue=venue),
            at=at,
        )
        for index, venue in enumerate(("binance", "kraken", "binance", "kraken"))
    ]
    assert [o.decision is not None for o in made] == [True, True, True, False]
    assert made[-1].passed_over == (f"kraken C3/USDT: {MAX_OPEN_DECISIONS} decisions are open already",)


def test_one_venue_cannot_take_all_places(desk: Desk, run: Run, at: datetime) -> None:
    for index in range(3):
        make_instrument(venue=desk.account().venue, symbol=f"C{index}/USDT")
        last = open_best(
            running(run.quest, at=at + timedelta(seconds=1 + index)), opportunity(f"C{index}/USDT"), at=at
        )
    assert last.passed_over == ("binance C2/USDT: 2 decisions are open at this venue already",)


def test_the_next_best_is_taken_when_the_best_may_not(desk: Desk, run: Run, at: datetime) -> None:
    make_instrument(venue=desk.account().venue, symbol="ETH/USDT")
    with asset_lock(asset="BTC", owner="another job", ttl_s=30, at=at):
        opened = open_best(run, opportunity(score=9), opportunity("ETH/USDT", score=1), at=at)
    assert opened.decision is not None
    assert opened.decision.instrument.symbol == "ETH/USDT"
    assert opened.passed_over == ("binance BTC/USDT: another job holds BTC",)


def test_the_lock_is_let_go_and_its_token_grows(desk: Desk, run: Run, at: datetime) -> None:
    with asset_lock(asset="BTC", owner="a", ttl_s=30, at=at) as first:
        pass
    assert open_best(run, opportunity(), at=at).decision is not None
    lease = Lease.objects.get(name=asset_lease("BTC"))
    assert lease.owner == ""
    assert lease.epoch > first
    assert leases.acquire(name=asset_lease("BTC"), owner="b", ttl_s=1, at=at) is not None


def test_a_run_that_was_taken_over_opens_nothing(desk: Desk, run: Run, at: datetime) -> None:
    Run.objects.filter(pk=run.pk).update(attempts=2)
    with pytest.raises(RunLostError):
        open_best(run, opportunity(), at=at)
    assert not Decision.objects.exists()


def test_an_unknown_instrument_or_an_account_switched_off_is_passed_over(
    desk: Desk, run: Run, at: datetime
) -> None:
    Account.objects.filter(venue__name="kraken").update(is_enabled=False)
    opened = open_best(run, opportunity("DOGE/USDT"), opportunity(venue="kraken", score=0), at=at)
    assert opened.passed_over == (
        "binance DOGE/USDT: not an active instrument",
        "kraken BTC/USDT: no enabled account at this venue",
    )
