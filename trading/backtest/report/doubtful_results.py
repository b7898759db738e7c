"""Doubts about the figures: too few trades, too good, hanging on one stroke, chosen on what they are judged on.

Bounds are ours, chosen so that an honest strategy seldom meets them: the best known funds earned some 40 to 70 % a year before fees over
decades, and a Sharpe ratio that stays above 3 is rare even in market making; a few good months may show 5 by luck.
"""

from collections.abc import Iterator

from trading.backtest.report.curve import curve
from trading.backtest.report.doubts import Case
from trading.backtest.report.refusals import in_words
from trading.backtest.report.values import Flag, Level
from trading.types.research import ExitKind

FEWEST_TRADES = 30
FEWEST_DAYS = 30
SIGNIFICANT = 0.05
HIGH_CAGR, ABSURD_CAGR = 3.0, 10.0
HIGH_SHARPE, ABSURD_SHARPE = 5.0, 10.0
HIGH_WIN_RATE = 0.95
LARGEST_SHARE = 0.5


def _too_few(case: Case) -> Iterator[Flag]:
    count = len(case.trips)
    if count == 0:
        refused = case.run.refusals
        main = max(refused, key=lambda reason: refused[reason]) if refused else ""
        yield Flag(
            key="no_trades",
            level=Level.FATAL,
            title="No trade was made",
            words=f"{sum(refused.values())} entries were refused, most of them for: {in_words(main)}."
            if main
            else "The strategy never asked to enter.",
            numbers={"refused_entries": sum(refused.values())},
        )
    elif count < FEWEST_TRADES:
        p_value = case.report.number("p_value")
        yield Flag(
            key="too_few_trades",
            level=Level.WARNING,
            title="Too few trades",
            words=f"{count} trades say little about the next ones; {FEWEST_TRADES} are the least worth judging"
            + ("." if p_value is None else f" (p-value {p_value:.3f})."),
            numbers={"trades": count, "least_trades": FEWEST_TRADES, "p_value": p_value},
        )


def _ruined(case: Case) -> Iterator[Flag]:
    least = case.report.number("min_equity_quote")
    if least is not None and least <= 0:
        yield Flag(
            key="ruined",
            level=Level.FATAL,
            title="The account was wiped out",
            words=f"Equity fell to {least:,.6g}; everything after that could not have happened.",
            numbers={"min_equity_quote": least},
        )


def _too_good(case: Case) -> Iterator[Flag]:
    for key, label, high, absurd, show in (
        ("cagr_ratio", "growth per year", HIGH_CAGR, ABSURD_CAGR, "{:,.0%}"),
        ("sharpe", "Sharpe ratio", HIGH_SHARPE, ABSURD_SHARPE, "{:.1f}"),
    ):
        value = case.report.number(key)
        if value is not None and value > high:
            yield Flag(
                key=f"absurd_{key.removesuffix('_ratio')}",
                level=Level.FATAL if value > absurd else Level.WARNING,
                title=f"A {label} no market gives",
                words=f"The {label} of {show.format(value)} is above {show.format(high)}, which nobody is known to have kept up."
                " Look for prices from the future, missing costs, or stops inside bars.",
                numbers={key: value, "bound": high},
            )
    rate, count = case.report.number("win_rate_ratio"), len(case.trips)
    if rate is not None and rate >= HIGH_WIN_RATE and count >= FEWEST_TRADES:
        yield Flag(
            key="win_rate",
            level=Level.FATAL if rate >= 1 else Level.WARNING,
            title="Almost no trade loses",
            words=f"{rate:.1%} of {count} trades win. Losses may be waiting in positions that are held until they recover.",
            numbers={"win_rate_ratio": rate, "trades": count},
        )
    if count and case.report.number("max_drawdown_ratio") == 0:
        yield Flag(
            key="no_drawdown",
            level=Level.FATAL,
            title="Equity never fell",
            words=f"{count} trades, and equity was never below an earlier peak at any close: no market does that.",
            numbers={"trades": count, "max_drawdown_ratio": 0.0},
        )


def _one_stroke(case: Case) -> Iterator[Flag]:
    """Profit that hangs on one trade, on one day, or on what is still open."""
    if case.profit <= 0 or len(case.trips) < 2:
        return
    open_profit = float(case.trips.pnl[case.trips.kind == ExitKind.END].sum())
    for key, title, biggest, what in (
        ("one_trade", "One trade made the profit", float(case.trips.pnl.max()), "the best trade"),
        ("one_day", "One day made the profit", float(curve(case.run).day_change.max()), "the best day"),
        ("open_profit", "The profit is not realised", open_profit, "trades still open at the end"),
    ):
        share = biggest / case.profit
        if share > LARGEST_SHARE:
            rest = (
                "without it there is a loss"
                if share >= 1
                else f"the rest earned {case.profit - biggest:,.6g}"
            )
            yield Flag(
                key=key,
                level=Level.WARNING,
                title=title,
                words=f"{share:.0%} of the profit came from {what} ({biggest:,.6g} of {case.profit:,.6g}); {rest}.",
                numbers={"share_ratio": share, "profit_quote": case.profit, "largest_quote": biggest},
            )


def _chance(case: Case) -> Iterator[Flag]:
    p_value = case.report.number("p_value")
    if p_value is None or len(case.trips) < FEWEST_TRADES or case.profit <= 0:
        return
    # Bonferroni: the best of n tries needs n times the evidence.
    corrected = min(1.0, p_value * max(case.combinations, 1))
    if corrected > SIGNIFICANT:
        tries = f" after {case.combinations} tries" if case.combinations > 1 else ""
        yield Flag(
            key="not_significant",
            level=Level.WARNING,
            title="May be chance",
            words=f"The mean trade cannot be told from zero: p-value {corrected:.3f}{tries}, above {SIGNIFICANT}.",
            numbers={"p_value": p_value, "corrected_p_value": corrected, "combinations": case.combinations},
        )


def _fitted(case: Case) -> Iterator[Flag]:
    if case.combinations > 1 and not case.has_out_of_sample:
        yield Flag(
            key="in_sample",
            level=Level.WARNING,
            title="Chosen on the same candles it is judged on",
            words=f"This is the best of {case.combinations} combinations, and no candles were kept aside. Run it again with --walk-forward.",
            numbers={"combinations": case.combinations},
        )


def _span(case: Case) -> Iterator[Flag]:
    days = case.report.number("days") or 0.0
    if days < FEWEST_DAYS:
        yield Flag(
            key="short_span",
            level=Level.WARNING,
            title="A short time",
            words=f"{days:.1f} days hold one mood of the market; figures per year are stretched {365 / days:,.0f} times."
            if days
            else "There are no bars.",
            numbers={"days": days, "least_days": FEWEST_DAYS},
        )


CHECKS = (_too_few, _ruined, _too_good, _one_stroke, _chance, _fitted, _span)
