"""Kraken's order book checksum, the only proof that no update was lost: its books carry no sequence number.

docs.kraken.com, "Book checksum (v2)": CRC32 over the ten best asks, then the ten best bids, each as price and size without
the point and without leading zeros.
"""

import zlib
from collections.abc import Sequence

_LEVELS = 10
_FLOAT_LIMIT = 2**53


def kraken_checksum(
    *,
    asks: Sequence[Sequence[float]],
    bids: Sequence[Sequence[float]],
    price_decimals: int,
    size_decimals: int,
) -> int | None:
    """The checksum of a book of floats, best levels first; None when a number has more digits than a float can hold."""
    price_scale, size_scale = 10**price_decimals, 10**size_decimals
    best = [*asks[:_LEVELS], *bids[:_LEVELS]]
    for price, size in best:
        if price * price_scale >= _FLOAT_LIMIT or size * size_scale >= _FLOAT_LIMIT:
            return None
    # a scaled number written without decimals has neither point nor leading zeros
    text = "".join([f"{price * price_scale:.0f}{size * size_scale:.0f}" for price, size in best])
    return zlib.crc32(text.encode())
