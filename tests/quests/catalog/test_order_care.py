import json
from datetime import datetime, timedelta
from decimal import Decimal
from typing import Any

import pytest
import redis

from neuratrade.lib import redis as bus
from quests.catalog.follow_open_orders import ENTRY_MAX_REST
from quests.catalog.follow_open_orders import QUEST as FOLLOW
from quests.catalog.safe_harbour import HOLD_S
from quests.catalog.safe_harbour import QUEST as HARBOUR
from quests.errors import AssetBusyError
from quests.locks import asset_lease, asset_lock
from tests.factories import Desk
from tests.quests.market import context
from trading.models import Decision, Event, Order
from trading.services import decisions, leases

pytestmark = pytest.mark.django_db


def order(desk: Desk, state: str, *, at: datetime, **columns: Any) -> Order:
    return Order.objects.create(
        account=desk.account(),
        instrument=desk.instrument(),
        purpose=columns.pop("purpose", "entry"),
        mode="paper",
        client_order_id=f"nt{Order.objects.count()}",
        side="buy",
        type="limit",
        time_in_force="gtc",
        size_base=Decimal(1),
        price_bound=Decimal(100),
        state=state,
        created_at=at,
        changed_at=at,
        **columns,
    )


def test_entries_that_rest_too_long_are_recalled_once(
    desk: Desk, redis_client: "redis.Redis", at: datetime
) -> None:
    old = at - ENTRY_MAX_REST
    aged = order(desk, "acked", at=old)
    order(desk, "acked", at=old, purpose="protect")
    order(desk, "acked", at=at)
    order(desk, "filled", at=old)
    outcome = FOLLOW.run(context(at=at))
    assert outcome.result["cancels_requested"] == [str(aged.pk)]
    aged.refresh_from_db()
    assert aged.cancel_requested_at == at
    assert FOLLOW.run(context(at=at)).result["cancels_requested"] == []
    assert Event.objects.filter(kind="order.cancel_requested").count() == 1


def test_orders_that_hang_are_reported_and_the_executor_is_woken(
    desk: Desk, redis_client: "redis.Redis", at: datetime
) -> None:
    listener = redis_client.pubsub(ignore_subscribe_messages=True)
    listener.subscribe(bus.WAKE_EXECUTOR)
    listener.get_message(timeout=1)
    unknown = order(desk, "unknown", at=at - timedelta(seconds=15))
    order(desk, "approved", at=at)
    outcome = FOLLOW.run(context(at=at))
    assert outcome.result["hanging"] == [{"order": str(unknown.pk), "state": "unknown"}]
    assert listener.get_message(timeout=1) is not None


def test_silent_feeds_are_named(desk: Desk, redis_client: "redis.Redis", at: datetime) -> None:
    ms = int(at.timestamp() * 1000)
    report = {"seen_ms": ms, "reported_ms": ms, "source": "websocket", "messages_per_s": 3.0, "status": "ok"}
    redis_client.set(bus.latest_key(venue="binance", symbol="BTC/USDT", kind="health"), json.dumps(report))
    assert FOLLOW.run(context(at=at)).result["silent_feeds"] == ["kraken BTC/USDT"]


FACTS = {"venue": "binance", "symbol": "BTC/USDT", "value": 6.2, "unit": "per cent"}


def test_safe_harbour_ends_debates_recalls_entries_and_keeps_the_asset_out_of_play(
    desk: Desk, redis_client: "redis.Redis", at: datetime
) -> None:
    debated = decisions.open_decision(
        account=desk.account("kraken"), instrument=desk.instrument("kraken"), source="t", market={}, at=at
    )
    entry, stop = order(desk, "acked", at=at), order(desk, "acked", at=at, purpose="protect")
    outcome = HARBOUR.run(context(at=at, facts=FACTS))
    assert outcome.result["ended"] == outcome.result["recalled"] == 1
    debated.refresh_from_db()
    entry.refresh_from_db()
    stop.refresh_from_db()
    assert debated.status == Decision.Status.NO_TRADE
    assert debated.reason == "safe harbour: binance BTC/USDT ranged 6.2 per cent"
    assert entry.cancel_requested_at == at
    assert stop.cancel_requested_at is None
    with pytest.raises(AssetBusyError), asset_lock(asset="BTC", owner="scan", ttl_s=1, at=at):
        pass
    later = at + timedelta(seconds=HOLD_S)
    assert leases.acquire(name=asset_lease("BTC"), owner="scan", ttl_s=1, at=later) is not None


def test_safe_harbour_tries_again_while_a_job_holds_the_asset(
    desk: Desk, redis_client: "redis.Redis", at: datetime
) -> None:
    with asset_lock(asset="BTC", owner="scan", ttl_s=30, at=at), pytest.raises(AssetBusyError):
        HARBOUR.run(context(at=at, facts=FACTS))
    HARBOUR.run(context(at=at, facts=FACTS))
