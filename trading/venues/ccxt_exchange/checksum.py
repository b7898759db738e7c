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
) -> int:
    """The checksum of a book of floats, best levels first."""
    price_scale, size_scale = 10**price_decimals, 10**size_decimals
    parts: list[str] = []
    for levels in (asks, bids):
        for count, level in enumerate(levels):
            if count == _LEVELS:
                break
            parts.append(_digits(level[0], scale=price_scale, decimals=price_decimals))
            parts.append(_digits(level[1], scale=size_scale, decimals=size_decimals))
    return zlib.crc32("".join(parts).encode())


def _digits(value: float, *, scale: int, decimals: int) -> str:
    scaled = value * scale
    if scaled < _FLOAT_LIMIT:
        return str(round(scaled))
    return f"{value:.{decimals}f}".replace(".", "").lstrip("0")
