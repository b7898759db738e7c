"""Has vectorbt account for a stored run's fills a second time, for those who installed it."""

from typing import TYPE_CHECKING

from trading.services.backtests import Outcome

if TYPE_CHECKING:
    from trading.backtest.report.opinion import SecondOpinion


def require() -> None:
    """ConfigurationError in one line where vectorbt is not installed: asked before a run, not after it."""
    from trading.backtest import engine

    engine.require()


def ask(outcome: Outcome) -> "SecondOpinion":
    """vectorbt's books of the outcome's fills beside ours. Takes seconds: it compiles itself first."""
    from trading.backtest.report import opinion

    return opinion.ask(outcome.run, markets=outcome.markets, report=outcome.report)
