"""A plain install has no vectorbt: asking for it is one line that says what to do."""

import sys

import pytest

from tests.trading.backtest.worlds import world
from trading.backtest import run
from trading.backtest.engine import portfolio
from trading.errors import ConfigurationError


@pytest.mark.parametrize("missing", ["vectorbt", "vectorbt_rust"])
def test_it_says_how_to_install_it(monkeypatch, missing):
    monkeypatch.setitem(sys.modules, missing, None)
    made = world(3, stops="wide")
    with pytest.raises(ConfigurationError, match=r"run ./install.sh --research to add it$"):
        portfolio(made.run(run.run), markets=made.markets)
