"""`neuratrade doctor` says when a strategy that was switched on cannot run."""

from datetime import datetime
from typing import Any

import pytest

from neuratrade.checks import strategies
from neuratrade.lib.health import CheckStatus


@pytest.mark.parametrize(
    ("named", "status", "words"),
    [
        ((), CheckStatus.OK, "none is switched on"),
        (("mean-reversion:5m", "scalping"), CheckStatus.OK, "mean-reversion:5m, scalping switched on"),
        (
            ("scalping", "funding-arbitrage:1h"),
            CheckStatus.WARNING,
            "funding-arbitrage:1h: it needs two legs",
        ),
        (("scalpin",), CheckStatus.WARNING, "did you mean scalping"),
    ],
)
def test_strategies_that_cannot_run_are_named(
    settings: Any, at: datetime, named: tuple[str, ...], status: CheckStatus, words: str
) -> None:
    settings.STRATEGIES = named
    result = strategies.CHECK(at)
    assert result.status is status
    assert words in result.evidence
    assert bool(result.remedy) == (status is not CheckStatus.OK)
