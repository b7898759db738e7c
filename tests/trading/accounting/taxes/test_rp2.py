"""The sums agree with rp2 on generated histories, for every method both know."""

import random
from datetime import timedelta
from decimal import Decimal
from pathlib import Path

import pytest

from tests.trading.accounting.taxes.histories import START, booked, buy, sell
from tests.trading.accounting.taxes.rp2_oracle import Trade, total_gain
from tests.trading.accounting.taxes.test_properties import gain
from trading.accounting.taxes.lots import Method

TOLERANCE = Decimal("1e-12")


def generated(*, seed: int, count: int) -> list[Trade]:
    """Half purchases, half sales of parts; prices differ, so that HIFO has an order."""
    dice, held, at = random.Random(seed), Decimal(0), START
    trades = []
    for _ in range(count):
        at += timedelta(hours=dice.randint(1, 60))
        size = Decimal(dice.randint(1, 10**6)).scaleb(-4)
        price = Decimal(dice.randint(10_000, 90_000)).scaleb(-1)
        is_buy = dice.random() < 0.5 or size > held
        held += size if is_buy else -size
        fee = (size * price).scaleb(-3)
        trades.append(Trade(at, is_buy, size, size * price + (fee if is_buy else -fee)))
    return trades


@pytest.mark.parametrize("method", Method)
@pytest.mark.parametrize("seed", [1, 2])
def test_the_gain_is_the_one_rp2_computes(method: Method, seed: int, tmp_path: Path) -> None:
    pytest.importorskip("rp2", reason="rp2 (a development dependency) is not installed")
    trades = generated(seed=seed, count=300)
    events = [
        (buy if trade.is_buy else sell)(
            f"{trade.size:f}", f"{trade.total:f}", on=(trade.at - START) / timedelta(days=1), id=str(number)
        )
        for number, trade in enumerate(trades)
    ]
    ours = gain(booked(events, method=method))
    assert ours != 0
    assert abs(ours - total_gain(trades, method=method.value, folder=tmp_path)) <= TOLERANCE
