"""A report packed for a row comes back the same, small and fast; damage is one clear line."""

import zlib

import numpy as np
import pytest

from tests.trading.backtest.runs import Deal, bars, run
from trading.backtest.report import document
from trading.backtest.report.review import review
from trading.backtest.report.values import Report
from trading.errors import InvalidValueError


def reviewed() -> Report:
    market = bars(100 + np.sin(np.arange(3000) / 40) * 9)
    deals = [Deal(30 * i, 30 * i + 11, stop_ratio=0.0 if i % 9 == 0 else 0.02) for i in range(90)]
    return review(run([market], deals, refusals={"cash": 2}), markets=[market], paths=50)


def test_a_packed_report_comes_back_equal() -> None:
    report = reviewed()
    content = document.pack(report)
    assert len(content) < 120_000
    assert document.unpack(content, trades=report.trades) == report


@pytest.mark.parametrize("content", [b"", b"nonsense", zlib.compress(b"{}"), zlib.compress(b"{")])
def test_damage_is_one_line(content: bytes) -> None:
    with pytest.raises(InvalidValueError, match="run the backtest again"):
        document.unpack(content)


def test_what_cannot_be_told_is_null_in_json() -> None:
    assert document.plain({"a": float("nan"), "b": (float("inf"), 1.5)}) == {"a": None, "b": [None, 1.5]}
