"""Backtests: kernel, slow reference, statistics, checks. Pure; files and tables are `trading/services/backtests.py`."""


def warm() -> None:
    """Compiles the kernels, or reads them from the disk cache: at a worker's start, so that no task waits for it."""
    from trading.backtest.warming import warm_all

    warm_all()
