"""Backtests: kernel, slow reference, statistics, checks. Pure; files and tables are `trading/services/backtests.py`."""
