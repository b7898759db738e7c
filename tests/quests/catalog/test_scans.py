from datetime import datetime, timedelta
from decimal import Decimal

import pytest
import redis
from hypothesis import given
from hypothesis import strategies as st

from quests.catalog.scan_momentum import BARS, QUEST, measure
from quests.catalog.scan_spreads import QUEST as SPREADS
from quests.catalog.scan_spreads import edge
from quests.catalog.weigh_setup import QUEST as WEIGH
from quests.errors import NoMarketError
from tests.factories import AT, Desk, make_instrument
from tests.quests.market import context, show_quote, store_candles
from tests.quests.samples import candle, quote
from trading.encoding import decode
from trading.types import Quote

pytestmark = pytest.mark.django_db


def rising(bars: int = BARS + 1) -> list[float]:
    """Two steps up, one step down: a drift of 1.8 with an RSI of about 67."""
    closes = [100.0]
    while len(closes) < bars:
        closes.append(closes[-1] * (1.004 if len(closes) % 2 else 0.998))
    return closes


def test_a_steady_rise_is_put_up_for_debate_with_what_was_seen(
    desk: Desk, redis_client: "redis.Redis", at: datetime
) -> None:
    closes = rising()
    store_candles(desk.instrument(), closes, at=at)
    store_candles(desk.instrument("kraken"), list(reversed(closes)), at=at)
    shown = show_quote(venue="binance", bid=f"{closes[-1]:.2f}", ask=f"{closes[-1] + 0.01:.2f}", at=at)
    show_quote(venue="kraken", bid="100.00", ask="100.01", at=at)
    outcome = QUEST.run(context(at=at + timedelta(seconds=1)))
    (found,) = outcome.opportunities
    assert (found.venue, found.symbol, found.skill_name) == ("binance", "BTC/USDT", "momentum-scan")
    assert decode(Quote, found.market["quote"]) == shown
    assert found.score == pytest.approx(found.market["indicators"]["drift_t"], abs=1e-3)
    assert outcome.summary == "2 instruments scanned, 1 worth a debate"
    assert "drift" in outcome.result["seen"]["kraken BTC/USDT"]["objection"]


def test_nothing_is_seen_in_old_quotes_few_candles_or_a_wide_spread(
    desk: Desk, redis_client: "redis.Redis", at: datetime
) -> None:
    few = make_instrument(venue=desk.account().venue, symbol="ETH/USDT")
    wide = make_instrument(venue=desk.account().venue, symbol="SOL/USDT")
    store_candles(desk.instrument(), rising(), at=at)
    store_candles(few, rising(10), at=at)
    store_candles(wide, rising(), at=at)
    show_quote(venue="binance", bid="106.00", ask="106.01", at=at - timedelta(seconds=6))
    show_quote(venue="binance", symbol="ETH/USDT", bid="100.00", ask="100.01", at=at)
    show_quote(venue="binance", symbol="SOL/USDT", bid="100.00", ask="100.30", at=at)
    outcome = QUEST.run(context(at=at))
    assert outcome.opportunities == ()
    objections = {name: seen["objection"] for name, seen in outcome.result["seen"].items()}
    assert objections["binance BTC/USDT"] == "no fresh quote"
    assert objections["kraken BTC/USDT"] == "no fresh quote"
    assert "has 10" in objections["binance ETH/USDT"]
    assert "spread" in objections["binance SOL/USDT"]


def test_a_desk_that_has_no_market_yet_looks_again_soon(
    desk: Desk, redis_client: "redis.Redis", at: datetime
) -> None:
    show_quote(venue="binance", bid="106.00", ask="106.01", at=at - timedelta(seconds=6))
    with pytest.raises(NoMarketError, match="none of 2 instruments"):
        QUEST.run(context(at=at))


def test_a_rise_that_cannot_pay_its_fees_is_no_opportunity() -> None:
    calm = [candle(i, 100 + i * 0.001 + (i % 2) * 0.003) for i in range(BARS + 1)]
    seen = measure(calm, quote(100.03, at=AT), taker_fee_ratio=0.001)
    assert seen is not None
    assert seen.drift_t > 1
    assert "does not pay" in seen.objection


def test_a_rise_that_has_mostly_happened_is_too_late() -> None:
    steep = [candle(i, 100 * 1.002**i * (1 + (i % 3) * 0.0001)) for i in range(BARS + 1)]
    seen = measure(steep, quote(106, at=AT), taker_fee_ratio=0.001)
    assert seen is not None
    assert "too late" in seen.objection


@given(
    closes=st.lists(st.floats(min_value=1, max_value=1000), min_size=BARS + 1, max_size=BARS + 1),
    scale=st.floats(min_value=0.1, max_value=10),
)
def test_momentum_does_not_depend_on_the_price_level(closes: list[float], scale: float) -> None:
    one = measure([candle(i, c) for i, c in enumerate(closes)], quote(100, at=AT), taker_fee_ratio=0.001)
    two = measure(
        [candle(i, c * scale) for i, c in enumerate(closes)], quote(100, at=AT), taker_fee_ratio=0.001
    )
    assert (one is None) == (two is None)
    if one is not None and two is not None:
        assert two.drift_t == pytest.approx(one.drift_t, rel=1e-6, abs=1e-6)


PRICES = st.decimals(min_value="0.01", max_value="100000", places=4)
FEES = st.decimals(min_value="0", max_value="0.01", places=5)


@given(ask=PRICES, bid=PRICES, buy_fee=FEES, sell_fee=FEES)
def test_an_edge_after_fees_is_what_both_trades_would_leave(
    ask: Decimal, bid: Decimal, buy_fee: Decimal, sell_fee: Decimal
) -> None:
    tick = Decimal("0.001")
    at_low = Quote(
        venue="a", symbol="X/USDT", bid=ask - tick, ask=ask, bid_size=Decimal(1), ask_size=Decimal(1),
        as_of=AT, received_at=AT,
    )  # fmt: skip
    at_high = Quote(
        venue="b", symbol="X/USDT", bid=bid, ask=bid + tick, bid_size=Decimal(1), ask_size=Decimal(1),
        as_of=AT, received_at=AT,
    )  # fmt: skip
    found = edge(at_low, at_high, buy_fee_ratio=buy_fee, sell_fee_ratio=sell_fee)
    left = bid * (1 - sell_fee) - ask * (1 + buy_fee)
    assert found.gross_bps - found.fees_bps == pytest.approx(left / ask * 10_000, abs=Decimal("1e-9"))


def test_spreads_within_fees_are_only_recorded(desk: Desk, redis_client: "redis.Redis", at: datetime) -> None:
    show_quote(venue="binance", bid="100.00", ask="100.01", at=at)
    show_quote(venue="kraken", bid="100.10", ask="100.11", at=at)
    outcome = SPREADS.run(context(at=at))
    assert outcome.opportunities == ()
    seen = outcome.result["seen"]["BTC/USDT"]
    assert (seen["buy_at"], seen["sell_at"], seen["gross_bps"]) == ("binance", "kraken", "9.00")
    assert Decimal(seen["net_bps"]) < 0


def test_a_spread_beyond_fees_is_put_up_for_debate_at_the_cheaper_venue(
    desk: Desk, redis_client: "redis.Redis", at: datetime
) -> None:
    show_quote(venue="binance", bid="100.50", ask="100.51", at=at)
    show_quote(venue="kraken", bid="100.00", ask="100.01", at=at)
    (found,) = SPREADS.run(context(at=at)).opportunities
    assert (found.venue, found.skill_name) == ("kraken", "cross-venue-spread")
    # 48.995 gross, 10 + 10.049 fees, 3 reserve
    assert found.score == pytest.approx(25.946, abs=0.01)


def test_one_venue_alone_has_nothing_to_compare(
    desk: Desk, redis_client: "redis.Redis", at: datetime
) -> None:
    show_quote(venue="binance", bid="100.50", ask="100.51", at=at)
    assert SPREADS.run(context(at=at)).result == {"seen": {}}


FACTS = {
    "trigger": "rsi",
    "skill_name": "mean-reversion",
    "venue": "binance",
    "symbol": "BTC/USDT",
    "value": 22.0,
    "threshold": 30.0,
    "unit": "RSI",
}


def test_a_fired_trigger_is_put_up_for_debate_with_its_facts(
    desk: Desk, redis_client: "redis.Redis", at: datetime
) -> None:
    show_quote(venue="binance", bid="100.00", ask="100.01", at=at)
    facts = {**FACTS, "at": (at - timedelta(seconds=2)).isoformat()}
    (found,) = WEIGH.run(context(at=at, facts=facts)).opportunities
    assert found.skill_name == "mean-reversion"
    assert found.market["trigger"] == facts


@pytest.mark.parametrize(("ask", "fired_s_ago", "why"), [("100.30", 1, "wide"), ("100.01", 121, "ago")])
def test_a_setup_that_is_gone_is_not_debated(
    desk: Desk, redis_client: "redis.Redis", at: datetime, ask: str, fired_s_ago: int, why: str
) -> None:
    show_quote(venue="binance", bid="100.00", ask=ask, at=at)
    facts = {**FACTS, "at": (at - timedelta(seconds=fired_s_ago)).isoformat()}
    outcome = WEIGH.run(context(at=at, facts=facts))
    assert outcome.opportunities == ()
    assert why in outcome.summary
