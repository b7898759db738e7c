"""A JSON value as every database gives it back.

What is hashed before it is stored must be the same after it was read. PostgreSQL's jsonb keeps numbers as decimals, so 1e16 returns as
a whole number and -0.0 without its sign, and neither its text nor its JSON can hold NUL or half a surrogate pair
(https://www.postgresql.org/docs/current/datatype-json.html), which a model or a venue may well send.
"""

import re
from collections.abc import Mapping
from decimal import Decimal
from typing import Any

_UNSTORABLE = re.compile("[\x00\ud800-\udfff]")
_WHOLE_FROM = 1e16  # from here on Python writes a float with an exponent, and every float is a whole number


def text(value: str) -> str:
    """`value` with a replacement character for each one that PostgreSQL cannot hold."""
    return _UNSTORABLE.sub("\ufffd", value)


def storable(value: object) -> Any:
    """The same for a whole JSON value; NaN, infinities and what is no JSON stay as they are, for the encoder to refuse."""
    if isinstance(value, str):
        return text(value)
    if isinstance(value, float):
        is_long = _WHOLE_FROM <= abs(value) < float("inf")
        return int(Decimal(repr(value))) if is_long else value + 0.0  # adding zero takes the sign off -0.0
    if isinstance(value, Mapping):
        return {storable(key): storable(item) for key, item in value.items()}
    if isinstance(value, list | tuple):
        return [storable(item) for item in value]
    return value
