"""What can be said about a backtest: figures with their definitions, tables, Monte Carlo, and what makes it doubtful. Pure.

`review.review` makes the whole of it; `values.py` says what a report holds.
"""
