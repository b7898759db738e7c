"""Kraken's order book checksum, the only proof that no update was lost: its books carry no sequence number.

docs.kraken.com, "Book checksum (v2)": CRC32 over the ten best asks, then the ten best bids, each as price and size without
the point and without leading zeros.
"""

import zlib
from collections.abc import Iterable, Sequence

_LEVELS = 10
_FLOAT_LIMIT = 2**53


def kraken_checksum(
    *,
    asks: Iterable[Sequence[float]],
    bids: Iterable[Sequence[float]],
    price_decimals: int,
    size_decimals: int,
) -> int | None:
    """The checksum of a book of floats, best levels first; None when a number has more digits than a float can hold."""
    price_scale, size_scale = 10**price_decimals, 10**size_decimals
    parts: list[str] = []
    for levels in (asks, bids):
        for count, level in enumerate(levels):
            if count == _LEVELS:
                break
            price, size = level[0] * price_scale, level[1] * size_scale
            if price >= _FLOAT_LIMIT or size >= _FLOAT_LIMIT:
                return None
            parts.append(str(round(price)))
            parts.append(str(round(size)))
    return zlib.crc32("".join(parts).encode())
