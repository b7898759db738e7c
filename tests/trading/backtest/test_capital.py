"""The desk's limits and instruments as the kernel's floats."""

from dataclasses import fields
from decimal import Decimal as D

import pytest

from tests.trading.risk.builders import INSTRUMENT
from trading.backtest.capital import from_limits, terms_of, unlimited
from trading.errors import InvalidValueError
from trading.risk.limits import PROFILES
from trading.types.research import Capital


@pytest.mark.parametrize("profile", sorted(PROFILES))
def test_every_number_is_the_profiles_own(profile):
    limits = PROFILES[profile]
    found = from_limits(limits, start_equity=25_000.0, max_open_positions=3)
    assert (found.start_equity, found.max_open_positions) == (25_000.0, 3)
    for field in fields(Capital):
        if field.name not in {"start_equity", "max_open_positions"}:
            assert getattr(found, field.name) == float(getattr(limits, field.name))


def test_an_instruments_terms():
    terms = terms_of(INSTRUMENT, slippage_bps=D("2.5"))
    assert (terms.venue, terms.symbol, terms.slippage_bps) == ("binance", "BTC/USDT", 2.5)
    assert (terms.taker_fee_ratio, terms.maker_fee_ratio) == (0.001, 0.001)
    assert (terms.price_tick, terms.size_step, terms.min_size, terms.min_notional) == (0.01, 1e-5, 1e-5, 5.0)


@pytest.mark.parametrize("equity", [0.0, -1.0, float("nan"), float("inf")])
def test_no_money_is_one_clear_line(equity):
    for make in (
        lambda: unlimited(start_equity=equity),
        lambda: from_limits(PROFILES["balanced"], start_equity=equity),
    ):
        with pytest.raises(InvalidValueError, match="start_equity must be a positive number"):
            make()


def test_a_negative_count_of_positions_is_refused():
    with pytest.raises(InvalidValueError, match="max_open_positions"):
        from_limits(PROFILES["balanced"], start_equity=1.0, max_open_positions=-1)
