"""The ccxt client may not move funds, re-post an order, carry keys in its options, or ignore a venue's "too much"."""

import asyncio
from typing import Any

import pytest

from tests.trading.venues.ccxt_exchange.conftest import SYMBOLS
from trading.errors import ConfigurationError, RateLimitedError
from trading.practice.options import client_options
from trading.practice.venues import PracticeVenues
from trading.protocols import Credentials, VenueConfig
from trading.venues.ccxt_exchange.client import make_client
from trading.venues.ccxt_exchange.convert import venue_error
from trading.venues.ccxt_exchange.limits import ban_seconds, budget_of

pytestmark = pytest.mark.usefixtures("redis_client")


def config(venue: str = "binance", /, **options: Any) -> VenueConfig:
    return VenueConfig(name=venue, client=venue, symbols=SYMBOLS, options=options)


@pytest.mark.parametrize("venue", ["binance", "kraken", "okx"])
async def test_no_call_moves_funds_away(venue: str) -> None:
    client = make_client(config(venue), Credentials("key", "c2VjcmV0"))
    forbidden = [
        name
        for name in dir(client)
        if any(word in name.lower() for word in ("withdraw", "transfer"))
        and "post" in name.lower()
        and callable(getattr(client, name))
    ]
    try:
        for call in (
            client.withdraw("BTC", 1, "address"),
            client.transfer("BTC", 1, "spot", "funding"),
            *(getattr(client, name)({}) for name in forbidden[:5]),
        ):
            with pytest.raises(ConfigurationError, match="never moves funds"):
                await call
    finally:
        await client.close()


@pytest.mark.parametrize(
    ("options", "complaint"),
    [
        ({"apiKey": "x"}, "the options apiKey do not belong there"),
        ({"enableRateLimit": False}, "enableRateLimit"),
        ({"options": {"createOrder": {"maxRetriesOnFailure": 3}}}, "a retried order is a second order"),
    ],
)
def test_options_that_are_unsafe_are_refused(options: dict[str, Any], complaint: str) -> None:
    with pytest.raises(ConfigurationError, match=complaint):
        make_client(config(**options), None)


def test_an_unknown_exchange_is_one_clear_line() -> None:
    with pytest.raises(ConfigurationError, match="knows no exchange 'binanse'"):
        make_client(VenueConfig(name="typo", client="binanse", symbols=()), None)


def test_retries_are_off_even_when_asked_for_globally() -> None:
    client = make_client(config(options={"maxRetriesOnFailure": 4}), None)
    assert client.options["maxRetriesOnFailure"] == 0
    assert client.number is str


@pytest.mark.parametrize(("status", "retry_after"), [(429, 1), (418, 1)])
async def test_a_venues_too_much_silences_every_client_until_it_has_passed(
    status: int, retry_after: int, practice: PracticeVenues
) -> None:
    options = client_options(binance_port=practice.binance.port)["binance"]
    one, other = make_client(config(**options), None), make_client(config(**options), None)
    try:
        await one.load_markets()
        other.set_markets(one.markets)
        fault = {
            "action": "rate_limit",
            "path": "/api/v3/depth",
            "status": status,
            "retry_after_s": retry_after,
        }
        practice.call("POST", "/binance/faults", fault)
        with pytest.raises(Exception, match="binance") as refused:
            await one.fetch_order_book("BTC/USDT")
        assert isinstance(venue_error(refused.value, venue="binance"), RateLimitedError)

        practice.call("DELETE", "/binance/requests")
        with pytest.raises(RateLimitedError, match="stay away") as banned:
            await other.fetch_order_book("BTC/USDT")
        assert 0 < banned.value.retry_after_s <= retry_after
        assert practice.call("GET", "/binance/requests") == []

        await asyncio.sleep(banned.value.retry_after_s + 0.05)
        assert (await other.fetch_order_book("BTC/USDT"))["bids"]
    finally:
        await asyncio.gather(one.close(), other.close())


def test_bans_are_read_from_status_header_and_body() -> None:
    assert ban_seconds("binance", status=429, retry_after="30", body="") == 30
    assert ban_seconds("binance", status=418, retry_after="", body="") == 120
    assert ban_seconds("binance", status=200, retry_after="30", body="") == 0
    assert (
        ban_seconds("kraken", status=200, retry_after="", body='{"error":["EAPI:Rate limit exceeded"]}') == 15
    )
    assert (
        ban_seconds("kraken", status=200, retry_after="", body='{"error":["EOrder:Insufficient funds"]}') == 0
    )


def test_budgets_follow_the_exchanges_own_rate() -> None:
    assert budget_of("binance", rate_limit_ms=50).refill_per_s == 20
    budget = budget_of("kraken", rate_limit_ms=1000)
    assert (budget.capacity, budget.cancel_reserve) == (30, 6)
