"""Typed values to JSON-able dicts and back: decimals as text, times as ISO, enums by value. Strict on the way in."""

from collections.abc import Mapping
from dataclasses import asdict
from datetime import datetime
from decimal import Decimal
from typing import Any, TypeVar

from pydantic import TypeAdapter, ValidationError

from trading.errors import InvalidValueError
from trading.types import Candle, OrderBook, Quote, Review, TradeIdea, TradePlan

T = TypeVar("T", TradeIdea, TradePlan, Review, Quote, OrderBook, Candle)

_adapters: dict[type, TypeAdapter[Any]] = {}


def encode(value: TradeIdea | TradePlan | Review | Quote | OrderBook | Candle) -> dict[str, Any]:
    """A dict that JSON can hold and `decode` turns back into an equal value."""
    plain = _plain(asdict(value))
    assert isinstance(plain, dict)
    return plain


def decode(kind: type[T], data: Mapping[str, Any]) -> T:
    """The value that `data` describes; raises InvalidValueError naming the field on anything missing, unknown or out of range."""
    unknown = set(data) - set(kind.__dataclass_fields__)
    if unknown:
        raise InvalidValueError(f"{kind.__name__}: unknown field {', '.join(sorted(unknown))}")
    adapter = _adapters.setdefault(kind, TypeAdapter(kind))
    try:
        value = adapter.validate_python(dict(data))
    except ValidationError as error:
        first = error.errors()[0]
        place = ".".join(str(part) for part in first["loc"]) or "value"
        raise InvalidValueError(f"{kind.__name__}: {place}: {first['msg']}") from error
    assert isinstance(value, kind)
    return value


def _plain(value: object) -> Any:
    if isinstance(value, Mapping):
        return {str(key): _plain(item) for key, item in value.items()}
    if isinstance(value, list | tuple):
        return [_plain(item) for item in value]
    if isinstance(value, Decimal):
        return format(value, "f")
    if isinstance(value, datetime):
        return value.isoformat()
    return value
