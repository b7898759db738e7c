"""How values are written."""

import pytest

from neuratrade.reports import words
from trading.backtest.report.values import Unit


@pytest.mark.parametrize(
    ("value", "unit", "expected"),
    [
        (None, Unit.RATIO, "–"),
        (0.1234, Unit.RATIO, "12.34 %"),
        (-0.00012, Unit.RATIO, "-0.012 %"),
        (-0.0, Unit.RATIO, "0.00 %"),
        (12.5, Unit.RATIO, "1,250.00 %"),
        (1234.5, Unit.QUOTE, "1,234.50 BTC"),
        (0.00001234567, Unit.QUOTE, "0.00001235 BTC"),
        (0.0123456789, Unit.QUOTE, "0.0123457 BTC"),
        (1234, Unit.COUNT, "1,234"),
        (1.23456, Unit.NUMBER, "1.235"),
        (0.00001, Unit.NUMBER, "1.0e-05"),
        (36_500.04, Unit.NUMBER, "36,500.0"),
        (187_500, Unit.SECONDS, "2 d 4 h"),
        (86_400 + 300, Unit.SECONDS, "1 d"),
        (3_661, Unit.SECONDS, "1 h 1 min"),
        (45, Unit.SECONDS, "45 s"),
        (0, Unit.SECONDS, "0 s"),
        ("2026-11-20T12:00:00+00:00", Unit.TIME, "2026-11-20 12:00 UTC"),
        ("spot", Unit.TEXT, "spot"),
    ],
)
def test_values_read_as_people_write_them(value: float | str | None, unit: Unit, expected: str) -> None:
    assert words.shown(value, unit=unit, asset="BTC") == expected
