"""How a report's values are written, the same in the terminal and on a page: `12.34 %`, `1,234.50`, `2 d 4 h`, `–` for not known."""

from datetime import UTC, datetime

from trading.backtest.report.values import Row, Unit, Value

UNKNOWN = "–"
_SPANS = (("d", 86_400), ("h", 3_600), ("min", 60), ("s", 1))


def shown(value: Value, *, unit: Unit, asset: str = "") -> str:
    """`value` for reading; money with its asset when that is given."""
    if value is None:
        return UNKNOWN
    if isinstance(value, str):
        return moment_text(value) if unit is Unit.TIME else value
    if unit is Unit.RATIO:
        return percent(value)
    if unit is Unit.QUOTE:
        return f"{money(value)} {asset}".rstrip()
    if unit is Unit.SECONDS:
        return span(value)
    return f"{value:,}" if unit is Unit.COUNT else number(value)


def row_value(row: Row, *, asset: str = "") -> str:
    """A row's own value."""
    return shown(row.value, unit=row.unit, asset=asset)


def row_theirs(row: Row) -> str:
    """What freqtrade prints where that differs; empty where it reads the same."""
    theirs = shown(row.freqtrade, unit=row.unit)
    return theirs if row.freqtrade_definition and theirs != row_value(row) else ""


def percent(ratio: float | None) -> str:
    """0.1234 -> 12.34 %."""
    if ratio is None:
        return UNKNOWN
    value = ratio * 100
    digits = 2 if abs(value) >= 0.1 or not value else 3
    return f"{_unsigned_zero(value, digits):,.{digits}f} %"


def money(value: float) -> str:
    """Two decimals from a hundred on, six significant digits below: fit for USDT and for BTC."""
    if abs(value) >= 100 or value == 0:
        return f"{value:,.2f}"
    text = f"{value:.6g}"
    return f"{value:.8f}".rstrip("0") if "e" in text else text


def number(value: float | None) -> str:
    """Three decimals below ten, fewer above; small p-values keep two digits."""
    if value is None:
        return UNKNOWN
    if 0 < abs(value) < 0.001:
        return f"{value:.1e}"
    digits = 3 if abs(value) < 10 else 2 if abs(value) < 100 else 1
    return f"{_unsigned_zero(value, digits):,.{digits}f}"


def span(seconds: float | None) -> str:
    """The two largest parts: 2 d 4 h."""
    if seconds is None:
        return UNKNOWN
    rest = round(seconds)
    parts: list[str] = []
    for name, length in _SPANS:
        count, rest = divmod(rest, length)
        if count or (parts and len(parts) < 2):
            parts.append(f"{count} {name}")
    return " ".join(part for part in parts[:2] if not part.startswith("0 ")) or "0 s"


def moment(at_ms: int | None) -> str:
    """Milliseconds as 2026-11-20 12:00, in UTC."""
    return UNKNOWN if at_ms is None else f"{datetime.fromtimestamp(at_ms / 1000, UTC):%Y-%m-%d %H:%M}"


def day(at_ms: int | None) -> str:
    """Milliseconds as 2026-11-20."""
    return moment(at_ms)[:10] if at_ms is not None else UNKNOWN


def moment_text(text: str) -> str:
    """ISO 8601 in UTC as 2026-11-20 12:00 UTC."""
    return f"{text[:16].replace('T', ' ')} UTC"


def plain_name(name: str) -> str:
    """`max_order_notional` -> `max order notional`."""
    return name.replace("_", " ")


def tone(value: float | None) -> str:
    """good, bad, or nothing for zero and unknown."""
    return "" if not value else "good" if value > 0 else "bad"


def _unsigned_zero(value: float, digits: int) -> float:
    return round(value, digits) + 0.0
