"""How each exchange's streams behave where ccxt leaves it to us; an exchange without an entry gets careful defaults."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any


@dataclass(frozen=True, slots=True, kw_only=True)
class StreamTraits:
    """`book_depth`: levels asked for; None takes what the exchange gives by default. `client_options`: merged into ccxt's.

    `book_hash`: ccxt's name of one book's subscription; empty means one book cannot be resynchronised alone, so the
    connection is renewed. `unsubscribe`: the venue answers a second subscribe with an error, so leave first. `has_checksum`: every book
    message carries Kraken's CRC32.
    """

    book_depth: int | None = None
    client_options: Mapping[str, Any] = field(default_factory=dict)
    book_hash: str = ""
    unsubscribe: bool = False
    has_checksum: bool = False


STREAMS: dict[str, StreamTraits] = {
    # One connection carries up to 1024 streams (developers.binance.com, "WebSocket streams"); ccxt would open fifty.
    "binance": StreamTraits(
        book_depth=500,
        client_options={"streamLimits": {"spot": 1}, "subscriptionLimitByStream": {"spot": 1_000_000}},
        book_hash="orderbook::{symbol}",
    ),
    "kraken": StreamTraits(
        book_depth=25, book_hash="orderbook@{symbol}", unsubscribe=True, has_checksum=True
    ),
}


def traits_of(client_id: str) -> StreamTraits:
    return STREAMS.get(client_id, StreamTraits())
