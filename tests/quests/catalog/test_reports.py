from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from decimal import Decimal
from pathlib import Path

import pytest
from django.conf import settings

from quests.catalog.fee_audit import QUEST as FEES
from quests.catalog.pnl_report import QUEST as PNL
from quests.catalog.portfolio_health import QUEST as HEALTH
from tests.factories import Desk
from tests.quests.catalog.test_order_care import order
from tests.quests.market import context
from trading.models import EquityMark, Event, Fill, Position
from trading.services import ledger
from trading.types import Side, VenueFill

pytestmark = pytest.mark.django_db

MIDNIGHT = datetime(2026, 11, 21, tzinfo=UTC)


@pytest.fixture(autouse=True)
def _no_checkpoint() -> Iterator[None]:
    """The checkpoint is of one test's database and would not fit the next one's."""
    path = Path(settings.HOME, "audit_head")
    path.unlink(missing_ok=True)
    yield
    path.unlink(missing_ok=True)


def book(
    desk: Desk, side: Side, *, price: str, fee: str, at: datetime, size: str = "1", is_maker: bool = False
) -> None:
    ours = order(desk, "filled", at=at)
    booked = ledger.book_fill(
        account=desk.account(),
        instrument=desk.instrument(),
        fill=VenueFill(
            trade_id=f"t{Fill.objects.count()}",
            venue_order_id="",
            client_order_id=ours.client_order_id,
            symbol="BTC/USDT",
            side=side,
            price=Decimal(price),
            size_base=Decimal(size),
            fee=Decimal(fee),
            fee_asset="USDT",
            is_maker=is_maker,
            executed_at=at,
        ),
        at=at,
    )
    assert booked


def mark(desk: Desk, equity: str, *, at: datetime) -> None:
    EquityMark.objects.create(
        operator=desk.operator, mode="paper", at=at, equity=Decimal(equity), cash=Decimal(equity),
        unrealised_pnl=Decimal(0), units=Decimal(100), nav=Decimal(equity) / 100, is_fresh=True,
    )  # fmt: skip


def test_the_day_before_is_reported_after_fees(desk: Desk) -> None:
    day = MIDNIGHT - timedelta(days=1)
    book(desk, Side.BUY, price="100", fee="0.1", at=day + timedelta(hours=1))
    book(desk, Side.SELL, price="110", fee="0.11", at=day + timedelta(hours=2))
    book(desk, Side.BUY, price="500", fee="0.5", at=MIDNIGHT)  # the new day's
    for hour, equity in ((1, "10000"), (2, "10100"), (3, "9999"), (23, "10009.79")):
        mark(desk, equity, at=day + timedelta(hours=hour))
    outcome = PNL.run(context(at=MIDNIGHT + timedelta(minutes=5), scheduled_for=MIDNIGHT))
    assert outcome.summary == "2026-11-20: net +9.79 USD, 2 fills"
    assert outcome.result["by_quote"] == {
        "USDT": {"fills": 2, "turnover": "210", "fees": "0.21", "realised_pnl": "9.79"}
    }
    trips = outcome.result["round_trips"]["operator"]
    assert (trips["trips"], trips["wins"], trips["losses"], trips["win_rate_ratio"]) == (1, 1, 0, "1.0000")
    assert outcome.result["equity"] == {
        "start": "10000.00",
        "end": "10009.79",
        "change_ratio": "0.000979",
        "max_drawdown_ratio": "0.010000",
    }


def test_a_day_without_anything_is_reported_as_such(desk: Desk) -> None:
    outcome = PNL.run(context(at=MIDNIGHT, scheduled_for=MIDNIGHT))
    assert outcome.result["equity"] is None
    assert outcome.result["by_quote"] == {}
    assert outcome.summary == "2026-11-20: net +0.00 USD, 0 fills"


def test_a_venue_that_charges_above_its_schedule_is_named(desk: Desk) -> None:
    at = MIDNIGHT - timedelta(days=2)
    book(desk, Side.BUY, price="100", fee="0.1", at=at)  # as scheduled: 0.1 %
    fair = FEES.run(context(at=MIDNIGHT, scheduled_for=MIDNIGHT))
    assert fair.summary == "1 fills at 1 venues; nobody charged above schedule"
    book(desk, Side.BUY, price="100", fee="0.2", at=at, is_maker=True)
    outcome = FEES.run(context(at=MIDNIGHT, scheduled_for=MIDNIGHT))
    assert outcome.summary == "2 fills at 1 venues; charged above schedule: binance"
    audited = outcome.result["venues"]["binance"]
    assert (audited["effective_ratio"], audited["maker_share_ratio"]) == ("0.001500", "0.5000")


def test_health_reports_equity_holdings_and_right_books(desk: Desk, at: datetime) -> None:
    mark(desk, "10000", at=at - timedelta(hours=2))
    mark(desk, "9900", at=at)
    outcome = HEALTH.run(context(at=at))
    assert outcome.result["equity"]["change_1h_ratio"] == "-0.010000"
    assert outcome.result["equity"]["below_24h_peak_ratio"] == "-0.010000"
    assert outcome.result["books"]["violations"] == []
    assert outcome.summary == "equity 9900.00, 0 positions, books are right"
    assert Path(settings.HOME, "audit_head").exists()


def test_books_that_are_wrong_are_recorded_where_everybody_looks(desk: Desk, at: datetime) -> None:
    Position.objects.create(
        account=desk.account(), instrument=desk.instrument(), size_base=Decimal(1), changed_at=at
    )
    outcome = HEALTH.run(context(at=at))
    assert "INVARIANTS BROKEN" in outcome.summary
    recorded = Event.objects.filter(kind="invariant.violated")
    assert recorded.count() == len(outcome.result["books"]["violations"]) > 0


def test_an_interrupted_health_run_does_not_check_twice(desk: Desk, at: datetime) -> None:
    saved: list[dict[str, object]] = []
    HEALTH.run(context(at=at, saved=saved))
    assert [len(checkpoint) for checkpoint in saved] == [1, 2, 3, 4]
    Position.objects.create(
        account=desk.account(), instrument=desk.instrument(), size_base=Decimal(1), changed_at=at
    )
    resumed = HEALTH.run(context(at=at, checkpoint=saved[2]))
    assert resumed.result["books"]["violations"] == []  # from the checkpoint
