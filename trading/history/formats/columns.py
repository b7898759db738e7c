"""Which column is what, by its name, and its values as numbers or times."""

import re
from collections.abc import Iterable, Mapping, Sequence
from datetime import UTC, datetime
from typing import Any

import numpy as np

from trading.history.arrow import as_array
from trading.history.errors import BadFileError
from trading.types.research import FloatArray, IntArray

_TIME = (
    "open_time_ms",
    "time_ms",
    "open_time",
    "opentime",
    "timestamp_ms",
    "timestamp",
    "datetime",
    "unix",
    "unix_timestamp",
)
_MORE_TIME = (
    "time",
    "date",
    "date_time",
    "start",
    "start_time",
    "ts",
    "t",
    "executed_at",
    "transact_time",
    "funding_time",
)
# Ours -> theirs, as `plain` spells it, the surest first
NAMES: Mapping[str, tuple[str, ...]] = {
    "time": (*_TIME, *_MORE_TIME),
    "open": ("open", "open_price", "o"),
    "high": ("high", "high_price", "h"),
    "low": ("low", "low_price", "l"),
    "close": ("close", "close_price", "c"),
    "volume": ("volume_base", "base_volume", "volume", "vol", "v"),
    "price": ("price", "p"),
    "size": ("size", "amount", "quantity", "qty", "size_base", "q", "volume", "vol"),
    "id": ("trade_id", "id", "agg_trade_id", "a"),
    "funding": (
        "funding_ratio",
        "funding_rate",
        "fundingrate",
        "last_funding_rate",
        "rate",
        "funding",
        "value",
        "open",
    ),
    "sentiment": ("sentiment", "score", "compound", "polarity", "value"),
}
_NUMBERS = {name for meaning, names in NAMES.items() if meaning not in {"time", "id"} for name in names}
_LATEST_S, _LATEST_MS, _LATEST_US, _LATEST_NS = 10**11, 10**14, 10**17, 9 * 10**18
_END_MS = 7_258_118_400_000  # 2200


def plain(header: str) -> str:
    """A header as NAMES spells it: lower case, words joined by underscores."""
    return re.sub(r"[^a-z0-9]+", "_", header.lower()).strip("_")


def is_number(header: str) -> bool:
    """Whether a column of this header should hold numbers."""
    return plain(header) in _NUMBERS or plain(header).startswith("volume")


def find(headers: Iterable[str], meaning: str, *, asset: str = "") -> str | None:
    """The header that means this; for a volume also "Volume BTC" when `asset` is BTC. None when there is none."""
    by_plain: dict[str, str] = {}
    for header in headers:
        by_plain.setdefault(plain(header), header)
    wanted = NAMES[meaning]
    if meaning in {"volume", "size"} and asset:
        wanted = (f"volume_{asset.lower()}", *wanted)
    return next((by_plain[name] for name in wanted if name in by_plain), None)


def required(
    headers: Sequence[str], meanings: Sequence[str], *, file: str, asset: str = ""
) -> dict[str, str]:
    """The header of each meaning. Raises BadFileError that names what is missing and what is there."""
    found = {meaning: find(headers, meaning, asset=asset) for meaning in meanings}
    missing = [meaning for meaning, header in found.items() if header is None]
    if missing:
        raise BadFileError(
            f"{file} has no column for {', '.join(missing)} (it has: {', '.join(headers)[:120]}); name its columns "
            f"{','.join(meanings)}"
        )
    return {meaning: header for meaning, header in found.items() if header is not None}


def numbers(column: Any) -> FloatArray:
    """As float64; what is no number is NaN."""
    import pyarrow

    if pyarrow.types.is_string(column.type) or pyarrow.types.is_large_string(column.type):
        return np.array([_number(text) for text in column.to_pylist()], np.float64)
    try:
        values: FloatArray = as_array(column.cast(pyarrow.float64(), safe=False).fill_null(np.nan))
    except pyarrow.ArrowException:
        return np.full(len(column), np.nan)
    return values


def times_ms(column: Any) -> IntArray:
    """Milliseconds since 1970; what is no time of this or the next century is -1.

    Numbers are seconds, milliseconds, micro- or nanoseconds by their size.
    """
    times = _as_ms(column)
    return np.where((times < 0) | (times >= _END_MS), -1, times)


def _as_ms(column: Any) -> IntArray:
    import pyarrow

    kind = column.type
    if pyarrow.types.is_date(kind):
        column = column.cast(pyarrow.timestamp("ms"))
        kind = column.type
    if pyarrow.types.is_timestamp(kind):
        return _in_unit(as_array(column.cast(pyarrow.int64()).fill_null(-1)), unit=kind.unit)
    if pyarrow.types.is_integer(kind):
        return _scaled(as_array(column.cast(pyarrow.int64(), safe=False).fill_null(-1)))
    if pyarrow.types.is_string(kind) or pyarrow.types.is_large_string(kind):
        return np.array([_time_ms(text) for text in column.to_pylist()], np.int64)
    values = numbers(column)
    values = np.where(np.isfinite(values) & (values >= 0) & (values < _LATEST_NS), values, -1.0)
    sizes = [values < 0, values < _LATEST_S, values < _LATEST_MS, values < _LATEST_US]
    scaled = np.select(sizes, [values, values * 1000, values, values / 1000], values / 10**6)
    return np.round(scaled).astype(np.int64)


def _in_unit(values: IntArray, *, unit: str) -> IntArray:
    if unit == "s":
        return np.where(values < _LATEST_S, values, -1) * 1000
    return values // {"ms": 1, "us": 1000, "ns": 10**6}[unit]


def _scaled(values: IntArray) -> IntArray:
    sizes = [values < 0, values < _LATEST_S, values < _LATEST_MS, values < _LATEST_US]
    whole: IntArray = np.select(sizes, [-1, values * 1000, values, values // 1000], values // 10**6)
    return whole


def _time_ms(text: str | None) -> int:
    try:
        if text is None:
            return -1
        if re.fullmatch(r"\d{1,19}(\.0*)?", text.strip()):
            return int(_scaled(np.array([int(text.split(".")[0])], np.int64))[0])
        at = datetime.fromisoformat(text.strip().removesuffix(" UTC"))
    except (ValueError, OverflowError):
        return -1
    return round((at if at.tzinfo else at.replace(tzinfo=UTC)).timestamp() * 1000)


def _number(text: str | None) -> float:
    try:
        return float(text) if text is not None else np.nan
    except ValueError:
        return np.nan
