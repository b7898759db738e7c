"""Kraken's documented example, and that any change shows."""

from trading.venues.ccxt_exchange.checksum import kraken_checksum

# docs.kraken.com, "Book checksum (v2)", the worked example for BTC/USD
ASKS = [
    [45285.2, 0.00100000],
    [45286.4, 1.54571953],
    [45286.6, 1.54571109],
    [45289.6, 1.54560911],
    [45290.2, 0.15890660],
    [45291.8, 1.54553491],
    [45294.7, 0.04454749],
    [45296.1, 0.35380000],
    [45297.5, 0.09945542],
    [45299.5, 0.18772827],
]
BIDS = [
    [45283.5, 0.10000000],
    [45283.4, 1.54582015],
    [45282.1, 0.10000000],
    [45281.0, 0.10000000],
    [45280.3, 1.54592586],
    [45279.0, 0.07990000],
    [45277.6, 0.03310103],
    [45277.5, 0.30000000],
    [45277.3, 1.54602737],
    [45276.6, 0.15445238],
]
DOCUMENTED = 3310070434


def test_the_documented_example() -> None:
    assert kraken_checksum(asks=ASKS, bids=BIDS, price_decimals=1, size_decimals=8) == DOCUMENTED


def test_a_level_too_many_is_ignored_and_a_changed_size_is_not() -> None:
    longer = [*ASKS, [45300.0, 1.0]]
    assert kraken_checksum(asks=longer, bids=BIDS, price_decimals=1, size_decimals=8) == DOCUMENTED
    changed = [*ASKS[:-1], [45299.5, 0.18772828]]
    assert kraken_checksum(asks=changed, bids=BIDS, price_decimals=1, size_decimals=8) != DOCUMENTED


def test_sizes_beyond_what_a_float_holds_cannot_be_checked() -> None:
    huge = [[0.5, 250_000_000.12345678]]
    assert kraken_checksum(asks=huge, bids=[], price_decimals=1, size_decimals=8) is None
    assert kraken_checksum(asks=huge, bids=[], price_decimals=1, size_decimals=2) is not None
